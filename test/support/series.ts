import { calendarOf } from './events.ts'

/** A series EAS has no words for; `crowded`: several times a day, `utc`: not by the clocks of Berlin, `own`: where ical.js has something else. */
export type Odd = { readonly title: string; readonly octets: Uint8Array; readonly crowded?: true; readonly utc?: true; readonly own?: readonly string[] }

const start = (day: string, from = '090000', to = '100000'): string => `DTSTART;TZID=Europe/Berlin:${day}T${from}\nDTEND;TZID=Europe/Berlin:${day}T${to}\nSUMMARY:Rent\n`
const also = '\nEND:VEVENT\nBEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\n'
const odd = (title: string, lines: string, more: Omit<Odd, 'title' | 'octets'> = {}): Odd => ({ title, octets: calendarOf(lines), ...more })

/** On 25 November 2026 all of these go on. */
export const odds: readonly Odd[] = [
  odd('twice a month', `${start('20200101')}RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15`),
  odd('the first days of months, and the last', `${start('20260101')}RRULE:FREQ=MONTHLY;BYMONTHDAY=1,-1`),
  odd('every second and fourth Tuesday', `${start('20260908')}RRULE:FREQ=MONTHLY;BYDAY=2TU,4TU`),
  odd('positions of a list', `${start('20260901')}RRULE:FREQ=MONTHLY;BYDAY=TU,TH;BYSETPOS=1,3`),
  odd('the day of each quarter', `${start('20260115')}RRULE:FREQ=YEARLY;BYMONTH=1,4,7,10;BYMONTHDAY=15`),
  odd('the day before the last', `${start('20260930')}RRULE:FREQ=MONTHLY;BYMONTHDAY=-2`),
  odd('days of a year', `${start('20260901')}RRULE:FREQ=YEARLY;BYYEARDAY=244,320`),
  odd('all of a month', `${start('20260901')}RRULE:FREQ=DAILY;BYMONTH=9,12`),
  odd('a rule that ends', `${start('20260901')}RRULE:FREQ=MONTHLY;BYMONTHDAY=1,10,20;COUNT=14`),
  odd('by night', `${start('20250925', '023000', '033000')}RRULE:FREQ=MONTHLY;BYMONTHDAY=25,29`),
  odd('days without hours', 'DTSTART;VALUE=DATE:20260101\nSUMMARY:Rent\nRRULE:FREQ=MONTHLY;BYMONTHDAY=1,15', { utc: true }),
  odd('two days at a time', 'DTSTART;VALUE=DATE:20260103\nDTEND;VALUE=DATE:20260105\nSUMMARY:Rent\nRRULE:FREQ=MONTHLY;BYDAY=1SA,3SA', { utc: true }),
  odd('in UTC', 'DTSTART:20260105T120000Z\nDTEND:20260105T123000Z\nSUMMARY:Rent\nRRULE:FREQ=MONTHLY;BYMONTHDAY=5,25', { utc: true }),
  odd('a rule and dates', `${start('20260901')}RRULE:FREQ=WEEKLY;BYDAY=TU\nRDATE;TZID=Europe/Berlin:20261203T140000,20261210T090000`),
  odd('dates alone', `${start('20261120')}RDATE;TZID=Europe/Berlin:20261203T090000,20270310T173000`, {
    own: ['2026-11-20T08:00 60 Rent', '2026-12-03T08:00 60 Rent', '2027-03-10T16:30 60 Rent'],
  }),
  odd('two rules', `${start('20260901')}RRULE:FREQ=WEEKLY;BYDAY=TU\nRRULE:FREQ=MONTHLY;BYMONTHDAY=13`),
  odd('without some of them', `${start('20260901')}RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15\nEXDATE;TZID=Europe/Berlin:20261215T090000\nEXDATE:20270115T080000Z`),
  odd('some of them otherwise', `${start('20260901')}RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15${also}RECURRENCE-ID;TZID=Europe/Berlin:20261215T090000\n` +
    `${start('20261217', '110000', '113000').replace('Rent', 'Rent and heating')}LOCATION:Bank`),
  odd('all that follow otherwise', `${start('20260901')}RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=40${also}RECURRENCE-ID;TZID=Europe/Berlin;RANGE=THISANDFUTURE:20261208T090000\n` +
    start('20261209', '150000', '153000').replace('Rent', 'Rent, later').trimEnd()),
  odd('twice a day', `${start('20261101')}RRULE:FREQ=DAILY;BYHOUR=9,15`, { crowded: true }),
  odd('every five hours', `${start('20261124')}RRULE:FREQ=HOURLY;INTERVAL=5;COUNT=30`, { crowded: true }),
  odd('a date of the same day', `${start('20260901')}RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=20\nRDATE;TZID=Europe/Berlin:20261201T160000`, { crowded: true }),
  odd('but for a rule', `${start('20261123')}RRULE:FREQ=DAILY;COUNT=7\nEXRULE:FREQ=DAILY;INTERVAL=3`, {
    own: ['2026-11-24T08:00 60 Rent', '2026-11-25T08:00 60 Rent', '2026-11-27T08:00 60 Rent', '2026-11-28T08:00 60 Rent'],
  }),
  odd('exceptions without their series', `RECURRENCE-ID;TZID=Europe/Berlin:20261201T090000\n${start('20261201')}CLASS:PUBLIC${also}` +
    `RECURRENCE-ID;TZID=Europe/Berlin:20261208T090000\n${start('20261209', '100000', '120000').replace('Rent', 'Rent too')}CLASS:PUBLIC`, {
    own: ['2026-12-01T08:00 60 Rent', '2026-12-09T09:00 120 Rent too'],
  }),
  odd('an event and exceptions of it', `${start('20261201')}CLASS:PUBLIC${also}RECURRENCE-ID;TZID=Europe/Berlin:20261208T090000\n${start('20261209')}CLASS:PUBLIC`, {
    own: ['2026-12-01T08:00 60 Rent', '2026-12-09T08:00 60 Rent'],
  }),
]
