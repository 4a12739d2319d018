import { el, text, type Node, type Tag } from '../src/wire/wbxml.ts'
import { DavUser } from '../test/support/dav-user.ts'
import type { Phone } from '../test/support/eas-client.ts'
import { phoneOf, type Scene } from './demo-session.ts'
import { check, type Table } from './demo-table.ts'

/** One class of objects: an object of a desktop, what a phone makes, and how each is told. */
type Show = {
  readonly name: string
  readonly kind: 'calendar' | 'contacts' | 'tasks' | 'notes'
  readonly type: string
  readonly file: string
  readonly stored: readonly string[]
  readonly title: Tag
  /** What a phone sends for a new one of that title, and for one it changes. */
  readonly nodes: (title: string) => readonly Node[]
  /** The line of the stored object that says the title. */
  readonly line: (title: string) => string
}

const shows: readonly Show[] = [
  {
    name: 'an appointment', kind: 'calendar', type: '8', file: 'standup.ics', title: 'Calendar:Subject',
    stored: [
      'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Desktop//EN', 'BEGIN:VEVENT', 'UID:standup', 'DTSTAMP:20261101T000000Z',
      'DTSTART;TZID=Europe/Berlin:20261201T093000', 'DTEND;TZID=Europe/Berlin:20261201T094500', 'RRULE:FREQ=WEEKLY;BYDAY=TU,TH;COUNT=20',
      'SUMMARY:Stand-up', 'X-DESKTOP-COLOUR:green', 'END:VEVENT', 'END:VCALENDAR',
    ],
    nodes: title => [
      el('Calendar:Subject', title), el('Calendar:StartTime', '20261210T130000Z'), el('Calendar:EndTime', '20261210T140000Z'),
      el('Calendar:BusyStatus', '2'), el('Calendar:Sensitivity', '0'),
    ],
    line: title => `SUMMARY:${title}`,
  },
  {
    name: 'a contact', kind: 'contacts', type: '9', file: 'mueller.vcf', title: 'Contacts:FileAs',
    stored: [
      'BEGIN:VCARD', 'VERSION:3.0', 'UID:mueller', 'FN:Jürgen Müller', 'N:Müller;Jürgen;;;', 'TEL;TYPE=CELL:+49 170 1', 'X-DESKTOP-COLOUR:green', 'END:VCARD',
    ],
    nodes: title => [el('Contacts:FileAs', title), el('Contacts:FirstName', title), el('Contacts:LastName', 'Roe')],
    line: title => `N:Roe;${title};;;`,
  },
  {
    name: 'a task', kind: 'tasks', type: '7', file: 'taxes.ics', title: 'Tasks:Subject',
    stored: [
      'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Desktop//EN', 'BEGIN:VTODO', 'UID:taxes', 'DTSTAMP:20261101T000000Z', 'DUE;VALUE=DATE:20261231',
      'SUMMARY:Taxes', 'X-DESKTOP-COLOUR:green', 'END:VTODO', 'END:VCALENDAR',
    ],
    nodes: title => [el('Tasks:Subject', title), el('Tasks:Importance', '1'), el('Tasks:Complete', '0'), el('Tasks:Sensitivity', '0')],
    line: title => `SUMMARY:${title}`,
  },
  {
    name: 'a note', kind: 'notes', type: '10', file: 'wifi.ics', title: 'Notes:Subject',
    stored: [
      'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Desktop//EN', 'BEGIN:VJOURNAL', 'UID:wifi', 'DTSTAMP:20261101T000000Z',
      'SUMMARY:Guest network', 'DESCRIPTION:The password is on the fridge.', 'X-DESKTOP-COLOUR:green', 'END:VJOURNAL', 'END:VCALENDAR',
    ],
    nodes: title => [el('Notes:Subject', title), el('AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', 'Written on the phone.')])],
    line: title => `SUMMARY:${title}`,
  },
]

/** Calendars, contacts, tasks and notes in both directions, against the real Radicale. */
export async function objects({ house, postern, anna }: Scene, table: Table): Promise<void> {
  table.chapter('Calendar, contacts, tasks, notes')
  const phone = phoneOf(postern, anna, 'PIMPHONE', '16.1')
  await table.step("The phone sees Radicale's collections as folders", async () => {
    await phone.folderSync('0')
    return [...phone.folders.values()].filter(({ type }) => shows.some(show => show.type === type)).map(({ name }) => name).join(', ')
  })
  for (const show of shows) {
    const dav = new DavUser(house.dav.url, anna.login, anna.password)
    await dav.open(show.kind)
    await down(phone, show, dav, table)
    await up(phone, show, dav, table)
  }
  phone.close()
}

const options = { bodies: [{ type: 1 }] }

async function down(phone: Phone, show: Show, dav: DavUser, table: Table): Promise<void> {
  const folder = phone.folder(show.type)
  await table.step(`A desktop makes ${show.name}`, async () => {
    await phone.syncAll(folder, { options })
    await dav.put(show.file, [...show.stored, ''].join('\r\n'))
    await phone.syncAll(folder, { options })
    return `the phone shows ${JSON.stringify(titles(phone, show).join(', '))}`
  })
}

const titles = (phone: Phone, { type, title }: Show): string[] =>
  [...phone.held(phone.folder(type)).items.values()].flatMap(({ data }) => data ? text(data, title) ?? [] : [])

/** What a desktop said of its object, and no phone knows, must still be there. */
async function up(phone: Phone, show: Show, dav: DavUser, table: Table): Promise<void> {
  const folder = phone.folder(show.type)
  const [item] = [...phone.held(folder).items.values()]
  check(item !== undefined, 'the phone shows nothing')
  await table.step(`The phone changes it, and makes another`, async () => {
    const { collections: [answer] } = await phone.sync({ collections: [{ id: folder, options, commands: [
      { kind: 'Change', id: item.id, data: [el(show.title, 'Changed'), ...(show.kind === 'contacts' ? show.nodes('Changed').slice(1) : [])] },
      { kind: 'Add', clientId: `new-${show.kind}`, data: show.nodes('Made') },
    ] }] })
    check(answer?.responses.every(({ status }) => status === '1') === true, `Status ${answer?.responses.map(({ status }) => status).join()}`)
    const files = await dav.list(), changed = files.get(show.file) ?? ''
    const made = [...files.values()].find(one => one.includes(show.line('Made')))
    check(changed.includes(show.line('Changed')), 'the change did not arrive')
    check(changed.includes('X-DESKTOP-COLOUR:green'), 'what the phone does not know is lost')
    check(made !== undefined, 'what the phone made did not arrive')
    return [`Radicale has ${show.line('Changed')} and ${show.line('Made')}`, 'and still X-DESKTOP-COLOUR:green']
  })
}
