import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { hear, hearOne, say } from '../../../src/eas/map/calendar.ts'
import * as task from '../../../src/eas/map/task.ts'
import { versions } from '../../../src/eas/versions.ts'
import { decode, el, encodeSync, type Element, type Node } from '../../../src/wire/wbxml.ts'
import { contextOf } from '../../support/calendar-context.ts'
import { calendarOf, samples } from '../../support/events.ts'
import { mutations, randomBelow } from '../../support/fuzz.ts'
import { parseXml, readGolden } from '../../support/golden.ts'

const requests = globSync('*.request.xml', { cwd: fileURLToPath(new URL('../../golden/formats/', import.meta.url)) }).sort()
  .map(name => encodeSync(parseXml(readGolden(`formats/${name}`))))
const tasks = encodeSync(el('AirSync:ApplicationData', [
  el('Tasks:Subject', 'x'), el('Tasks:UtcDueDate', '2026-12-02T17:00:00.000Z'), el('Tasks:DueDate', '2026-12-02T18:00:00.000Z'), el('Tasks:Complete', '1'),
  el('Tasks:Recurrence', [el('Tasks:Type', '1'), el('Tasks:Start', '2026-12-01T00:00:00.000Z'), el('Tasks:DayOfWeek', '4'), el('Tasks:Interval', '2')]),
  el('Tasks:ReminderSet', '1'), el('Tasks:ReminderTime', '2026-12-02T15:00:00.000Z'), el('Tasks:Importance', '2'),
]))
const weekly = calendarOf('DTSTART;TZID=Europe/Berlin:20260901T090000\nDTEND;TZID=Europe/Berlin:20260901T100000\nRRULE:FREQ=WEEKLY;BYDAY=TU\nEXDATE:20260908T070000Z')
const stored = [undefined, weekly, ...samples.map(({ octets }) => octets)]
const todo = Buffer.from(Buffer.from(weekly).toString().replaceAll('VEVENT', 'VTODO').replace('DTEND', 'DUE'))

function read(bytes: Uint8Array): Element | undefined {
  try {
    return decode(bytes)
  } catch {
    return undefined
  }
}

/** An answer, or what it refuses; what it answers can be told again. */
function attempt(change: () => Uint8Array, tell: (octets: Uint8Array) => readonly Node[]): number {
  let octets: Uint8Array
  try {
    octets = change()
  } catch (error) {
    if ((error as Error).name !== 'Failure') throw error
    return 0
  }
  encodeSync(el('AirSync:ApplicationData', tell(octets)))
  return 1
}

it('whatever a client says of an event, it is heard or refused, and what is stored then can be told', { timeout: 180_000 }, () => {
  const below = randomBelow(51)
  let heard = 0
  for (const bytes of mutations(requests, 20_000, 52)) {
    const data = read(bytes)
    if (!data) continue
    const context = contextOf(versions[below(versions.length)]!)
    const before = stored[below(stored.length)]
    heard += attempt(() => hear(before, data, context), octets => say(octets, context))
    if (below(8) === 0) heard += attempt(() => hearOne(weekly, '20260915T070000Z', data, context), octets => say(octets, context))
  }
  expect(heard).toBeGreaterThan(2000)
})

it('whatever a client says of a task likewise', { timeout: 180_000 }, () => {
  const below = randomBelow(53)
  let heard = 0
  for (const bytes of mutations([tasks], 20_000, 54)) {
    const data = read(bytes)
    if (!data) continue
    const context = contextOf(versions[below(versions.length)]!)
    heard += attempt(() => task.hear(below(2) ? todo : undefined, data, context), octets => task.say(octets, context))
  }
  expect(heard).toBeGreaterThan(1000)
})
