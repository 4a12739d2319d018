import { describe, expect, it } from 'vitest'
import { hear, hearOne, isNews, removeOne, say } from '../../../src/eas/map/calendar.ts'
import { since, versions, type Version } from '../../../src/eas/versions.ts'
import { el, type Element, type Node, type Tag } from '../../../src/wire/wbxml.ts'
import { arrived, contextOf } from '../../support/calendar-context.ts'
import { calendarOf } from '../../support/events.ts'
import { difference, withoutStamps } from '../../support/object-diff.ts'
import { odds, type Odd } from '../../support/series.ts'
import { occurrencesBy, shownBy, startsTold } from '../../support/shown.ts'

const day = 86_400_000, hour = 3_600_000
const told = (octets: Uint8Array, version: Version, now?: string): Element =>
  arrived(say(octets, contextOf(version, now ? { now: new Date(now) } : {})))
const compact = (at: number): string => new Date(at).toISOString().replace(/[-:]|\.\d+/g, '')
/** Up to 14.1 days are by the clocks of Berlin. */
const isUtc = ({ utc, title }: Odd, version: Version): boolean => utc === true && (since(version, '16.0') || title === 'in UTC')
const asUtc = (seen: readonly string[], one: Odd, version: Version): readonly string[] => !one.utc || isUtc(one, version) ? seen
  : seen.map(line => line.replace(/^\S+/, at => new Date(Date.parse(`${at}Z`) + 2 * hour).toISOString().slice(0, 10) + 'T00:00')
    .replace(/ \d+ /, minutes => ` ${Math.round(Number(minutes) / 1440) * 1440} `))
const byTitle = (title: string): Odd => odds.find(one => one.title === title)!
const without = (element: Element, ...names: string[]): Element =>
  ({ ...element, children: element.children.filter(({ tag }) => !names.includes(tag.split(':')[1]!)) })
const edited = (element: Element, ...nodes: Node[]): Element =>
  ({ ...element, children: [...without(element, ...nodes.map(({ tag }) => tag.split(':')[1]!)).children, ...arrived(nodes).children] })
const value = (element: Element, name: string): string | undefined => element.children.find(({ tag }) => tag.endsWith(`:${name}`))?.text
const changes = (before: Uint8Array, after: Uint8Array): string[] => withoutStamps(difference(before, after)).filter(line => !/> SEQUENCE/.test(line))

describe.each<Version>(['12.1', '14.1', '16.1'])('in version %s', version => {
  it.each(odds)('what is shown of a series $title is what there is of it', one => {
    const data = told(one.octets, version)
    const seen = asUtc(shownBy(data, isUtc(one, version)), one, version)
    const starts = startsTold(data, isUtc(one, version))
    const last = one.crowded ? Date.parse(`${seen.at(-1)!.slice(0, 16)}Z`) + 1 : starts.at(-1)! + day / 2
    const expected = one.own ?? occurrencesBy(one.octets, starts[0]! - hour * 9, last)
    expect(seen).toEqual(expected)
    expect(seen.length).toBeGreaterThan(1)
  })

  it.each(odds)('what is given back of a series $title as it was told changes no octet, nor months later', one => {
    const data = told(one.octets, version)
    for (const now of ['2026-11-25T10:12:00Z', '2026-12-24T00:00:00Z', '2027-06-01T12:00:00Z']) {
      const context = contextOf(version, { now: new Date(now) })
      expect(Buffer.from(hear(one.octets, data, context)).toString()).toBe(Buffer.from(one.octets).toString())
    }
  })

  it.each(odds)('what is said of all of a series $title is changed of all of it', one => {
    const news = [el('Calendar:Subject', 'Something new'), el('Calendar:Categories', [el('Calendar:Category', 'Home')]), el('Calendar:BusyStatus', '3')]
    const data = edited(told(one.octets, version), ...news)
    const after = hear(one.octets, data, contextOf(version))
    const lines = changes(one.octets, after)
    expect(lines.every(line => /> (SUMMARY|CATEGORIES|TRANSP|X-MICROSOFT-CDO-BUSYSTATUS)/.test(line)), lines.join(' ')).toBe(true)
    expect(lines.some(line => line.endsWith('SUMMARY:Something new'))).toBe(true)
    expect(value(told(after, version), 'Subject')).toBe('Something new')
  })

  it.each(odds)('another rule, other times, no rule: none is taken of a series $title', one => {
    const data = told(one.octets, version), start = startsTold(data, isUtc(one, version))[0]!
    const recurrence = (fields: Readonly<Record<string, string>>): Node =>
      el('Calendar:Recurrence', Object.entries(fields).map(([name, text]) => el(`Calendar:${name}` as Tag, text)))
    const attempts: readonly (readonly [string, Element])[] = [
      ['a daily rule', edited(data, recurrence({ Type: '0', Interval: '1' }))],
      ['a monthly rule', edited(data, recurrence({ Type: '2', Interval: '1', DayOfMonth: '1' }))],
      ['no rule', since(version, '16.0') ? edited(data, el('Calendar:Recurrence')) : without(data, 'Recurrence')],
      ['a later start', edited(data, el('Calendar:StartTime', compact(start + 2 * day + hour)), el('Calendar:EndTime', compact(start + 2 * day + 2 * hour)))],
      ['a later end', edited(data, el('Calendar:EndTime', compact(start + 5 * day)))],
    ]
    for (const [what, said] of attempts) {
      expect(() => hear(one.octets, said, contextOf(version)), what).toThrow(expect.objectContaining({ kind: 'denied' }))
    }
  })
})

