// [MS-ASEMAIL], [MS-ASCON], [MS-ASAIRS]: what phones change by Sync, in every version, and what they cannot.
import { afterEach, beforeEach, expect, it } from 'vitest'
import { since, versions } from '../../src/eas/versions.ts'
import { child, children, el, text, type Element, type Node, type Tag } from '../../src/wire/wbxml.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { descend, type Phone } from '../support/eas-client.ts'
import { keepAll } from './kept.ts'

const inbox = 'f1'
const later = versions.filter(version => since(version, '12.1'))
let server: EasServer
beforeEach(async () => {
  server = await easServer()
  server.account.deliver('inbox', 'Subject: plan\nMessage-ID: <1@x>\n\ntext\n')
})
afterEach(() => {
  keepAll(server)
  return server.stop()
})

const phoneOf = async (version: string, deviceId = 'D', folder = inbox): Promise<Phone> => {
  const phone = server.phone({ version, deviceId })
  await phone.folderSync('0')
  await phone.syncAll(folder)
  return phone
}
const status = async (phone: Phone, ...data: Node[]): Promise<string> => {
  const { collections: [one] } = await phone.sync({ collections: [{ id: inbox, commands: [{ kind: 'Change', id: `${inbox}:1:1`, data }] }] })
  return one?.responses[0]?.status ?? '1'
}
const flag = (...nodes: Node[]): Node => el('Email:Flag', nodes)
const at = (tag: Tag, day: string): Node => el(tag, `2026-11-${day}T00:00:00.000Z`)
const set = (value: string, ...more: Node[]): Node => flag(el('Email:Status', value), el('Email:FlagType', 'Flag for follow up'), ...more)
const dates = (start = '24', due = '27'): Node[] =>
  [at('Tasks:StartDate', start), at('Tasks:DueDate', due), at('Tasks:UtcStartDate', start), at('Tasks:UtcDueDate', due)]
const reminder = [el('Tasks:ReminderSet', '1'), at('Tasks:ReminderTime', '24')]
const done = [at('Tasks:DateCompleted', '25'), at('Email:CompleteTime', '25')]

/** The elements of the flag that another phone of the version is told of. */
async function seen(version: string): Promise<Record<string, string>> {
  const { data } = (await phoneOf(version, 'OTHER')).held(inbox).items.get(`${inbox}:1:1`)!
  const element: Element | undefined = child(data!, 'Email:Flag')
  return Object.fromEntries(element!.children.map(one => [one.tag.slice(one.tag.indexOf(':') + 1), one.text.slice(0, 10)]))
}

it.each(later)('in version %s a message is flagged with dates and a reminder, changed, completed and cleared', async version => {
  const phone = await phoneOf(version)
  expect(await status(phone, set('2', el('Tasks:Subject', 'plan'), ...dates(), ...reminder))).toBe('1')
  expect(await seen(version)).toEqual({
    Subject: 'plan', Status: '2', FlagType: 'Flag for f', StartDate: '2026-11-24', DueDate: '2026-11-27', UtcStartDate: '2026-11-24',
    UtcDueDate: '2026-11-27', ReminderSet: '1', ReminderTime: '2026-11-24',
  })
  expect(await status(phone, set('2', ...dates('24', '28'), el('Tasks:ReminderSet', '0')))).toBe('1')
  expect(await seen(version)).toMatchObject({ DueDate: '2026-11-28', UtcDueDate: '2026-11-28' })
  expect(await seen(version)).not.toHaveProperty('ReminderTime')
  expect(await status(phone, flag(el('Email:Status', '1'), ...done))).toBe('1')
  expect(await seen(version)).toMatchObject({ Status: '1', DateCompleted: '2026-11-25', CompleteTime: '2026-11-25' })
  expect(await status(phone, set('2'))).toBe('1')
  expect(await status(phone, flag(el('Email:Status', '0')))).toBe('1')
  expect(await seen(version)).toEqual({})
  expect(await status(phone, set('2'))).toBe('1')
  expect(await status(phone, flag())).toBe('1')
  expect(await seen(version)).toEqual({})
})

