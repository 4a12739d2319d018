// [MS-ASEMAIL] LastVerbExecuted, LastVerbExecutionTime: trap 17
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { text, type Element } from '../../src/wire/wbxml.ts'
import type { Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'

let server: EasServer
let phone: Phone
let inbox: string
beforeEach(async () => {
  server = await easServer()
  phone = server.phone()
  await phone.folderSync('0')
  inbox = phone.folder('Inbox')
})
afterEach(() => server.stop())

const own = 'anna@postern.test'
const letter = (id: string, more = `To: ${own}, carol@x.test\r\nCc: Dave <DAVE@x.test>\r\n`): string =>
  `From: bob@x.test\r\n${more}Subject: s\r\nMessage-ID: <${id}@bob>\r\n\r\nHello.\r\n`
const answer = (to: string, id = 'answer'): string => `From: ${own}\r\nTo: ${to}\r\nSubject: Re: s\r\nMessage-ID: <${id}@phone>\r\n\r\nYes.\r\n`
const ref = (uid: number): string => `${inbox}:1:${uid.toString(36)}`
const flags = (uid = 1): string[] => server.account.list('Inbox').find(one => one.uid === uid)!.flags
const said = (data: Element | undefined): [string | undefined, string | undefined] =>
  [data && text(data, 'Email2:LastVerbExecuted'), data && text(data, 'Email2:LastVerbExecutionTime')]
/** As ItemOperations tells it. */
const told = async (uid = 1, one = phone): Promise<ReturnType<typeof said>> => said((await one.fetch([{ id: ref(uid), folder: inbox }]))[0]!.properties)
/** When the copy was filed, as the account in memory has it of what is appended. */
const filed = '2026-11-23T03:46:00.000Z'

describe('an answer', () => {
  it.each<[string, string, string[], string]>([
    ['to who wrote it', 'Bob <bob@x.test>', ['\\Answered'], '1'],
    ['to all', 'bob@x.test, carol@x.test, dave@x.test', ['\\Answered', '$RepliedAll'], '2'],
    ['to all, the user among them', `bob@x.test, ${own}, CAROL@x.test, dave@x.test`, ['\\Answered', '$RepliedAll'], '2'],
    ['to most of them', 'carol@x.test, dave@x.test', ['\\Answered', '$RepliedAll'], '2'],
    ['to one of them beside who wrote it', 'bob@x.test, carol@x.test', ['\\Answered'], '1'],
    ['to somebody else', 'erin@x.test', ['\\Answered'], '1'],
  ])('%s is what the phone is told it was', async (_, to, marks, verb) => {
    server.account.deliver('Inbox', letter('1'))
    expect(await phone.smart('SmartReply', ref(1), answer(to), { save: true })).toBe('')
    expect(flags()).toEqual(marks)
    expect(await told()).toEqual([verb, filed])
    server.forget()
    expect(await told()).toEqual([verb, filed])
  })

  it('to a message that went to the user alone is none to all', async () => {
    server.account.deliver('Inbox', letter('1', `To: ${own}\r\nReply-To: list@x.test\r\n`))
    await phone.smart('SmartReply', ref(1), answer('list@x.test'), { save: true })
    expect(await told()).toEqual(['1', filed])
  })

  it('of which no copy was filed has no time', async () => {
    server.account.deliver('Inbox', letter('1'))
    await phone.smart('SmartReply', ref(1), answer('bob@x.test, carol@x.test, dave@x.test'), { save: false })
    expect(await told()).toEqual(['2', undefined])
  })

  it('to who wrote it, after one to all, is the last one', async () => {
    server.account.deliver('Inbox', letter('1'))
    await phone.smart('SmartReply', ref(1), answer('bob@x.test, carol@x.test, dave@x.test', 'a'))
    await phone.smart('SmartReply', ref(1), answer('bob@x.test', 'b'), { clientId: 'second' })
    expect(flags()).toEqual(['\\Answered'])
    expect((await told())[0]).toBe('1')
  })

  it('that another program wrote is known too, to all or not', async () => {
    const received = new Date('2026-11-20T10:00:00Z')
    server.account.deliver('Inbox', letter('1'), { flags: ['\\Answered'] })
    server.account.deliver('Inbox', letter('2'), { flags: ['\\Answered'] })
    const copy = (id: string, to: string): string => answer(to, `re-${id}`).replace('Subject', `In-Reply-To: <${id}@bob>\r\nSubject`)
    server.account.deliver('Sent', copy('1', 'bob@x.test'), { received })
    server.account.deliver('Sent', copy('2', 'bob@x.test, carol@x.test, dave@x.test'), { received })
    expect(await told(1)).toEqual(['1', '2026-11-20T10:00:00.000Z'])
    expect(await told(2)).toEqual(['2', '2026-11-20T10:00:00.000Z'])
  })
})

describe('a forwarded message', () => {
  it('is told as that, and when', async () => {
    server.account.deliver('Inbox', letter('1'))
    await phone.smart('SmartForward', ref(1), answer('carol@x.test'), { save: true })
    expect(flags()).toEqual(['$Forwarded'])
    expect(server.account.submitted[0]!.message).toContain('\r\nX-Forwarded-Message-Id: <1@bob>\r\n')
    expect(await told()).toEqual(['3', filed])
  })

  it('after an answer is what was done last, and before it is not', async () => {
    for (const uid of [1, 2]) server.account.deliver('Inbox', letter(String(uid)))
    const steps = [['SmartReply', 1], ['SmartForward', 1], ['SmartForward', 2], ['SmartReply', 2]] as const
    for (const [n, [command, uid]] of steps.entries()) {
      await phone.smart(command, ref(uid), answer('bob@x.test', `m${n}`), { save: true, clientId: `c${n}` })
    }
    expect([(await told(1))[0], (await told(2))[0]]).toEqual(['3', '1'])
  })
})

describe('Sync', () => {
  it('tells the other phones of the verb and its time, as a change and as a new item', async () => {
    server.account.deliver('Inbox', letter('1'))
    await phone.syncAll(inbox)
    await phone.smart('SmartReply', ref(1), answer('bob@x.test, carol@x.test, dave@x.test'), { save: true })
    const { bytes } = await phone.sync({ collections: [{ id: inbox }] })
    expect(Buffer.from(bytes).toString('latin1')).toMatch(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/)
    const other = server.phone({ deviceId: 'OTHER' })
    await other.syncAll(inbox)
    expect(said(other.held(inbox).items.get(ref(1))!.data)).toEqual(['2', filed])
  })

  it('asks nothing of Sent where nothing was answered, or the version knows no verbs', async () => {
    server.account.deliver('Inbox', letter('1'))
    await phone.syncAll(inbox)
    expect(server.account.calls).not.toContain('heads')
    server.account.deliver('Inbox', letter('2'), { flags: ['\\Answered'] })
    const old = server.phone({ version: '12.1', deviceId: 'OLD' })
    await old.syncAll(inbox)
    expect(server.account.calls).not.toContain('heads')
    expect(said(old.held(inbox).items.get(ref(2))!.data)).toEqual([undefined, undefined])
    await phone.syncAll(inbox)
    expect(server.account.calls.filter(name => name === 'heads')).toHaveLength(1)
  })

  it('says what the flags say where Sent cannot be read', async () => {
    server.account.deliver('Inbox', letter('1'), { flags: ['\\Answered', '$RepliedAll'] })
    server.account.removeFolder(server.account.id('Sent') as never)
    expect(await told()).toEqual(['2', undefined])
  })
})