/** What is left of a series when one occurrence goes or is another, told as versions do it. */
function change(one: Odd, version: Version, at: string, node: Node | 'remove'): Uint8Array {
  const context = contextOf(version)
  if (since(version, '16.0')) return node === 'remove' ? removeOne(one.octets, at, context) : hearOne(one.octets, at, arrived([node]), context)
  const data = told(one.octets, version)
  const all = data.children.find(({ tag }) => tag === 'Calendar:Exceptions')
  const isOne = ({ children }: Element): boolean => children.some(({ tag, text }) => tag === 'Calendar:ExceptionStartTime' && text === at)
  const old = all?.children.find(isOne)
  const named = arrived([el('Calendar:ExceptionStartTime', at)]).children
  const own = node === 'remove' ? [...arrived([el('Calendar:Deleted', '1')]).children, ...named]
    : [...(old?.children.filter(({ tag }) => tag !== node.tag) ?? named), ...arrived([node]).children]
  const exception: Element = { tag: 'Calendar:Exception', text: '', children: own }
  const exceptions: Element = { tag: 'Calendar:Exceptions', text: '', children: [...all?.children.filter(child => !isOne(child)) ?? [], exception] }
  return hear(one.octets, { ...data, children: [...without(data, 'Exceptions').children, exceptions] }, context)
}

