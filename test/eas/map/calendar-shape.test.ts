import { describe, expect, it } from 'vitest'
import { say } from '../../../src/eas/map/calendar.ts'
import * as task from '../../../src/eas/map/task.ts'
import { since, versions, type Version } from '../../../src/eas/versions.ts'
import type { Element } from '../../../src/wire/wbxml.ts'
import { arrived, contextOf } from '../../support/calendar-context.ts'
import { calendarOf, samples } from '../../support/events.ts'

/** [MS-ASCAL] Calendar class elements: the versions from which and up to which a server tells them, what their text is, where they are. */
type Shape = { readonly since?: Version; readonly until?: Version; readonly text?: RegExp; readonly exception?: Version | 'never' }
const compact = /^\d{8}T\d{6}Z$/, digit = (values: string): RegExp => new RegExp(`^[${values}]$`), any = /./s
const number = /^\d{1,10}$/

const event: Readonly<Record<string, Shape>> = {
  'Calendar:Timezone': { text: /^[A-Za-z\d+/]{228}[A-Za-z\d+/=]{4}$/, exception: 'never' },
  'Calendar:AllDayEvent': { text: digit('01') },
  'Calendar:StartTime': { text: compact }, 'Calendar:EndTime': { text: compact }, 'Calendar:DtStamp': { text: compact },
  'Calendar:Subject': { text: any }, 'Calendar:UID': { text: /^.{1,300}$/s, exception: 'never' },
  'Calendar:OrganizerName': { text: any, exception: 'never' }, 'Calendar:OrganizerEmail': { text: any, exception: 'never' },
  'Calendar:Attendees': { exception: '14.0' },
  'Calendar:Location': { until: '14.1', text: any }, 'AirSyncBase:Location': { since: '16.0' },
  'Calendar:Recurrence': { exception: 'never' }, 'Calendar:Sensitivity': { text: digit('0123') },
  'Calendar:BusyStatus': { text: digit('01234') }, 'Calendar:Categories': {}, 'Calendar:Reminder': { text: number },
  'Calendar:MeetingStatus': { text: /^(0|1|3|5|7)$/ },
  'Calendar:DisallowNewTimeProposal': { since: '14.0', text: digit('01'), exception: 'never' },
  'Calendar:ResponseRequested': { since: '14.0', text: digit('01'), exception: 'never' },
  'Calendar:AppointmentReplyTime': { since: '14.0', text: compact }, 'Calendar:ResponseType': { since: '14.0', text: digit('012345') },
  'Calendar:OnlineMeetingConfLink': { since: '14.1', text: /^(conf:)?sips?:/ }, 'Calendar:OnlineMeetingExternalLink': { since: '14.1', text: /^https?:/ },
  'AirSyncBase:Attachments': { since: '16.0' }, 'AirSyncBase:Body': { since: '12.0' }, 'AirSyncBase:NativeBodyType': { since: '12.0', text: digit('12'), exception: 'never' },
  'Calendar:Body': { until: '2.5', text: any }, 'Calendar:BodyTruncated': { until: '2.5', text: digit('01') },
  'Calendar:Exceptions': { exception: 'never' },
}
const inException: Readonly<Record<string, Shape>> = {
  'Calendar:Deleted': { text: digit('1') }, 'Calendar:ExceptionStartTime': { until: '14.1', text: compact }, 'AirSyncBase:InstanceId': { since: '16.0', text: compact },
}
const attendee: Readonly<Record<string, Shape>> = {
  'Calendar:Email': { text: any }, 'Calendar:Name': { text: any }, 'Calendar:AttendeeStatus': { since: '12.0', text: digit('02345') },
  'Calendar:AttendeeType': { since: '12.0', text: digit('123') },
}
const recurrence = (page: string): Readonly<Record<string, Shape>> => ({
  [`${page}:Type`]: { text: digit('012356') }, [`${page}:Interval`]: { text: /^[1-9]\d{0,2}$/ }, [`${page}:Occurrences`]: { text: /^[1-9]\d{0,2}$/ },
  [`${page}:Until`]: { text: page === 'Tasks' ? /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/ : compact },
  [`${page}:DayOfWeek`]: { text: /^([1-9]|[1-9]\d|1[01]\d|12[0-7])$/ }, [`${page}:DayOfMonth`]: { text: /^([1-9]|[12]\d|3[01])$/ },
  [`${page}:WeekOfMonth`]: { text: digit('12345') }, [`${page}:MonthOfYear`]: { text: /^([1-9]|1[0-2])$/ },
  [`${page}:CalendarType`]: { since: '14.0', text: digit('0') }, [`${page}:IsLeapMonth`]: { since: '14.0', text: digit('0') },
  [`${page}:FirstDayOfWeek`]: { since: '14.1', text: digit('0123456') },
  ...(page === 'Tasks' ? { 'Tasks:Start': { text: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/ }, 'Tasks:Regenerate': { text: digit('1') } } : {}),
})
const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const todo: Readonly<Record<string, Shape>> = {
  'Tasks:Subject': { text: any }, 'Tasks:Importance': { text: digit('012') }, 'Tasks:UtcStartDate': { text: iso }, 'Tasks:StartDate': { text: iso },
  'Tasks:UtcDueDate': { text: iso }, 'Tasks:DueDate': { text: iso }, 'Tasks:Categories': {}, 'Tasks:Recurrence': {}, 'Tasks:Complete': { text: digit('01') },
  'Tasks:DateCompleted': { text: iso }, 'Tasks:Sensitivity': { text: digit('0123') }, 'Tasks:ReminderTime': { text: iso }, 'Tasks:ReminderSet': { text: digit('01') },
  'Tasks:OrdinalDate': { since: '12.0', text: iso }, 'Tasks:SubOrdinalDate': { since: '12.0', text: any }, 'AirSyncBase:Body': { since: '12.0' },
  'Tasks:Body': { until: '2.5', text: any }, 'Tasks:BodySize': { until: '2.5', text: number }, 'Tasks:BodyTruncated': { until: '2.5', text: digit('01') },
}

