import { afterEach, beforeEach, expect, it } from 'vitest'
import { easServer, type EasServer } from '../support/eas-server.ts'

let server: EasServer
beforeEach(async () => {
  server = await easServer()
  server.account.deliver('inbox', 'Subject: original\n\nx\n')
})
afterEach(() => server.stop())

const commands = ['SendMail', 'SmartForward', 'SmartReply'] as const

/** How many copies Sent has after a message went out by a request with these parameters. */
async function copies(query: 'plain' | 'base64', command: string, more: Readonly<Record<string, string>>): Promise<number> {
  const mime = Buffer.from('From: anna@postern.test\r\nTo: bob@postern.test\r\nSubject: x\r\n\r\nhello\r\n')
  const source = command === 'SendMail' ? {} : { CollectionId: server.account.id('inbox'), ItemId: `${server.account.id('inbox')}:1:1` }
  const { status, bytes } = await server.phone({ version: '12.1', query }).raw(command, mime, {
    headers: { 'content-type': 'message/rfc822' }, parameters: { ...source, ...more },
  })
  expect([status, bytes.length]).toEqual([200, 0])
  expect(server.account.octets).toHaveLength(1)
  return server.account.list('sent').length
}

it.each(commands.flatMap(command => ([[command, { SaveInSent: 'T' }, 1], [command, { SaveInSent: 'F' }, 0], [command, {}, 0]] as const)))(
  '%s: the query says whether a copy is kept, and none is by default', async (command, parameters, expected) => {
    expect(await copies('plain', command, parameters)).toBe(expected)
  })

it.each(commands.flatMap(command => ([[command, { SaveInSent: 'T' }, 1], [command, {}, 0]] as const)))(
  '%s: a base64 query says whether a copy is kept', async (command, parameters, expected) => {
    expect(await copies('base64', command, parameters)).toBe(expected)
  })
