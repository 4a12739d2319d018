import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FolderId } from '../../src/model/folder.ts'
import { el, type Node } from '../../src/wire/wbxml.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { calendarOf, invitation } from '../support/meetings.ts'
import { MemoryUser } from '../support/memory-objects.ts'

let account: MemoryUser
let server: EasServer
beforeEach(async () => {
  account = new MemoryUser()
  server = await easServer({ timeZone: 'Europe/Berlin' }, account, () => new Date('2026-11-25T10:00:00Z'))
})
afterEach(() => server.stop())

const to = (email: string): Node => el('ComposeMail:Forwardees', [el('ComposeMail:Forwardee', [el('ComposeMail:Email', email)])])

/** From the calendar, by a phone of 16.1; the Status, or '' where it went. */
async function forward(lines: readonly string[], instance?: string, email = 'carol@other.test', version = '16.1'): Promise<string> {
  const mine = invitation({ uid: 'u', organizer: 'boss@other.test', attendee: account.person.addresses[0]!, lines }).replace('METHOD:REQUEST\r\n', '')
  account.collections.put('c.1' as FolderId, 'a.ics', mine)
  const source = el('ComposeMail:Source', [
    el('ComposeMail:FolderId', 'c.1'), el('ComposeMail:ItemId', 'c.1:oa'), ...(instance ? [el('ComposeMail:InstanceId', instance)] : []),
  ])
  const body = el('ComposeMail:SmartForward', [el('ComposeMail:ClientId', 'f'), source, to(email)])
  const answer = await server.phone({ version }).command('SmartForward', body)
  return answer?.children.find(({ tag }) => tag === 'ComposeMail:Status')?.text ?? ''
}

const said = (): string => calendarOf(account.submitted[0]?.message ?? '')
const series = ['RRULE:FREQ=DAILY;COUNT=5']

describe('of a series is forwarded', () => {
  it('the whole series', async () => {
    expect(await forward(series)).toBe('')
    expect(said()).toMatch(/^RRULE:FREQ=DAILY;COUNT=5/m)
    expect(said()).toMatch(/^ORGANIZER;CN=Organizer:mailto:boss@other.test/m)
    expect(account.submitted[0]!.to).toEqual(['carol@other.test'])
  })

  it('one occurrence alone, where an InstanceId names it', async () => {
    expect(await forward(series, '20261209T090000Z')).toBe('')
    expect(said()).toMatch(/^RECURRENCE-ID[^\r\n]*20261209T100000/m)
    expect(said()).not.toMatch(/^RRULE:FREQ=DAILY/m)
  })
})

it.each<[what: string, status: string, lines: readonly string[], instance: string | undefined, email?: string | undefined, version?: string]>([
  ['an instance of what happens once', '146', [], '20261209T090000Z'],
  ['an instance that is none', '104', series, '20270101T090000Z'],
  ['nobody', '179', series, undefined, 'nobody'],
  ['from the calendar before 16.0', '150', series, undefined, undefined, '14.1'],
])('%s is refused', async (_, status, lines, instance, email, version) => {
  expect(await forward(lines, instance, email, version)).toBe(status)
  expect(account.submitted).toEqual([])
})