const has = ({ since: least, until }: Shape, version: Version): boolean => (!least || since(version, least)) && (!until || !since(version, until) || version === until)

/** What is not as it should be of the children of an element. */
function faults(children: readonly Element[], shapes: Readonly<Record<string, Shape>>, version: Version, empty = false): string[] {
  const tags = children.map(({ tag }) => tag)
  return children.flatMap(({ tag, text, children: inside }, index) => {
    const shape = shapes[tag]
    if (!shape || !has(shape, version)) return [`${tag} in ${version}`]
    if (tags.indexOf(tag) !== index) return [`${tag} twice`]
    if (empty && text === '' && inside.length === 0) return []
    if (shape.text && !shape.text.test(text)) return [`${tag} is ${text}`]
    return shape.text || inside.length > 0 ? [] : [`${tag} without children`]
  })
}

const child = (element: Element, tag: string): Element | undefined => element.children.find(one => one.tag === tag)
const children = (element: Element | undefined): readonly Element[] => element?.children ?? []

/** [MS-ASCAL] Recurrence Patterns: what each Type has besides. */
const ofType: Readonly<Record<string, readonly string[]>> = {
  0: [], 1: ['DayOfWeek'], 2: ['DayOfMonth'], 3: ['DayOfWeek', 'WeekOfMonth'], 5: ['DayOfMonth', 'MonthOfYear'], 6: ['DayOfWeek', 'WeekOfMonth', 'MonthOfYear'],
}
function recurrenceFaults(element: Element | undefined, page: string, version: Version): string[] {
  if (!element) return []
  const type = child(element, `${page}:Type`)?.text ?? ''
  const parts = ['DayOfWeek', 'DayOfMonth', 'WeekOfMonth', 'MonthOfYear'].filter(name => child(element, `${page}:${name}`))
  const wanted = [...ofType[type] ?? []].sort().join()
  const calendar = '2356'.includes(type) && since(version, '14.0'), first = type === '1' && since(version, '14.1')
  return [
    ...faults(element.children, recurrence(page), version),
    ...(parts.sort().join() === wanted ? [] : [`Type ${type} with ${parts.join()}`]),
    ...(Boolean(child(element, `${page}:CalendarType`)) === calendar ? [] : [`CalendarType of Type ${type}`]),
    ...(Boolean(child(element, `${page}:FirstDayOfWeek`)) === first ? [] : [`FirstDayOfWeek of Type ${type}`]),
    ...(child(element, `${page}:Until`) && child(element, `${page}:Occurrences`) ? ['Until and Occurrences'] : []),
  ]
}

