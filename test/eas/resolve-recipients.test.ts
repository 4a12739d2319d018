import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { decode, el, text } from '../../src/wire/wbxml.ts'
import type { Phone } from '../support/eas-client.ts'
import { resolve, resolveNode, type Recipient, type Resolved, type ResolveWish } from '../support/eas-directory.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { bobDer, builders, MemoryDirectory } from '../support/memory-directory.ts'

let server: EasServer
let directory: MemoryDirectory
let phone: Phone
beforeEach(async () => {
  server = await easServer()
  server.account.directory = directory = builders()
  phone = server.phone()
})
afterEach(() => server.stop())

const one = async (wish: ResolveWish, version = '16.1'): Promise<Resolved> => (await resolve(server.phone({ version }), wish)).responses[0]!
const first = async (wish: ResolveWish, version?: string): Promise<Recipient> => (await one(wish, version)).recipients[0]!
const bob = bobDer.toString('base64')

describe('a recipient', () => {
  it.each<[string, string, string, string, string[]]>([
    ['an address', 'bob@postern.test', '1', '1', ['1 Bob Builder bob@postern.test']],
    ['a second address', 'BOB.builder@postern.test', '1', '1', ['1 Bob Builder bob@postern.test']],
    ['a name', 'Carol Builder', '1', '1', ['2 Carol Builder carol@postern.test']],
    ['the beginning of one name', 'Dörte', '1', '1', ['1 Dörte Builder doerte@postern.test']],
    ['the beginning of several', 'Builder', '2', '3', ['1 Bob Builder bob@postern.test', '2 Carol Builder carol@postern.test', '1 Dörte Builder doerte@postern.test']],
    ['nobody', 'Zoe', '4', '0', []],
    ['an address of nobody', 'zoe@postern.test', '4', '0', []],
    ['nothing', '', '4', '0', []],
    ['the user, whom the directory does not know', 'anna@postern.test', '1', '1', ['1 Anna Test anna@postern.test']],
    ['the user by another address', 'Anna <anna@alias.postern.test>', '4', '0', []],
    ['the user by an alias', 'Anna <anna.alias@postern.test>', '1', '1', ['1 Anna Test anna@postern.test']],
  ])('is %s', async (_, to, status, count, recipients) => {
    const answer = await one({ to: [to] })
    expect([answer.to, answer.status, answer.count]).toEqual([to, status, count])
    expect(answer.recipients.map(({ type, name, address }) => `${type} ${name} ${address}`)).toEqual(recipients)
  })

  it.each(['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'])('is resolved in version %s', async version => {
    expect(await one({ to: ['bob@postern.test'] }, version)).toMatchObject({ status: '1', recipients: [{ address: 'bob@postern.test', availability: undefined, certificates: undefined, picture: undefined }] })
  })

  it('of many comes in its place', async () => {
    const to = Array.from({ length: 100 }, (_, n) => n % 2 ? 'bob@postern.test' : 'Zoe')
    const { status, responses } = await resolve(phone, { to })
    expect(status).toBe('1')
    expect(responses.map(answer => [answer.to, answer.status])).toEqual(to.map(name => [name, name === 'Zoe' ? '4' : '1']))
  })

  it.each([[0, '3', 0], [2, '3', 2], [3, '2', 3], [9999, '2', 3]])('has %s suggestions at most', async (mostAmbiguous, status, told) => {
    const answer = await one({ to: ['builder'], mostAmbiguous })
    expect([answer.status, answer.count, answer.recipients.length]).toEqual([status, '3', told])
  })

  it('without a directory is the user alone', async () => {
    server.account.directory = undefined
    const { responses } = await resolve(phone, { to: ['anna@postern.test', 'bob@postern.test'], certificates: 2 })
    expect(responses.map(({ status, recipients }) => [status, recipients[0]?.certificates])).toEqual([['1', ['7', '0', '1']], ['4', undefined]])
  })
})

describe('certificates', () => {
  it.each<[string, ResolveWish, string[] | undefined]>([
    ['are not told unasked', { to: ['bob@postern.test'] }, undefined],
    ['are not told where they are not wanted', { to: ['bob@postern.test'], certificates: 1 }, undefined],
    ['are told whole', { to: ['bob@postern.test'], certificates: 2 }, ['1', '1', '1', bob]],
    ['are told small', { to: ['bob@postern.test'], certificates: 3 }, ['1', '1', '1', bob]],
    ['are missing', { to: ['carol@postern.test'], certificates: 2 }, ['7', '0', '1']],
    ['of a group are those of its members', { to: ['all@postern.test'], certificates: 2 }, ['1', '2', '3', bob, bob]],
    ['of a group are more than wanted', { to: ['all@postern.test'], certificates: 2, mostCertificates: 1 }, ['8', '2', '3']],
    ['are more than none', { to: ['bob@postern.test'], certificates: 2, mostCertificates: 0 }, ['8', '1', '1']],
  ])('%s', async (_, wish, expected) => {
    expect((await first(wish)).certificates).toEqual(expected)
  })

  it('are told as long as the limit of all of them allows', async () => {
    const { responses } = await resolve(phone, { to: ['bob@postern.test', 'all@postern.test', 'bob@postern.test', 'bob@postern.test'], certificates: 2, mostCertificates: 2 })
    expect(responses.map(({ recipients: [recipient] }) => recipient!.certificates![0])).toEqual(['1', '8', '1', '8'])
  })

  it('are not told of suggestions', async () => {
    expect((await one({ to: ['builder'], certificates: 2 })).recipients.map(({ certificates }) => certificates)).toEqual([undefined, undefined, undefined])
  })

  it('that are none, or no longer good, do not count', async () => {
    server.account.directory = new MemoryDirectory([{ displayName: 'Eve', addresses: ['eve@x.test'], certificates: [Buffer.from('not one'), bobDer.subarray(0, 100), bobDer] }])
    expect((await first({ to: ['eve@x.test'], certificates: 2 })).certificates).toEqual(['1', '1', '1', bob])
    const later = await easServer({}, server.account, () => new Date('2127-01-01'))
    expect((await resolve(later.phone(), { to: ['eve@x.test'], certificates: 2 })).responses[0]!.recipients[0]!.certificates).toEqual(['7', '0', '1'])
    await later.stop()
  })

  it('are written as binary tags hold them, in their own element', async () => {
    const { bytes } = await phone.raw('ResolveRecipients', resolveNode({ to: ['bob@postern.test'], certificates: 3 }))
    expect(decode(bytes).children[1]!.children[3]!.children[3]!.children.map(({ tag }) => tag)).toEqual([
      'ResolveRecipients:Status', 'ResolveRecipients:CertificateCount', 'ResolveRecipients:RecipientCount', 'ResolveRecipients:MiniCertificate',
    ])
  })
})

