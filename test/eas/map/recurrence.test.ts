import { expect, it } from 'vitest'
import { recurrenceOf } from '../../../src/eas/map/recurrence.ts'
import { parseRule } from '../../../src/formats/icalendar.ts'

// A Monday
const start = Date.UTC(2026, 10, 23, 9)

// Traps 49, 50 and 51
it.each<[string, object]>([
  ['FREQ=DAILY', { type: 0, interval: 1 }],
  ['FREQ=DAILY;INTERVAL=3;COUNT=5', { type: 0, interval: 3, occurrences: 5 }],
  ['FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR', { type: 1, interval: 1, dayOfWeek: 62, firstDayOfWeek: 1 }],
  ['FREQ=WEEKLY', { type: 1, interval: 1, dayOfWeek: 2, firstDayOfWeek: 1 }],
  ['FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,TH', { type: 1, interval: 2, dayOfWeek: 20, firstDayOfWeek: 0 }],
  ['FREQ=MONTHLY', { type: 2, interval: 1, dayOfMonth: 23 }],
  ['FREQ=MONTHLY;BYMONTHDAY=15', { type: 2, interval: 1, dayOfMonth: 15 }],
  ['FREQ=MONTHLY;BYMONTHDAY=-1', { type: 3, interval: 1, dayOfWeek: 127, weekOfMonth: 5 }],
  ['FREQ=MONTHLY;BYDAY=-1FR', { type: 3, interval: 1, dayOfWeek: 32, weekOfMonth: 5 }],
  ['FREQ=MONTHLY;BYDAY=2TU', { type: 3, interval: 1, dayOfWeek: 4, weekOfMonth: 2 }],
  ['FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1', { type: 3, interval: 1, dayOfWeek: 62, weekOfMonth: 5 }],
  ['FREQ=YEARLY', { type: 5, interval: 1, dayOfMonth: 23, monthOfYear: 11 }],
  ['FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=14', { type: 5, interval: 1, dayOfMonth: 14, monthOfYear: 3 }],
  ['FREQ=YEARLY;BYMONTH=5;BYDAY=2SU', { type: 6, interval: 1, dayOfWeek: 1, weekOfMonth: 2, monthOfYear: 5 }],
  ['FREQ=DAILY;COUNT=5000', { type: 0, interval: 1, occurrences: 999 }],
])('%s', (rule, expected) => {
  expect(JSON.parse(JSON.stringify(recurrenceOf(parseRule(rule), start)))).toEqual(expected)
})

// Trap 52
it.each([
  'FREQ=HOURLY', 'FREQ=SECONDLY;INTERVAL=1', '', 'FREQ=MONTHLY;BYMONTHDAY=1,15', 'FREQ=MONTHLY;BYMONTHDAY=-2', 'FREQ=MONTHLY;BYDAY=1MO,3MO',
  'FREQ=MONTHLY;BYDAY=MO', 'FREQ=MONTHLY;BYDAY=5MO', 'FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1,3', 'FREQ=WEEKLY;BYDAY=1MO', 'FREQ=WEEKLY;BYMONTH=1',
  'FREQ=YEARLY;BYDAY=2SU', 'FREQ=YEARLY;BYWEEKNO=20', 'FREQ=YEARLY;BYMONTH=1,7', 'FREQ=DAILY;INTERVAL=0', 'FREQ=DAILY;INTERVAL=1000',
  'FREQ=DAILY;INTERVAL=2;BYDAY=MO,TU', 'FREQ=DAILY;BYHOUR=9,15', 'FREQ=DAILY;COUNT=x', 'FREQ=MONTHLY;BYDAY=XX',
])('%s is nothing EAS has words for', rule => {
  expect(recurrenceOf(parseRule(rule), start)).toBeUndefined()
})
