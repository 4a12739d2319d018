// What is inside of a message, from the folder to the phone.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { child, children, text, type Element } from '../../src/wire/wbxml.ts'
import { Phone, type PhoneOptions } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { winmail, writeTnef } from '../support/tnef-write.ts'

let server: EasServer
beforeEach(async () => void (server = await easServer({ maxRequest: 8 * 1024 * 1024, maxHeld: 8 * 1024 * 1024 })))
afterEach(() => server.stop())

async function phoneOf(options: Partial<PhoneOptions> = {}): Promise<{ phone: Phone; inbox: string }> {
  const phone = server.phone(options)
  await phone.folderSync('0')
  return { phone, inbox: phone.folder('Inbox') }
}

const files = (data: Element): string[] => children(child(data, 'AirSyncBase:Attachments') ?? data, 'AirSyncBase:Attachment')
  .map(one => `${text(one, 'AirSyncBase:DisplayName')} ${text(one, 'AirSyncBase:FileReference')?.split(':').at(-1)}`)

describe('a winmail.dat', () => {
  const data = Buffer.from('0123456789'.repeat(50))
  const tnef = writeTnef({ body: 'inner text', files: [{ title: 'a.txt', data: Buffer.from('a') }, { title: 'b.pdf', data }] })

  it('is opened: its files are listed, fetched whole and in part', async () => {
    server.account.deliver('inbox', winmail(tnef, 'outer text'))
    const { phone, inbox } = await phoneOf()
    await phone.syncAll(inbox, { options: { bodies: [{ type: 1 }] } })
    const [item] = [...phone.held(inbox).items.values()]
    expect([item!.body, files(item!.data!)]).toEqual(['outer text', ['a.txt 2-2', 'b.pdf 2-3']])
    const [whole, part, none, outer] = await phone.fetch([
      { file: `${item!.id}:2-3` }, { file: `${item!.id}:2-3`, range: '10-19' }, { file: `${item!.id}:2-9` }, { file: `${item!.id}:2` },
    ])
    expect([whole, part].map(one => Buffer.from(text(one!.properties!, 'ItemOperations:Data')!, 'base64').toString())).toEqual([data.toString(), '0123456789'])
    expect([none!.status, text(part!.properties!, 'ItemOperations:Total'), outer!.status]).toEqual(['15', '500', '1'])
  })

  it.each([
    ['one that says it is Outlook', { userAgent: 'Outlook/16.0 (16.0.17231.20236; x64)' }], ['one over a megabyte', {}],
  ])('stays what it is: %s', async (what, options) => {
    server.account.deliver('inbox', winmail(what.startsWith('one over') ? writeTnef({ files: [{ title: 'a', data: Buffer.alloc(1024 * 1024) }] }) : tnef))
    const { phone, inbox } = await phoneOf(options)
    await phone.syncAll(inbox, { options: { bodies: [{ type: 1 }] } })
    expect(files([...phone.held(inbox).items.values()][0]!.data!)).toEqual(['winmail.dat 1'])
  })

  it('in each of many messages costs one more round trip', async () => {
    for (let n = 0; n < 10; n++) server.account.deliver('inbox', winmail(tnef))
    const { phone, inbox } = await phoneOf()
    await phone.sync({ collections: [{ id: inbox }] })
    server.account.calls.length = 0
    await phone.syncAll(inbox, { options: { bodies: [{ type: 1 }] } })
    expect([...phone.held(inbox).items.values()].map(({ body }) => body)).toEqual(Array(10).fill('inner text'))
    expect(server.account.calls.filter(call => call === 'parts').length).toBeLessThanOrEqual(2)
  })
})

describe('a BodyPart', () => {
  const told = (phone: Phone, inbox: string) => [...phone.held(inbox).items.values()].map(({ data, body }) => {
    const part = child(data!, 'AirSyncBase:BodyPart')
    return { body, part: part && part.children.map(one => `${one.tag.split(':')[1]} ${one.text.slice(0, 20)}`) }
  })

  it.each([
    ['14.1', {}, ['Status 1', 'Type 2', 'EstimatedDataSize 17', 'Data <p>Hello you!</p>']],
    ['16.1', { size: 8, preview: 5 }, ['Status 1', 'Type 2', 'EstimatedDataSize 17', 'Truncated 1', 'Data <p>Hello', 'Preview Hello']],
    ['16.1', { size: 8, allOrNone: true }, ['Status 176', 'Type 2', 'EstimatedDataSize 17', 'Truncated 1']],
    ['16.0', { size: 17, allOrNone: true }, ['Status 1', 'Type 2', 'EstimatedDataSize 17', 'Data <p>Hello you!</p>']],
    ['14.0', {}, undefined],
  ] as const)('in version %s, for %j', async (version, part, expected) => {
    server.account.deliver('inbox', 'Subject: x\r\nContent-Type: text/html\r\n\r\n<p>Hello you!</p>')
    const { phone, inbox } = await phoneOf({ version })
    await phone.syncAll(inbox, { options: { part } })
    const [item] = told(phone, inbox)
    expect(item!.part).toEqual(expected)
    // Who wishes for nothing but parts gets nothing else.
    expect(item!.body === undefined).toBe(expected !== undefined)
  })

  it('is wished for once: the key remembers, and a Body comes beside it where one is wished, too', async () => {
    const { phone, inbox } = await phoneOf()
    await phone.syncAll(inbox, { options: { bodies: [{ type: 1 }], part: { size: 100 } } })
    server.forget()
    server.account.deliver('inbox', 'Subject: x\r\n\r\nHello')
    await phone.syncAll(inbox)
    expect(told(phone, inbox)).toEqual([{ body: 'Hello', part: expect.arrayContaining(['Status 1', 'Type 2']) }])
  })

  it('comes in answers of ItemOperations as well', async () => {
    const { phone, inbox } = await phoneOf()
    server.account.deliver('inbox', 'Subject: x\r\n\r\nHello')
    const [item] = await phone.fetch([{ id: `${inbox}:1:1`, options: { part: {} } }])
    expect(text(child(item!.properties!, 'AirSyncBase:BodyPart')!, 'AirSyncBase:Status')).toBe('1')
  })
})

// Trap B28
it('an invitation that cannot be understood is a mail with a file, and the log says why without saying what', async () => {
  const calendar = 'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:secret\r\nDTSTART;TZID=Nowhere:20261123T090000\r\nEND:VEVENT\r\nEND:VCALENDAR'
  server.account.deliver('inbox', `Subject: x\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n${calendar}\r\n--b--\r\n`)
  const { phone, inbox } = await phoneOf()
  await phone.syncAll(inbox, { options: { bodies: [{ type: 1 }] } })
  const [item] = [...phone.held(inbox).items.values()]
  expect([text(item!.data!, 'Email:MessageClass'), child(item!.data!, 'Email:MeetingRequest'), files(item!.data!)]).toEqual(['IPM.Note', undefined, ['attachment-1.ics 2']])
  const line = server.log.find(({ message }) => message === 'part of a message not understood')
  expect(line).toMatchObject({ level: 'warn', reason: 'calendar: a time zone that nobody knows' })
  expect(JSON.stringify(server.log)).not.toContain('secret')
})
