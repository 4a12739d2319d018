// Follow-up flags and categories through Sync, in both directions.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { child, decode, el, text, type Element, type Node } from '../../src/wire/wbxml.ts'
import type { Phone } from '../support/eas-client.ts'
import type { PhoneCommand } from '../support/eas-sync.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'

let server: EasServer
let phone: Phone
let id: string
const inbox = 'f1'
beforeEach(async () => {
  server = await easServer()
  server.account.deliver('inbox', 'Subject: plan\n\ntext\n')
  phone = server.phone()
  await phone.syncAll(inbox)
  id = [...phone.held(inbox).items.keys()][0]!
})
afterEach(() => server.stop())

const flags = (): string[] => server.account.list('inbox')[0]!.flags.sort()
const categories = (...names: string[]): Node => el('Email:Categories', names.map(name => el('Email:Category', name)))
const change = async (...data: Node[]) => {
  const command: PhoneCommand = { kind: 'Change', id, data }
  return (await phone.sync({ collections: [{ id: inbox, commands: [command] }] })).collections[0]
}
const due = (day: string): Node => el('Email:Flag', [
  el('Email:Status', '2'), el('Email:FlagType', 'for Follow Up'),
  ...(['Tasks:StartDate', 'Tasks:DueDate', 'Tasks:UtcStartDate', 'Tasks:UtcDueDate'] as const).map(tag => el(tag, `${day}T00:00:00.000Z`)),
])
const listOf = (data: Element | undefined): string[] => child(data!, 'Email:Categories')!.children.map(one => one.text)

/** What a Sync tells of the item, with what its Change or Add says. */
async function told(other: Phone): Promise<Element | undefined> {
  const { bytes } = await other.raw('Sync', other.syncBody({ collections: [{ id: inbox }] }))
  const commands = bytes.length ? child(decode(bytes).children.find(one => one.tag === 'AirSync:Collections')!.children[0]!, 'AirSync:Commands') : undefined
  return commands && child(commands.children[0]!, 'AirSync:ApplicationData')
}

describe('a phone that flags and sorts', () => {
  it('has it kept by the mailbox, and is not told of it again', async () => {
    expect(await change(due('2026-11-24'), categories('Work', 'Größe XL'))).toBeUndefined() // an empty answer: nothing to tell
    expect(flags()).toEqual(['$Postern-due-2026-11-24T00:00+00:00', '$Postern-start-2026-11-24T00:00+00:00', 'Work', '\\Flagged', expect.stringMatching(/^cat--GreXL-/)])
    expect((await phone.sync({ collections: [{ id: inbox }] })).empty).toBe(true)
  })

  it('is seen by the other phone as a change, and by a new one as the item', async () => {
    const other = server.phone({ deviceId: 'OTHER' }), fresh = server.phone({ deviceId: 'FRESH' })
    await other.syncAll(inbox)
    await change(due('2026-11-24'), categories('Work', 'Größe XL'))
    const seen = await told(other)
    expect([listOf(seen), text(child(seen!, 'Email:Flag')!, 'Tasks:DueDate')]).toEqual([['Größe XL', 'Work'], '2026-11-24T00:00:00.000Z'])
    await fresh.syncAll(inbox)
    const item = fresh.held(inbox).items.get(id)!.data!
    expect([listOf(item), text(child(item, 'Email:Flag')!, 'Tasks:Subject')]).toEqual([['Größe XL', 'Work'], 'plan'])
  })

  it('keeps what it does not speak of, and what is none of its business', async () => {
    server.account.flag('inbox', 1, '$Junk', true)
    server.account.flag('inbox', 1, 'Home', true)
    await phone.syncAll(inbox)
    await change(el('Email:Read', '1'))
    await change(due('2026-11-24'))
    await change(categories('Work'))
    await change(el('Email:Flag'))
    expect(flags()).toEqual(['$Junk', 'Work', '\\Seen'])
  })

  it('completes: the star goes, and the other phones hear that it is done', async () => {
    await change(due('2026-11-24'))
    const other = server.phone({ deviceId: 'OTHER' })
    await other.syncAll(inbox)
    await change(el('Email:Flag', [
      el('Email:Status', '1'), el('Email:CompleteTime', '2026-11-23T10:00:00.000Z'), el('Tasks:DateCompleted', '2026-11-23T10:00:00.000Z'),
    ]))
    expect(flags()).toContain('$Completed')
    expect(flags()).not.toContain('\\Flagged')
    expect(text(child((await told(other))!, 'Email:Flag')!, 'Email:Status')).toBe('1')
  })

  it.each([
    ['more than 300 categories', [categories(...Array.from({ length: 301 }, (_, n) => `c${n}`))]],
    ['a reminder without its time', [el('Email:Flag', [el('Email:Status', '2'), el('Tasks:ReminderSet', '1')])]],
  ])('with %s gets status 6, and nothing is changed', async (_, data) => {
    expect((await change(...data))!.responses).toMatchObject([{ kind: 'Change', id, status: '6' }])
    expect(flags()).toEqual([])
  })

  it('loses against somebody else who sorted it meanwhile, where the server wins, and is told', async () => {
    server.account.flag('inbox', 1, 'Theirs', true)
    const lost = await change(categories('Mine'))
    expect([lost!.responses[0]!.status, lost!.changes, flags()]).toEqual(['7', [id], ['Theirs']])
  })

  it('gets what can be kept of it by a mailbox that takes no keywords, and the log says how much could not', async () => {
    server.account.plain = true
    expect(await change(due('2026-11-24'), categories('Work'))).toBeUndefined()
    expect(flags()).toEqual(['\\Flagged'])
    expect(server.served.log.lines.findLast(({ command }) => command === 'Sync')).toMatchObject({ unkept: 3 })
  })
})

it('changes of a hundred messages that wish the same are looked up and made in one go', async () => {
  for (let n = 0; n < 99; n++) server.account.deliver('inbox')
  await phone.syncAll(inbox)
  server.account.calls.length = 0
  const commands = [...phone.held(inbox).items.keys()].map((one): PhoneCommand => ({ kind: 'Change', id: one, data: [categories('Work')] }))
  await phone.sync({ collections: [{ id: inbox, commands, getChanges: false }] })
  expect(server.account.calls.filter(call => ['messages', 'setFlags'].includes(call))).toEqual(['messages', 'setFlags'])
})
