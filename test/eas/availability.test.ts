import { afterEach, beforeEach, expect, it } from 'vitest'
import type { FolderId } from '../../src/model/folder.ts'
import { Failure } from '../../src/base/failure.ts'
import { decode, el } from '../../src/wire/wbxml.ts'
import { printXml } from '../../src/wire/xml.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { MemoryUser } from '../support/memory-objects.ts'
import { stored } from '../support/objects-of-each-class.ts'

let account: MemoryUser
let server: EasServer
beforeEach(async () => {
  account = new MemoryUser()
  server = await easServer({ timeZone: 'Europe/Berlin' }, account, () => new Date('2026-11-25T10:00:00Z'))
})
afterEach(() => server.stop())

const ask = (to: string): ReturnType<typeof el> => el('ResolveRecipients:ResolveRecipients', [
  el('ResolveRecipients:To', to), el('ResolveRecipients:Options', [el('ResolveRecipients:Availability', [
    el('ResolveRecipients:StartTime', '2026-12-01T08:30:00.000Z'), el('ResolveRecipients:EndTime', '2026-12-01T11:00:00.000Z'),
  ])]),
])

it.each(['14.0', '14.1', '16.0', '16.1'] as const)('by %s tells when the user has time', async version => {
  account.collections.put('c.1' as FolderId, 'a.ics', stored('calendar', 'a'))
  account.collections.put('c.1' as FolderId, 'bad.ics', 'BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n')
  account.collections.within = async () => new Set(['a.ics', 'bad.ics'])
  const { bytes } = await server.phone({ version }).raw('ResolveRecipients', ask(account.person.addresses[0]!))
  expect(printXml(decode(bytes))).toMatch(/<Status>1<\/Status>\s*<MergedFreeBusy>02200<\/MergedFreeBusy>/)
})

it('what EAS has no rule for is told as no data where it may be', async () => {
  account.collections.put('c.1' as FolderId, 'a.ics', stored('calendar', 'a', 'DTSTART:20261201T090000Z', 'DURATION:PT30M', 'RRULE:FREQ=SECONDLY'))
  const { bytes } = await server.phone().raw('ResolveRecipients', ask(account.person.addresses[0]!))
  expect(printXml(decode(bytes))).toContain('<MergedFreeBusy>04444</MergedFreeBusy>')
})

it('calendars that cannot be read now are not free', async () => {
  account.collections.within = () => Promise.reject(new Failure('unavailable', 'away'))
  const { bytes } = await server.phone().raw('ResolveRecipients', ask(account.person.addresses[0]!))
  expect(printXml(decode(bytes))).toMatch(/<Availability>\s*<Status>162<\/Status>\s*<\/Availability>/)
})
