import { setTimeout as sleep } from 'node:timers/promises'
import { child, el, text, type Node } from '../src/wire/wbxml.ts'
import { DavUser } from '../test/support/dav-user.ts'
import type { Phone } from '../test/support/eas-client.ts'
import type { HeldItem } from '../test/support/eas-view.ts'
import { respond, sendResponse } from '../test/support/meetings.ts'
import type { User } from '../test/support/users.ts'
import { phoneOf, type Scene } from './demo-session.ts'
import { check, type Table } from './demo-table.ts'

const options = { bodies: [{ type: 1 }] }

/** Bob invites Anna from his phone, she accepts on hers, he moves the meeting: each is told once, by mail that Postern sends. */
export async function meeting({ house, postern, anna, bob }: Scene, table: Table): Promise<void> {
  table.chapter('A meeting')
  const annas = phoneOf(postern, anna, 'ANNAMEETS', '16.1'), bobs = phoneOf(postern, bob, 'BOBMEETS', '16.1')
  for (const phone of [annas, bobs]) {
    await phone.folderSync('0')
    for (const type of ['2', '8']) await phone.syncAll(phone.folder(type), { options })
  }
  const calendar = bobs.folder('8')
  let invitation: HeldItem
  await table.step("Bob's phone makes a meeting with Anna", async () => {
    const { collections: [answer] } = await bobs.sync({ collections: [{ id: calendar, options, commands: [
      { kind: 'Add', clientId: 'meeting', data: appointment(anna, '20261214T090000Z', '20261214T100000Z') },
    ] }] })
    check(answer?.responses[0]?.status === '1', `Status ${answer?.responses[0]?.status}`)
    invitation = await arrived(annas, /^Garden plans/)
    return `one invitation reaches Anna: ${JSON.stringify(invitation.subject)}`
  })
  await table.step('Anna accepts on her phone', async () => {
    const [answer] = await respond(annas, { id: invitation.id, answer: 1, more: [sendResponse('With pleasure.')] })
    check(answer?.status === '1', `MeetingResponse: Status ${answer?.status}`)
    check((await eventsOf(house.dav.url, anna)).includes('PARTSTAT=ACCEPTED'), "Anna's calendar does not say that she comes")
    const told = await arrived(bobs, /^Accepted/)
    await shownAccepted(bobs, calendar)
    return ["it is in Anna's calendar at Radicale, accepted", `one answer reaches Bob: ${JSON.stringify(told.subject)}`, 'and his calendar shows it']
  })
  await table.step('Bob moves it by an hour', async () => {
    const [item] = [...bobs.held(calendar).items.values()]
    const { collections: [answer] } = await bobs.sync({ collections: [{ id: calendar, options, commands: [
      { kind: 'Change', id: item!.id, data: appointment(anna, '20261214T100000Z', '20261214T110000Z').slice(0, 3) },
    ] }] })
    const [refused] = answer?.responses ?? []
    check(refused === undefined, `Status ${refused?.status}`)
    const before = new Set([invitation.id])
    const update = await arrived(annas, /^Garden plans/, before)
    check((await eventsOf(house.dav.url, bob)).includes('SEQUENCE:1'), 'the meeting is not a later one')
    return `one update reaches Anna: ${JSON.stringify(update.subject)}`
  })
  for (const phone of [annas, bobs]) phone.close()
}

const appointment = (guest: User, start: string, end: string): Node[] => [
  el('Calendar:Subject', 'Garden plans'), el('Calendar:StartTime', start), el('Calendar:EndTime', end), el('Calendar:ClientUid', 'garden-plans'),
  el('Calendar:BusyStatus', '2'), el('Calendar:MeetingStatus', '1'),
  el('Calendar:Attendees', [el('Calendar:Attendee', [el('Calendar:Email', guest.address), el('Calendar:Name', 'Anna'), el('Calendar:AttendeeType', '1')])]),
]

/** The message of that subject in the phone's inbox, once it is there. */
async function arrived(phone: Phone, subject: RegExp, before: ReadonlySet<string> = new Set()): Promise<HeldItem> {
  const inbox = phone.folder('2')
  for (let tries = 0; tries < 200; tries += 1) {
    await phone.syncAll(inbox, { options })
    const found = [...phone.held(inbox).items.values()].find(item => subject.test(item.subject) && !before.has(item.id))
    if (found) return found
    await sleep(50)
  }
  throw new Error(`no message ${subject} came`)
}

/** What an answer by mail says is written into the calendar, and told to the phone from there; until it was, a change by the phone is disputed. */
async function shownAccepted(phone: Phone, calendar: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    await phone.syncAll(calendar, { options })
    const [item] = [...phone.held(calendar).items.values()]
    // What the phone made itself it has not been told of before.
    const guests = item?.data && child(item.data, 'Calendar:Attendees')
    if (guests?.children.some(guest => text(guest, 'Calendar:AttendeeStatus') === '3')) return
    await sleep(50)
  }
  throw new Error('the calendar does not say that she comes')
}

async function eventsOf(url: string, { login, password }: User): Promise<string> {
  const dav = new DavUser(url, login, password)
  await dav.open('calendar')
  return [...(await dav.list()).values()].join('\n').replace(/\r\n[ \t]/g, '')
}
