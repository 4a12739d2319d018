import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { House } from '../support/live.ts'
import { startHouse } from '../support/live.ts'

describe('a house of real servers', () => {
  let house: House
  beforeAll(async () => { house = await startHouse() })
  afterAll(() => house.stop())

  it('has a Dovecot that delivers by LMTP and shows it by IMAP', async () => {
    await house.deliver(house.user('carol'), 'Subject: one\r\n\r\nbody\r\n')
    const carol = await house.imapClient('carol')
    expect(await carol.status('INBOX', { messages: true })).toMatchObject({ messages: 1 })
  })

  it('carries a mail from anna through Exim into the INBOX of bob', async () => {
    const { login, password, address } = house.user('anna')
    const bob = await house.imapClient('bob')
    const smtp = createTransport({ ...house.submission, auth: { user: login, pass: password }, tls: { ca: house.ca } })
    await smtp.sendMail({ from: address, to: house.user('bob').address, subject: 'hello', text: 'hello' })
    await expect.poll(() => bob.status('INBOX', { messages: true })).toMatchObject({ messages: 1 })
    await bob.mailboxOpen('INBOX')
    expect(await bob.fetchOne('*', { envelope: true })).toMatchObject({ envelope: { subject: 'hello' } })
  })
})
