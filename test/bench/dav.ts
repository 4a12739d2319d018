import { readEvent } from '../../src/formats/event-read.ts'
import { occurrencesOf } from '../../src/formats/series.ts'
import { createZones } from '../../src/formats/zones.ts'
import { el, type Node } from '../../src/wire/wbxml.ts'
import { startHouse, type House } from '../support/live.ts'
import { startPostern } from '../support/postern.ts'
import type { Bench } from './bench-house.ts'
import { lightPhone, syncAll, syncOnce, type LightPhone } from './light-phone.ts'
import { floor, ms, printTable, quantile, whole } from './print.ts'
import { RawDav } from './raw-dav.ts'
import { texts } from './wbxml-scan.ts'

type Kind = {
  readonly name: string; readonly type: string; readonly collection: string; readonly ending: string
  readonly props: Parameters<House['radicale']['seed']>[2]; readonly object: (n: number, title?: string) => string; readonly edit: (title: string) => Node[]
}

const kinds: readonly Kind[] = [
  {
    name: 'events', type: '8', collection: 'calendar', ending: '.ics', props: { tag: 'VCALENDAR', 'C:supported-calendar-component-set': 'VEVENT' },
    object: (n, title = `Meeting ${n}`) => [
      'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Bench//EN', 'BEGIN:VEVENT', `UID:event-${n}`, 'DTSTAMP:20261101T000000Z',
      `DTSTART:2026${String(n % 12 + 1).padStart(2, '0')}${String(n % 28 + 1).padStart(2, '0')}T100000Z`, 'DURATION:PT1H', `SUMMARY:${title}`, 'LOCATION:Room 5',
      'DESCRIPTION:What is to be talked about\\, in some words.', 'BEGIN:VALARM', 'ACTION:DISPLAY', 'TRIGGER:-PT15M', 'DESCRIPTION:x', 'END:VALARM', 'END:VEVENT', 'END:VCALENDAR', '',
    ].join('\r\n'),
    edit: title => [el('Calendar:Subject', title)],
  },
  {
    name: 'contacts', type: '9', collection: 'book', ending: '.vcf', props: { tag: 'VADDRESSBOOK' },
    object: (n, title = `First${n}`) => [
      'BEGIN:VCARD', 'VERSION:3.0', `UID:card-${n}`, `FN:${title} Last`, `N:Last;${title};;;`, `EMAIL;TYPE=WORK:person${n}@example.org`, 'TEL;TYPE=CELL:+49 30 12345',
      'ORG:Example;Sales', 'ADR;TYPE=WORK:;;Street 5;Town;;12345;Country', 'END:VCARD', '',
    ].join('\r\n'),
    edit: title => [el('Contacts:FirstName', title)],
  },
]

/** Calendars and address books, beside the same work as bare DAV requests one after the other. */
export async function dav(bench: Bench): Promise<void> {
  const count = bench.quick ? 500 : 5000, times = bench.quick ? 5 : 20
  const house = await startHouse({ users: 2, radicale: true })
  const user = house.user(0), raw = new RawDav(house.dav.url, user.login, user.password)
  for (const { collection, props, object, ending } of kinds) {
    house.radicale.seed(user.login, collection, props, Array.from({ length: count }, (_, n) => [`${n}${ending}`, object(n)] as const))
  }
  const postern = await startPostern(house)
  try {
    const phone = await lightPhone(postern, user, 'dav')
    const ids = await foldersOf(phone)
    const rows: string[][] = []
    // Radicale parses what it was given as files when it reads it first: that is nobody's time.
    for (const { collection } of kinds) await fetchAll(raw, `/${user.login}/${collection}/`)
    for (const kind of kinds) rows.push(...await rowsOf({ kind, phone, raw, times, count, id: ids.get(kind.type)!, path: `/${user.login}/${kind.collection}/` }))
    phone.close()
    printTable(`Calendars and contacts, ${whole(count)} of each, Radicale`, ['', 'Postern ms', 'bare DAV ms', 'times bare'], rows, [
      'Bare: sync-collection and multiget of 100 each, sync-collection alone for what has not changed, GET, PUT and sync-collection for an edit; one connection.',
      'Where something happens 20 times the numbers are medians.',
    ])
  } finally {
    await raw.close()
    await postern.stop()
    await house.stop()
  }
  yearView()
}

/** A year of a calendar of 500 series, in this process: processor time, the JIT compiler's and the garbage collector's own included. */
function yearView(): void {
  const zones = createZones(), zone = zones.named('Europe/Berlin')!
  const rules = ['FREQ=WEEKLY;BYDAY=TU', 'FREQ=DAILY', 'FREQ=MONTHLY;BYDAY=-1FR', 'FREQ=YEARLY', 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR', 'FREQ=MONTHLY;BYMONTHDAY=15',
    'FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR', 'FREQ=WEEKLY;COUNT=200', 'FREQ=YEARLY;BYMONTH=5;BYDAY=2SU', 'FREQ=WEEKLY;UNTIL=20270101T000000Z']
  const events = Array.from({ length: 500 }, (_, n) => readEvent(Buffer.from([
    'BEGIN:VCALENDAR', 'BEGIN:VEVENT', `UID:${n}`, `DTSTART;TZID=Europe/Berlin:20${18 + n % 8}0${1 + n % 9}0${1 + n % 9}T0${n % 10}0000`, 'DURATION:PT1H', `RRULE:${rules[n % 10]!}`,
    'EXDATE:20260301T080000Z', 'END:VEVENT', 'END:VCALENDAR', '',
  ].join('\r\n')), { zone, zones }))
  let found = 0
  const rounds = Array.from({ length: 20 }, () => processorTime(() => {
    found = events.reduce((sum, event) => sum + occurrencesOf(event, Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1), 1000).list.length, 0)
  }))
  const later = quantile(rounds.slice(3), 0.5), first = rounds[0]!
  printTable(`A year of 500 series, ${whole(found)} occurrences`, ['', 'CPU ms'], [['first round', ms(first)], ['once compiled', ms(later)]], [
    floor(first < 50, 'the first round takes less than 50 ms'), floor(later < 50, 'each later one takes less than 50 ms'),
  ])
}