it.each(later)('in version %s a message is read and unread again', async version => {
  const phone = await phoneOf(version), other = await phoneOf(version, 'OTHER')
  for (const [value, flags] of [['1', ['\\Seen']], ['0', []]] as const) {
    expect(await status(phone, el('Email:Read', value))).toBe('1')
    expect(server.account.list('inbox')[0]!.flags).toEqual(flags)
    await other.syncAll(inbox)
    expect(other.held(inbox).items.get(`${inbox}:1:1`)!.read).toBe(value === '1')
  }
})

it.each(later.filter(version => since(version, '14.0')))('in version %s categories are set, left alone and removed', async version => {
  const phone = await phoneOf(version)
  const names = (): string[] => server.account.list('inbox')[0]!.flags.filter(one => /^[A-Z]/.test(one)).sort()
  expect(await status(phone, el('Email:Categories', [el('Email:Category', 'Work'), el('Email:Category', 'Home')]))).toBe('1')
  expect(names()).toEqual(['Home', 'Work'])
  await status(phone, el('Email:Read', '1'))
  expect(names()).toEqual(['Home', 'Work'])
  await status(phone, el('Email:Categories'))
  expect(names()).toEqual([])
})

it.each<[what: string, node: Node]>([
  ['ConversationId', el('Email2:ConversationId', Buffer.alloc(16, 1))], ['ReceivedAsBcc', el('Email2:ReceivedAsBcc', '1')],
  ['Sender', el('Email2:Sender', 'eve@x.test')], ['UmCallerID', el('Email2:UmCallerID', '+1')], ['UmUserNotes', el('Email2:UmUserNotes', 'x')],
  ['Read that is no boolean', el('Email:Read', '2')], ['a flag of Status 3', set('3')],
  ['an end before its start', set('2', ...dates('24', '23'))],
  ['an end before its start in UTC', set('2', at('Tasks:StartDate', '24'), at('Tasks:DueDate', '25'), at('Tasks:UtcStartDate', '25'), at('Tasks:UtcDueDate', '24'))],
  ['three of the four dates', set('2', ...dates().slice(1))], ['a reminder without its time', set('2', el('Tasks:ReminderSet', '1'))],
])('a change to %s gets status 6, and nothing else is changed', async (_, node) => {
  const phone = await phoneOf('16.1')
  expect(await status(phone, el('Email:Categories', [el('Email:Category', 'Work')]), node)).toBe('6')
  expect(server.account.list('inbox')[0]!.flags).toEqual([])
})

it.each(later)('in version %s a change that makes no sense gets status 6', async version => {
  expect(await status(await phoneOf(version), el('Email:Read', 'perhaps'))).toBe('6')
})

const twice: readonly Tag[] = [
  'Email:Status', 'Tasks:StartDate', 'Tasks:DueDate', 'Tasks:UtcStartDate', 'Tasks:UtcDueDate', 'Tasks:ReminderSet', 'Tasks:ReminderTime',
  'Tasks:OrdinalDate', 'Tasks:SubOrdinalDate',
]
it.each(twice)('a flag that says %s twice is taken by the first', async tag => {
  const first = [el('Email:Status', '2'), ...dates(), ...reminder, at('Tasks:OrdinalDate', '24'), el('Tasks:SubOrdinalDate', '5')]
  const again = /Status|ReminderSet/.test(tag) ? el(tag, '0') : tag === 'Tasks:SubOrdinalDate' ? el(tag, '6') : at(tag, '30')
  expect(await status(await phoneOf('16.1'), flag(...first, again))).toBe('1')
  expect(await seen('16.1')).toMatchObject({ Status: '2', StartDate: '2026-11-24', DueDate: '2026-11-27', ReminderTime: '2026-11-24' })
})

const file = (id: string): Node => el('AirSyncBase:Add', [
  el('AirSyncBase:ClientId', id), el('AirSyncBase:Content', Buffer.from(id)), el('AirSyncBase:ContentId', `${id}@x`),
  el('AirSyncBase:ContentType', 'text/plain'), el('AirSyncBase:DisplayName', `${id}.txt`), el('AirSyncBase:IsInline', '0'), el('AirSyncBase:Method', '1'),
])
const draft = (...more: Node[]): Node[] => [
  el('Email:To', 'bob@x.test'), el('Email2:Bcc', 'eve@x.test'), el('Email:Subject', 'draft'),
  el('AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:Truncated', '1'), el('AirSyncBase:Data', 'all of it')]), ...more,
]