const inEach = (shapes: Readonly<Record<string, Shape>>): Readonly<Record<string, Shape>> => Object.fromEntries(Object.entries(shapes)
  .filter(([, { exception }]) => exception !== 'never').map(([tag, shape]) => [tag, shape.exception ? { ...shape, since: shape.exception as Version } : shape]))

const told = versions.flatMap(version => samples.map(({ title, octets }) => ({ title, version, data: arrived(say(octets, contextOf(version, { bodies: [{ type: 2 }] }))) })))
const todos = ['DTSTART;TZID=Europe/Berlin:20261201T090000\nDUE;TZID=Europe/Berlin:20261202T170000\nSUMMARY:x\nRRULE:FREQ=WEEKLY', 'STATUS:COMPLETED\nDESCRIPTION:x\nCATEGORIES:A\nSUMMARY:x',
  'X-POSTERN-ORDINAL-DATE:20261101T120000Z\nX-POSTERN-SUB-ORDINAL-DATE:5\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER;VALUE=DATE-TIME:20261201T070000Z\nEND:VALARM',
  ...['DAILY;UNTIL=20270101', 'MONTHLY;COUNT=3', 'MONTHLY;BYDAY=1TU', 'YEARLY', 'YEARLY;BYMONTH=12;BYDAY=1TU'].map(rule => `DTSTART;VALUE=DATE:20261201\nX-POSTERN-REGENERATE:TRUE\nRRULE:FREQ=${rule}`),
].map(lines => Buffer.from(Buffer.from(calendarOf(lines)).toString().replaceAll('VEVENT', 'VTODO')))
const toldTasks = versions.flatMap(version => todos.map(octets => ({ version, data: arrived(task.say(octets, contextOf(version))) })))

