// ResolveRecipients tells when somebody has time, from calendars of a real Radicale.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { children, el, text } from '../../src/wire/wbxml.ts'
import { DavUser } from '../support/dav-user.ts'
import { descend, Phone } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'

let house: House
let postern: Instance
let phone: Phone
let dav: DavUser

beforeAll(async () => {
  house = await startHouse({ exim: false, radicale: true, users: 2 })
  postern = await startInstance(house, { dav: { url: house.dav.url }, settings: { timeZone: 'Europe/Berlin' } })
  const { login, password } = house.user(0)
  phone = new Phone({ url: postern.url, user: login, password })
  await phone.folderSync('0')
  dav = new DavUser(house.dav.url, login, password)
  await dav.open('calendar')
})
afterAll(async () => {
  phone.close()
  await postern.close()
  await house.stop()
  expect(postern.bugs()).toBe(0)
})

const event = (uid: string, ...lines: readonly string[]): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Test//EN', 'BEGIN:VEVENT', `UID:${uid}`, 'DTSTAMP:20261101T080000Z', ...lines, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n')

async function availability(to: string, start: string, end?: string): Promise<{ status: string; digits: string | undefined } | undefined> {
  const answer = await phone.command('ResolveRecipients', el('ResolveRecipients:ResolveRecipients', [
    el('ResolveRecipients:To', to), el('ResolveRecipients:Options', [el('ResolveRecipients:Availability', [
      el('ResolveRecipients:StartTime', start), ...(end ? [el('ResolveRecipients:EndTime', end)] : []),
    ])]),
  ]))
  if (text(answer!, 'ResolveRecipients:Status') !== '1') return { status: text(answer!, 'ResolveRecipients:Status')!, digits: undefined }
  const [recipient] = children(descend(answer, 'ResolveRecipients:Response'), 'ResolveRecipients:Recipient')
  const told = recipient && descend(recipient, 'ResolveRecipients:Availability')
  return told && { status: text(told, 'ResolveRecipients:Status')!, digits: text(told, 'ResolveRecipients:MergedFreeBusy') }
}

it('of events and series, by the highest, from the start on; days are those of the user', async () => {
  await dav.put('1.ics', event('1', 'DTSTART:20261207T080000Z', 'DTEND:20261207T081000Z'))
  await dav.put('2.ics', event('2', 'DTSTART;TZID=Europe/Berlin:20261201T093000', 'DTEND;TZID=Europe/Berlin:20261201T100000', 'RRULE:FREQ=DAILY', 'X-MICROSOFT-CDO-BUSYSTATUS:OOF'))
  await dav.put('3.ics', event('3', 'DTSTART:20261207T090000Z', 'DTEND:20261207T093000Z', 'TRANSP:TRANSPARENT'))
  await dav.put('4.ics', event('4', 'DTSTART:20261207T093000Z', 'DTEND:20261207T100000Z', 'ORGANIZER:mailto:a@b.test', `ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:${house.user(0).address}`))
  await dav.put('5.ics', event('5', 'DTSTART:20261207T100000Z', 'DTEND:20261207T103000Z', 'STATUS:CANCELLED'))
  await dav.put('6.ics', event('6', 'DTSTART;VALUE=DATE:20261208', 'DTEND;VALUE=DATE:20261209', 'TRANSP:OPAQUE'))
  const me = house.user(0).address
  expect(await availability(me, '2026-12-07T08:00:00.000Z', '2026-12-07T11:00:00.000Z')).toEqual({ status: '1', digits: '230100' })
  expect(await availability(me, '2026-12-07T08:05:00.000Z', '2026-12-07T09:05:00.000Z')).toEqual({ status: '1', digits: '33' })
  // The day begins at 23:00 in UTC.
  expect(await availability(me, '2026-12-07T22:00:00.000Z', '2026-12-07T23:30:00.000Z')).toEqual({ status: '1', digits: '002' })
  expect((await availability(me, '2026-12-07T00:00:00.000Z'))!.digits).toHaveLength(7 * 48)
})

it('of nobody else, not of more than 42 days, and not while the calendars are away', async () => {
  const me = house.user(0).address
  expect(await availability(house.user(1).address, '2026-12-07T08:00:00.000Z', '2026-12-07T11:00:00.000Z')).toBeUndefined()
  expect(await availability(me, '2026-12-07T08:00:00.000Z', '2027-01-19T08:00:00.000Z')).toMatchObject({ status: '5' })
  await house.radicale.stop()
  try {
    expect(await availability(me, '2026-12-07T08:00:00.000Z', '2026-12-07T11:00:00.000Z')).toEqual({ status: '162', digits: undefined })
  } finally {
    await house.radicale.start()
  }
})