it.each(['16.0', '16.1'])('in version %s a draft and its files are named, files are removed and fetched, and it is sent', async version => {
  const phone = await phoneOf(version, 'D', 'f2')
  const say = async (command: Parameters<Phone['sync']>[0]['collections'][0]['commands']) =>
    (await phone.sync({ collections: [{ id: 'f2', commands: command! }] })).collections[0]!
  const { responses: [added] } = await say([{ kind: 'Add', clientId: 'c1', data: draft(el('AirSyncBase:Attachments', [file('one'), file('two')])) }])
  const files = children(child(added!.data!, 'AirSyncBase:Attachments')!, 'AirSyncBase:Attachment')
  expect([added!.clientId, added!.status, files.map(one => text(one, 'AirSyncBase:ClientId'))]).toEqual(['c1', '1', ['one', 'two']])
  expect([child(added!.data!, 'Email2:ConversationId')!.opaque!.length, child(added!.data!, 'Email2:ConversationIndex')!.opaque!.length]).toEqual([16, 5])
  const reference = text(files[0]!, 'AirSyncBase:FileReference')!
  expect((await phone.fetch([{ file: reference }]))[0]!.status).toBe('1')
  // Truncated is for the server to say: it changes nothing.
  expect(server.account.list('drafts')[0]!.text).toContain('all of it')
  const drop = el('AirSyncBase:Attachments', [el('AirSyncBase:Delete', [el('AirSyncBase:FileReference', reference)])])
  const changed = await say([{ kind: 'Change', id: added!.id, data: [drop] }])
  expect(server.account.list('drafts').map(one => one.text.includes('one.txt'))).toEqual([false])
  await say([{ kind: 'Change', id: changed.adds[0] ?? added!.id, data: [], send: true }])
  expect([server.account.list('drafts').length, server.account.octets.length]).toEqual([0, 1])
})

it.each(['12.1', '14.0', '14.1'])('in version %s nothing can be added or sent by Sync', async version => {
  const phone = await phoneOf(version, 'D', 'f2')
  const { collections: [one] } = await phone.sync({ collections: [{ id: 'f2', commands: [{ kind: 'Add', clientId: 'c1', data: draft(), send: true }] }] })
  expect([one?.responses[0]?.status, server.account.list('drafts').length, server.account.octets.length]).toEqual(['6', 0, 0])
})

it.each(later.filter(version => since(version, '14.0')))('in version %s a conversation is moved for good', async version => {
  const phone = await phoneOf(version), work = server.account.addFolder('Work')
  const id = child(phone.held(inbox).items.get(`${inbox}:1:1`)!.data!, 'Email2:ConversationId')!.opaque!
  const answer = await phone.command('ItemOperations', el('ItemOperations:ItemOperations', [el('ItemOperations:Move', [
    el('ItemOperations:ConversationId', id), el('ItemOperations:DstFldId', work),
    el('ItemOperations:Options', [el('ItemOperations:MoveAlways')]),
  ])]))
  const moved = descend(answer, 'ItemOperations:Response', 'ItemOperations:Move')
  expect(text(moved, 'ItemOperations:Status')).toBe('1')
  expect(Buffer.from(child(moved, 'ItemOperations:ConversationId')!.opaque!).equals(id)).toBe(true)
  expect([server.account.list('inbox').length, server.account.list('Work').length]).toEqual([0, 1])
})

it('a conversation that was deleted is gone from its folder, and what comes of it later is not', async () => {
  server.account.deliver('inbox', 'Subject: Re: plan\nReferences: <1@x>\n\ntext\n')
  const phone = await phoneOf('16.1')
  const ids = [...phone.held(inbox).items.keys()]
  await phone.sync({ collections: [{ id: inbox, commands: ids.map(id => ({ kind: 'Delete', id })) }] })
  server.account.deliver('inbox', 'Subject: Re: Re: plan\nReferences: <1@x>\n\ntext\n')
  await phone.syncAll(inbox)
  expect([...phone.held(inbox).items.values()].map(({ subject }) => subject)).toEqual(['Re: Re: plan'])
  expect(server.account.list('trash')).toHaveLength(2)
})