describe('the elements of events', () => {
  it('each is one its version has, at most once, and of its type', () => {
    expect(told.flatMap(({ title, version, data }) => faults(data.children, event, version).map(fault => `${title}: ${fault}`))).toEqual([])
  })
  it('each is told in every version that has it', () => {
    const missing = Object.entries(event).flatMap(([tag, shape]) => versions.filter(version => has(shape, version) &&
      !told.some(one => one.version === version && child(one.data, tag))).map(version => `${tag} in ${version}`))
    expect(missing).toEqual([])
  })
  it('start, end and MeetingStatus are always there', () => {
    for (const { title, data } of told) for (const tag of ['Calendar:StartTime', 'Calendar:EndTime', 'Calendar:MeetingStatus', 'Calendar:UID', 'Calendar:Timezone']) {
      const days = tag === 'Calendar:Timezone' && child(data, 'Calendar:AllDayEvent')?.text === '1'
      if (!days && !(tag === 'Calendar:UID' && title.includes('without UID'))) expect(child(data, tag), `${title} ${tag}`).toBeDefined()
    }
  })
  it('an attendee has an address and a name, and from 12.0 on a type and an answer', () => {
    for (const { title, version, data } of told) {
      for (const one of children(child(data, 'Calendar:Attendees'))) {
        expect(faults(one.children, attendee, version), title).toEqual([])
        expect(one.children.length, title).toBe(since(version, '12.0') ? 4 : 2)
      }
    }
  })
  it('a recurrence has the elements of its Type, and no others', () => {
    expect(told.flatMap(({ title, version, data }) => recurrenceFaults(child(data, 'Calendar:Recurrence'), 'Calendar', version).map(fault => `${title}: ${fault}`))).toEqual([])
    for (const type of Object.keys(ofType)) expect(told.some(({ data }) => children(child(data, 'Calendar:Recurrence')).some(one => one.tag === 'Calendar:Type' && one.text === type)), type).toBe(true)
  })
  it('an exception says which it is, and what its version lets it say', () => {
    for (const { title, version, data } of told) {
      const all = children(child(data, 'Calendar:Exceptions'))
      expect(all.length).toBeLessThanOrEqual(256)
      for (const one of all) {
        expect(faults(one.children, { ...inEach(event), ...inException }, version, true), title).toEqual([])
        if (!since(version, '14.1')) expect(child(one, 'Calendar:Reminder')?.text, title).not.toBe('')
        expect(child(one, since(version, '16.0') ? 'AirSyncBase:InstanceId' : 'Calendar:ExceptionStartTime'), title).toBeDefined()
      }
    }
  })
  it('BusyStatus is 4 from 16.0 on only', () => {
    const with4 = told.filter(({ data }) => child(data, 'Calendar:BusyStatus')?.text === '4').map(({ version }) => version)
    expect([...new Set(with4)]).toEqual(['16.0', '16.1'])
  })
  it('a day has no zone from 16.0 on', () => {
    const days = told.filter(({ data }) => child(data, 'Calendar:AllDayEvent')?.text === '1')
    for (const { title, version, data } of days) expect(Boolean(child(data, 'Calendar:Timezone')), title).toBe(!since(version, '16.0'))
  })
  it('categories are at most 300', () => {
    const many = calendarOf(`DTSTART:20260901T090000Z\nCATEGORIES:${Array.from({ length: 400 }, (_, n) => `c${n}`).join()}`)
    expect(children(child(arrived(say(many, contextOf('16.1'))), 'Calendar:Categories'))).toHaveLength(300)
  })
})

describe('the elements of tasks', () => {
  it('each is one its version has, at most once, and of its type', () => {
    expect(toldTasks.flatMap(({ version, data }) => faults(data.children, todo, version))).toEqual([])
  })
  it('each is told in every version that has it', () => {
    const missing = Object.entries(todo).flatMap(([tag, shape]) => versions.filter(version => has(shape, version) &&
      !toldTasks.some(one => one.version === version && child(one.data, tag))).map(version => `${tag} in ${version}`))
    expect(missing).toEqual([])
  })
  it('a recurrence has the elements of its Type, its Start, and no others', () => {
    expect(toldTasks.flatMap(({ version, data }) => recurrenceFaults(child(data, 'Tasks:Recurrence'), 'Tasks', version))).toEqual([])
    for (const { data } of toldTasks) if (child(data, 'Tasks:Recurrence')) expect(child(child(data, 'Tasks:Recurrence')!, 'Tasks:Start')).toBeDefined()
    for (const type of Object.keys(ofType)) expect(toldTasks.some(({ data }) => children(child(data, 'Tasks:Recurrence')).some(one => one.tag === 'Tasks:Type' && one.text === type)), type).toBe(true)
  })
  it('Complete is always there, and DateCompleted with what is done', () => {
    for (const { data } of toldTasks) expect(child(data, 'Tasks:DateCompleted') !== undefined).toBe(child(data, 'Tasks:Complete')!.text === '1')
  })
  it('categories are at most 300', () => {
    const many = Buffer.from(Buffer.from(calendarOf(`SUMMARY:x\nCATEGORIES:${Array.from({ length: 400 }, (_, n) => `c${n}`).join()}`)).toString().replaceAll('VEVENT', 'VTODO'))
    expect(children(child(arrived(task.say(many, contextOf('16.1'))), 'Tasks:Categories'))).toHaveLength(300)
  })
})
