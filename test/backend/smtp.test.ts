import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Login } from '../../src/backend/imap-connection.ts'
import { smtpSubmission } from '../../src/backend/smtp.ts'
import type { Flow } from '../../src/model/message.ts'
import { startHouse, type House } from '../support/live.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

const message = (subject: string): Buffer => Buffer.from(`From: a\r\nTo: b\r\nSubject: ${subject}\r\n\r\nHello\r\n`)
const nobody = 'nobody-here@postern.test'

describe('a submission', () => {
  let house: House
  beforeAll(async () => void (house = await startHouse()))
  afterAll(() => house.stop())

  const as = (login: Partial<Login & { kind: 'password' }> = {}, port = house.submission.port) => {
    const { login: user, password } = house.user(0)
    return smtpSubmission({ host: '127.0.0.1', port, security: 'none', auth: true }, { kind: 'password', user, password, ...login })
  }
  const anna = (): string => house.user(0).address
  const bob = (): string => house.user(1).address

  it('arrives octet for octet below what servers put on top', async () => {
    expect(await as().send(anna(), [bob()], message('octets'))).toEqual({ refused: [] })
    const client = await house.imapClient(1)
    const sources = async () => {
      await client.mailboxOpen('INBOX')
      return (await client.fetchAll('1:*', { source: true })).map(({ source }) => source?.toString())
    }
    await expect.poll(sources).toContainEqual(expect.stringContaining(message('octets').toString()))
    await client.logout()
  })

  /** So many octets, in chunks; `end` is thrown in place of the last ones. */
  const flow = (subject: string, length: number, end?: Error): Flow => {
    const octets = Buffer.concat([message(subject), Buffer.from('.A line with a dot, \xe9\r\n'.repeat(Math.ceil(length / 20)), 'latin1')])
    return { length: octets.length, async *read() {
      for (let at = 0; at < octets.length; at += 50_000) {
        if (end && at + 50_000 >= octets.length) throw end
        yield octets.subarray(at, at + 50_000)
      }
    } }
  }
  const subjects = async (): Promise<string[]> => {
    const client = await house.imapClient(1)
    await client.mailboxOpen('INBOX')
    const found = (await client.fetchAll('1:*', { envelope: true, size: true })).map(({ envelope, size }) => `${envelope?.subject} ${size! > 3_000_000}`)
    await client.logout()
    return found
  }

  it('takes a message that flows, and nothing of one that breaks off', async () => {
    const why = new Error('the phone is gone')
    await expect(as().send(anna(), [bob()], flow('broken', 3_000_000, why))).rejects.toMatchObject({ kind: 'unavailable' })
    expect(await as().send(anna(), [bob()], flow('flowed', 3_000_000))).toEqual({ refused: [] })
    await expect.poll(subjects).toContain('flowed true')
    expect((await subjects()).filter(one => one.startsWith('broken'))).toEqual([])
  })

  it('hardly reads a message that is too large or has no recipient, and ends one whose server breaks off', async () => {
    let octetsRead = 0
    const counted: Flow = { length: 60_000_000, async *read() {
      for await (const octets of flow('counted', 3_000_000).read()) {
        octetsRead += octets.length
        yield octets
      }
    } }
    await expect(as().send(anna(), [bob()], counted)).rejects.toMatchObject({ kind: 'too-large' })
    await expect(as().send(anna(), [nobody], { ...counted, length: 3_000_000 })).rejects.toMatchObject({ kind: 'malformed' })
    expect(octetsRead).toBeLessThan(1_500_000)

    const proxy = await TcpProxy.start(house.submission)
    let ended = false
    const { length, read } = flow('cut', 3_000_000)
    const watched: Flow = { length, async *read() {
      try {
        for await (const octets of read()) {
          yield octets
          proxy.cut()
        }
      } finally {
        ended = true
      }
    } }
    await expect(as({}, proxy.port).send(anna(), [bob()], watched)).rejects.toMatchObject({ kind: 'unavailable' })
    await expect.poll(() => ended).toBe(true)
    await proxy.close()
  })

  it('names the recipients that were refused when others were not', async () => {
    expect(await as().send(anna(), [bob(), nobody], message('partly'))).toEqual({ refused: [nobody] })
  })

  it.each<[string, string, () => Promise<unknown>]>([
    ['every recipient is refused', 'malformed', () => as().send(anna(), [nobody], message('x'))],
    ['the sender is somebody else', 'denied', () => as().send(bob(), [bob()], message('x'))],
    ['the password is wrong', 'auth', () => as({ password: 'wrong' }).send(anna(), [bob()], message('x'))],
    ['nobody listens', 'unavailable', () => as({}, 1).send(anna(), [bob()], message('x'))],
    ['an address holds a line break', 'malformed', () => as().send(anna(), ['a@b\r\nRCPT TO:<c@d>'], message('x'))],
    ['there is no recipient', 'malformed', () => as().send(anna(), [], message('x'))],
  ])('fails when %s', async (_, kind, act) => {
    await expect(act()).rejects.toMatchObject({ name: 'Failure', kind })
  })
})