describe('photos', () => {
  it.each<[string, ResolveWish, (string | undefined)[]]>([
    ['are told of whoever has one', { to: ['bob@postern.test'], picture: {} }, ['1 5']],
    ['are missing', { to: ['carol@postern.test'], picture: {} }, ['173']],
    ['are too large', { to: ['doerte@postern.test'], picture: { size: 4999 } }, ['174']],
    ['are told of suggestions', { to: ['builder'], picture: { count: 1 } }, ['1 5', '173', '175']],
  ])('%s', async (_, wish, expected) => {
    expect((await one(wish)).recipients.map(({ picture }) => picture)).toEqual(expected)
  })

  it('are counted for each recipient', async () => {
    const { responses } = await resolve(phone, { to: ['builder', 'builder'], picture: { count: 1 } })
    expect(responses.flatMap(({ recipients }) => recipients.map(({ picture }) => picture))).toEqual(['1 5', '173', '175', '1 5', '173', '175'])
  })

  it.each(['2.5', '12.0', '12.1', '14.0'])('are unknown to version %s', async version => {
    expect((await first({ to: ['bob@postern.test'], picture: { size: 1, count: 1 } }, version)).picture).toBeUndefined()
    expect((await first({ to: ['bob@postern.test'], picture: {} }, '14.1')).picture).toBe('1 5')
  })
})

describe('availability', () => {
  const day = { start: '2026-11-25T00:00:00.000Z', end: '2026-11-26T00:00:00.000Z' }

  it('is not known of others where no server of calendars could tell', async () => {
    expect((await first({ to: ['bob@postern.test'], availability: day })).availability).toBe('163')
    expect((await first({ to: ['bob@postern.test'], availability: { start: day.start } })).availability).toBe('163')
  })

  it('is not told of suggestions, nor before 14.0', async () => {
    expect((await one({ to: ['builder'], availability: day })).recipients.map(({ availability }) => availability)).toEqual([undefined, undefined, undefined])
    for (const version of ['2.5', '12.0', '12.1']) {
      expect((await first({ to: ['bob@postern.test'], availability: { start: 'x' } }, version)).availability).toBeUndefined()
    }
  })

  it('is not asked of too many', async () => {
    const { responses } = await resolve(phone, { to: Array.from({ length: 100 }, () => 'bob@postern.test'), availability: day })
    expect(new Set(responses.map(({ recipients: [recipient] }) => recipient!.availability))).toEqual(new Set(['160']))
  })
})

describe('ResolveRecipients refuses', () => {
  const to = ['bob@postern.test']
  it.each<[string, ResolveWish]>([
    ['nobody', { to: [] }],
    ['more than a hundred', { to: Array.from({ length: 101 }, () => 'bob') }],
    ['a name that is too long', { to: ['x'.repeat(257)] }],
    ['a kind of certificates that is none', { to, certificates: 4 }],
    ['too many suggestions', { to, mostAmbiguous: 10_000 }],
    ['fewer certificates than none', { to, mostCertificates: -1 }],
    ['a photo of no size', { to, picture: { size: 'small' } }],
    ['no beginning', { to, availability: { end: '2026-11-25T00:00:00.000Z' } }],
    ['a beginning that is none', { to, availability: { start: 'today' } }],
    ['a day that is none', { to, availability: { start: '2026-13-25T00:00:00.000Z' } }],
    ['an end that is none', { to, availability: { start: '2026-11-25T00:00:00.000Z', end: '' } }],
    ['less than half an hour', { to, availability: { start: '2026-11-25T00:00:00.000Z', end: '2026-11-25T00:29:00.000Z' } }],
    ['an end before the beginning', { to, availability: { start: '2026-11-25T00:00:00.000Z', end: '2026-11-24T00:00:00.000Z' } }],
    ['more than 42 days', { to, availability: { start: '2026-11-25T00:00:00.000Z', end: '2027-01-07T00:00:00.000Z' } }],
  ])('%s', async (_, wish) => {
    expect(await resolve(phone, wish)).toEqual({ status: '5', responses: [] })
  })

  it('nothing at all', async () => {
    expect(text((await phone.command('ResolveRecipients', el('ResolveRecipients:ResolveRecipients')))!, 'ResolveRecipients:Status')).toBe('5')
  })

  it('to say that nobody is there while the directory is away', async () => {
    directory.outage = new Failure('unavailable', 'gone')
    expect(await resolve(phone, { to })).toEqual({ status: '6', responses: [] })
  })
})
