import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Login } from '../../src/backend/imap-connection.ts'
import { smtpSubmission } from '../../src/backend/smtp.ts'
import { startHouse, type House } from '../support/live.ts'

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