describe.each<Version>(['12.1', '14.1', '16.1'])('one occurrence, in version %s,', version => {
  it.each<[title: string, at: string, line: string]>([
    ['twice a month', '20261215T080000Z', 'EXDATE;TZID=Europe/Berlin:20261215T090000'],
    ['a rule and dates', '20261203T080000Z', 'EXDATE;TZID=Europe/Berlin:20261203T140000'],
    ['two rules', '20261213T080000Z', 'EXDATE;TZID=Europe/Berlin:20261213T090000'],
    ['all that follow otherwise', '20261215T080000Z', 'EXDATE;TZID=Europe/Berlin:20261215T090000'],
    ['in UTC', '20261205T120000Z', 'EXDATE:20261205T120000Z'],
    ['days without hours', since(version, '16.0') ? '20261215T000000Z' : '20261214T230000Z', 'EXDATE;VALUE=DATE:20261215'],
  ])('that goes from a series %s (%s) is left out of it', (title, at, line) => {
    const one = byTitle(title), after = change(one, version, at, 'remove')
    expect(changes(one.octets, after)).toEqual([`+VCALENDAR/VEVENT> ${line}`])
    const before = shownBy(told(one.octets, version), isUtc(one, version)), left = shownBy(told(after, version), isUtc(one, version))
    expect(before.filter(seen => !left.includes(seen))).toHaveLength(1)
    expect(left.filter(seen => !before.includes(seen)).every(seen => seen > before.at(-1)!)).toBe(true)
  })

  it('that goes and was an exception goes with it', () => {
    const one = byTitle('some of them otherwise'), after = change(one, version, '20261215T080000Z', 'remove')
    expect(changes(one.octets, after)).toContain('+VCALENDAR/VEVENT> EXDATE;TZID=Europe/Berlin:20261215T090000')
    expect(shownBy(told(after, version), false).some(seen => seen.startsWith('2026-12-15') || seen.startsWith('2026-12-17'))).toBe(false)
  })

  it.each<[title: string, at: string, id: string, begins: string]>([
    ['twice a month', '20261215T080000Z', 'TZID=Europe/Berlin:20261215T090000', 'TZID=Europe/Berlin:20261215T090000'],
    ['a rule and dates', '20261203T080000Z', 'TZID=Europe/Berlin:20261203T140000', 'TZID=Europe/Berlin:20261203T140000'],
    ['all that follow otherwise', '20261215T080000Z', 'TZID=Europe/Berlin:20261215T090000', 'TZID=Europe/Berlin:20261216T150000'],
    ['in UTC', '20261205T120000Z', '20261205T120000Z', '20261205T120000Z'],
  ])('that is called otherwise in a series %s (%s) is an exception of it', (title, at, id, begins) => {
    const one = byTitle(title), after = change(one, version, at, el('Calendar:Subject', 'Just this'))
    const lines = changes(one.octets, after)
    const sign = id.startsWith('TZID') ? ';' : ':'
    expect(lines.filter(line => line.startsWith('-'))).toEqual([])
    expect(lines).toContain(`+VCALENDAR/VEVENT> RECURRENCE-ID${sign}${id}`)
    expect(lines).toContain('+VCALENDAR/VEVENT> SUMMARY:Just this')
    expect(lines).toContain(`+VCALENDAR/VEVENT> DTSTART${sign}${begins}`)
    const before = shownBy(told(one.octets, version), isUtc(one, version)), now = shownBy(told(after, version), isUtc(one, version))
    expect(now.filter(seen => !before.includes(seen)).map(seen => seen.split(' ').slice(2).join(' '))).toEqual(['Just this'])
  })

  it('that is one of several a day is refused', () => {
    for (const one of odds.filter(({ crowded }) => crowded)) {
      for (const at of startsTold(told(one.octets, version), false).slice(0, 3)) {
        for (const node of ['remove', el('Calendar:Subject', 'Just this')] as const) {
          expect(() => change(one, version, compact(at), node), one.title).toThrow(expect.objectContaining({ kind: 'denied' }))
        }
      }
    }
  })

  it('that all others follow is refused', () => {
    expect(() => change(byTitle('all that follow otherwise'), version, '20261208T080000Z', 'remove')).toThrow(expect.objectContaining({ kind: 'denied' }))
  })
})

it('an occurrence can be named long after it was told', () => {
  const one = byTitle('twice a month')
  for (const now of ['2026-11-25T00:00:00Z', '2027-09-01T00:00:00Z', '2031-01-01T00:00:00Z']) {
    const after = removeOne(one.octets, '20261215T080000Z', contextOf('16.1', { now: new Date(now) }))
    expect(changes(one.octets, after)).toEqual(['+VCALENDAR/VEVENT> EXDATE;TZID=Europe/Berlin:20261215T090000'])
  }
  expect(() => removeOne(one.octets, '20261216T080000Z', contextOf('16.1'))).toThrow(expect.objectContaining({ kind: 'not-found' }))
  expect(() => removeOne(one.octets, '20261215T080100Z', contextOf('16.1'))).toThrow(expect.objectContaining({ kind: 'denied' }))
})

it('a client that was told long ago is to be told again, one that was told just now is not', () => {
  const one = byTitle('twice a month'), data = told(one.octets, '14.1')
  expect(isNews(one.octets, data, contextOf('14.1'))).toBe(false)
  expect(isNews(one.octets, data, contextOf('14.1', { now: new Date('2027-06-01T00:00:00Z') }))).toBe(true)
  const plain = calendarOf('DTSTART:20200101T090000Z\nRRULE:FREQ=DAILY')
  expect(isNews(plain, told(plain, '14.1'), contextOf('14.1', { now: new Date('2027-06-01T00:00:00Z') }))).toBe(false)
})

