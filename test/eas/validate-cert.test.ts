import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import type { Verdict } from '../../src/model/certificate.ts'
import { children, el, text, type Node } from '../../src/wire/wbxml.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { bobDer } from '../support/memory-directory.ts'

let server: EasServer
beforeEach(async () => void (server = await easServer()))
afterEach(() => server.stop())

const bob = bobDer.toString('base64')
type Wish = { readonly certificates?: readonly (string | Uint8Array)[]; readonly chain?: readonly string[]; readonly check?: string }

const node = ({ certificates, chain, check }: Wish): Node => {
  const list = (all: readonly (string | Uint8Array)[]): Node[] => all.map(one => el('ValidateCert:Certificate', one))
  return el('ValidateCert:ValidateCert', [
    ...(chain ? [el('ValidateCert:CertificateChain', list(chain))] : []), ...(certificates ? [el('ValidateCert:Certificates', list(certificates))] : []),
    ...(check === undefined ? [] : [el('ValidateCert:CheckCRL', check)]),
  ])
}

async function validate(wish: Wish, version = '16.1'): Promise<{ status: string | undefined; certificates: (string | undefined)[] }> {
  const answer = (await server.phone({ version }).command('ValidateCert', node(wish)))!
  return {
    status: text(answer, 'ValidateCert:Status'),
    certificates: children(answer, 'ValidateCert:Certificate').map(one => text(one, 'ValidateCert:Status')),
  }
}

describe('ValidateCert', () => {
  it('tells of each certificate what is wrong with it', async () => {
    expect(await validate({ certificates: [bob, 'bm9uZQ==', '', bob.replace(/(.{64})/g, '$1\r\n')] })).toEqual({ status: '1', certificates: ['4', '10', '10', '4'] })
  })

  it('takes certificates as octets too', async () => {
    expect(await validate({ certificates: [bobDer] })).toEqual({ status: '1', certificates: ['4'] })
  })

  it.each(['2.5', '12.0', '12.1', '14.0', '14.1', '16.0'])('answers in version %s', async version => {
    expect(await validate({ certificates: [bob] }, version)).toEqual({ status: '1', certificates: ['4'] })
  })

  it.each<[Verdict, string]>([
    ['valid', '1'], ['signature', '3'], ['untrusted', '4'], ['chain-malformed', '5'], ['usage', '6'], ['expired', '7'], ['chain-expired', '8'],
    ['chain-usage', '9'], ['malformed', '10'], ['role', '11'], ['revoked', '13'], ['revocation-offline', '14'], ['chain-revoked', '15'],
    ['revocation-unknown', '16'],
  ])('has a status for %s', async (verdict, status) => {
    server.account.certificates = { verify: async certificates => certificates.map(() => verdict) }
    expect(await validate({ certificates: [bob] })).toEqual({ status: '1', certificates: [status] })
  })

  it.each<[string, string | undefined, boolean]>([['unasked', undefined, false], ['0', '0', false], ['1', '1', true], ['an empty tag', '', true]])(
    'passes on the chain, and whether revocation must be known: %s', async (_, check, strict) => {
      let asked: unknown
      server.account.certificates = { verify: async (certificates, chain, wanted) => {
        asked = [certificates.length, chain.map(one => Buffer.from(one).toString()), wanted]
        return ['valid']
      } }
      await validate({ certificates: [bob], chain: ['b25l', 'dHdv'], ...(check === undefined ? {} : { check }) })
      expect(asked).toEqual([1, ['one', 'two'], strict])
    })

  it.each<[string, Wish]>([
    ['no certificates', {}],
    ['an empty list', { certificates: [] }],
    ['only a chain', { chain: [bob] }],
    ['too many', { certificates: Array.from({ length: 101 }, () => bob) }],
    ['too many together', { certificates: Array.from({ length: 60 }, () => bob), chain: Array.from({ length: 60 }, () => bob) }],
    ['a CheckCRL that is none', { certificates: [bob], check: '2' }],
  ])('refuses %s', async (_, wish) => {
    expect(await validate(wish)).toEqual({ status: '2', certificates: [] })
  })

  it('says that the server failed', async () => {

    server.account.certificates = { verify: () => Promise.reject(new Failure('unavailable', 'x')) }
    expect(await validate({ certificates: [bob] })).toEqual({ status: '17', certificates: [] })
  })
})