function processorTime(work: () => void): number {
  const begun = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / 1000
}

type Work = { kind: Kind; phone: LightPhone; raw: RawDav; times: number; count: number; id: string; path: string }

async function rowsOf({ kind, phone, raw, times, count, id, path }: Work): Promise<string[][]> {
  const options = { window: 100 }
  let items = 0, key = ''
  const first = await timed(async () => { key = await syncAll(phone, id, options, window => { items += window.items }) })
  if (items !== count) throw new Error(`${items} of ${count} ${kind.name} came`)
  const bareFirst = await timed(() => fetchAll(raw, path))

  const nothing = await median(times, async () => {
    const { items, key: next } = await syncOnce(phone, { id, key, ...options })
    if (items || next !== key) throw new Error('there was something')
  })
  const { token: now } = await raw.changes(path)
  const bareNothing = await median(times, async () => {
    if ((await raw.changes(path, now)).hrefs.length) throw new Error('there was something')
  })

  const put = (n: number, title: string): Promise<string> => raw.ask('PUT', `${path}${n}${kind.ending}`, kind.object(n, title), { 'content-type': kind.ending === '.vcf' ? 'text/vcard' : 'text/calendar' })
  let { token } = await raw.changes(path)
  const changes: number[] = [], bareChanges: number[] = []
  for (let n = 0; n < times; n += 1) {
    await put(n, `Changed${n}`)
    changes.push(await timed(async () => {
      const answer = await syncOnce(phone, { id, key, ...options })
      key = answer.key
      if (!answer.answer.body.includes(`Changed${n}`)) throw new Error('the change did not come')
    }))
    bareChanges.push(await timed(async () => {
      const now = await raw.changes(path, token)
      token = now.token
      if (!(await raw.multiget(path, now.hrefs)).includes(`Changed${n}`)) throw new Error('the change did not come')
    }))
  }

  const edits: number[] = [], bareEdits: number[] = []
  for (let n = 0; n < times; n += 1) {
    const serverId = `${id}:${'nop'[kind.ending === '.ics' ? 1 : 2]}${n}`
    token = (await raw.changes(path, token)).token
    edits.push(await timed(async () => {
      const body = el('AirSync:Sync', [el('AirSync:Collections', [el('AirSync:Collection', [
        el('AirSync:SyncKey', key), el('AirSync:CollectionId', id), el('AirSync:Commands', [
          el('AirSync:Change', [el('AirSync:ServerId', serverId), el('AirSync:ApplicationData', kind.edit(`Edited${n}`))]),
        ]),
      ])])])
      const { body: answer } = await phone.ask('Sync', body)
      const wrong = texts(answer, 'AirSync:Status').find(status => status !== '1')
      if (wrong) throw new Error(`Sync: Status ${wrong}`)
      key = texts(answer, 'AirSync:SyncKey')[0] ?? key
    }))
    if (!(await raw.ask('GET', `${path}${n}${kind.ending}`)).includes(`Edited${n}`)) throw new Error('the edit did not arrive')
    bareEdits.push(await timed(async () => {
      await raw.ask('GET', `${path}${n}${kind.ending}`)
      await put(n, `Bare${n}`)
      token = (await raw.changes(path, token)).token
    }))
    key = (await syncOnce(phone, { id, key, ...options })).key
  }
  const middle = (values: readonly number[]): number => quantile(values, 0.5)
  return [
    row(`first sync of ${whole(count)} ${kind.name}, windows of 100`, first, bareFirst),
    row(`${kind.name}: a Sync without changes`, nothing, bareNothing),
    row(`${kind.name}: one change on the server, until in hand`, middle(changes), middle(bareChanges)),
    row(`${kind.name}: one edit by the phone`, middle(edits), middle(bareEdits)),
  ]
}

const row = (name: string, own: number, bare: number): string[] => [name, ms(own), ms(bare), (own / bare).toFixed(2)]

async function fetchAll(raw: RawDav, path: string): Promise<void> {
  const { hrefs } = await raw.changes(path)
  for (let at = 0; at < hrefs.length; at += 100) await raw.multiget(path, hrefs.slice(at, at + 100))
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

async function median(times: number, work: () => Promise<unknown>): Promise<number> {
  const all: number[] = []
  for (let n = 0; n < times; n += 1) all.push(await timed(work))
  return quantile(all, 0.5)
}

/** FolderSync: ids by their types. */
async function foldersOf(phone: LightPhone): Promise<Map<string, string>> {
  const { body } = await phone.ask('FolderSync', el('FolderHierarchy:FolderSync', [el('FolderHierarchy:SyncKey', '0')]))
  const ids = texts(body, 'FolderHierarchy:ServerId')
  return new Map(texts(body, 'FolderHierarchy:Type').map((type, index) => [type, ids[index]!]))
}