it('exceptions without their series are not all taken away', () => {
  const one = byTitle('exceptions without their series')
  const after = removeOne(one.octets, '20261208T080000Z', contextOf('16.1'))
  expect(Buffer.from(after).toString().match(/BEGIN:VEVENT/g)).toHaveLength(1)
})

it('of a series that is over its last part is shown', () => {
  const over = calendarOf('DTSTART;TZID=Europe/Berlin:20150101T090000\nDTEND;TZID=Europe/Berlin:20150101T100000\n' +
    'RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15;UNTIL=20200501T070000Z')
  const seen = shownBy(told(over, '16.1'), false)
  expect(seen.at(-1)).toMatch(/^2020-05-01T07:00/)
  expect(seen.length).toBeGreaterThan(10)
})

it('in the hour that never comes, an occurrence is an hour later, and none a client could take the clock from', () => {
  const night = calendarOf('DTSTART;TZID=Europe/Berlin:20260128T023000\nDTEND;TZID=Europe/Berlin:20260128T033000\nRRULE:FREQ=MONTHLY;BYMONTHDAY=14,28')
  expect(shownBy(told(night, '16.1'), false)).toContain('2027-03-28T01:30 60 ')
  expect(changes(night, removeOne(night, '20270328T013000Z', contextOf('16.1')))).toHaveLength(1)
  const from = contextOf('14.1', { now: new Date('2027-04-20T00:00:00Z') })
  expect(value(arrived(say(night, from)), 'StartTime')).toBe('20270414T003000Z')
  expect(Buffer.compare(hear(night, arrived(say(night, from)), from), night)).toBe(0)
})

it.each<Version>(['14.1', '16.1'])('days of Outlook, which begin at midnight somewhere else, keep their dates in version %s', version => {
  const octets = calendarOf('DTSTART;TZID=America/New_York:20260101T000000\nDTEND;TZID=America/New_York:20260102T000000\n' +
    'X-MICROSOFT-CDO-ALLDAYEVENT:TRUE\nRRULE:FREQ=MONTHLY;BYMONTHDAY=1,15')
  const data = told(octets, version), start = since(version, '16.0') ? '20261101T000000Z' : '20261031T230000Z'
  expect(value(data, 'StartTime')).toBe(start)
  expect(Buffer.compare(hear(octets, data, contextOf(version)), octets)).toBe(0)
  const one: Odd = { title: '', octets }
  const after = change(one, version, since(version, '16.0') ? '20261215T000000Z' : '20261214T230000Z', 'remove')
  expect(changes(octets, after)).toEqual(['+VCALENDAR/VEVENT> EXDATE;TZID=America/New_York:20261215T000000'])
})

it.each<Version>(['14.1', '16.1'])('what somebody else invites to is changed for oneself alone in version %s', version => {
  const octets = calendarOf('DTSTART;TZID=Europe/Berlin:20260101T090000\nDTEND;TZID=Europe/Berlin:20260101T100000\nRRULE:FREQ=MONTHLY;BYMONTHDAY=1,15\n' +
    'ORGANIZER:mailto:bob@x.example\nATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@x.example')
  const data = edited(told(octets, version), el('Calendar:Subject', 'Mine'), el('Calendar:Categories', [el('Calendar:Category', 'Home')]))
  expect(changes(octets, hear(octets, data, contextOf(version)))).toEqual(['+VCALENDAR/VEVENT> CATEGORIES:Home'])
  expect(changes(octets, change({ title: '', octets }, version, '20261215T080000Z', 'remove'))).toEqual(['+VCALENDAR/VEVENT> EXDATE;TZID=Europe/Berlin:20261215T090000'])
})

it('of several a day those from yesterday on are shown', () => {
  const seen = shownBy(told(byTitle('twice a day').octets, '16.1'), false)
  expect(seen[0]).toMatch(/^2026-11-24T08:00/)
  expect(seen).toHaveLength(240)
})

it('there is room for exceptions of the client', () => {
  for (const version of versions) for (const { title, octets } of odds) {
    const exceptions = told(octets, version).children.find(({ tag }) => tag === 'Calendar:Exceptions')?.children ?? []
    expect(exceptions.length, title).toBeLessThanOrEqual(240)
  }
})
