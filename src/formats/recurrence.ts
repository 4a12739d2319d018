import type { RecurrenceRule } from './recurrence-rule.ts'

const second = 1000, minute = 60_000, hour = 3_600_000, day = 86_400_000

/** What an expansion may still cost: days and times that are looked at. Nothing is left when it ended early. */
export type Work = { left: number }

/** Days of 1970-01-01 on, and what a calendar says of one. */
type Day = number
type CivilDate = { readonly year: number; readonly month: number; readonly date: number }

/** The day of a date of the Gregorian calendar; months may be out of range. */
function dayOf(year: number, month: number, date: number): Day {
  const y = year + Math.floor((month - 1) / 12), m = ((month - 1) % 12 + 12) % 12 + 1
  const shifted = m <= 2 ? y - 1 : y
  const era = Math.floor(shifted / 400), ofEra = shifted - era * 400
  const ofYear = Math.floor((153 * (m + (m > 2 ? -3 : 9)) + 2) / 5) + date - 1
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468
}

function dateOf(day: Day): CivilDate {
  const shifted = day + 719_468
  const era = Math.floor(shifted / 146_097), ofEra = shifted - era * 146_097
  const years = Math.floor((ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365)
  const ofYear = ofEra - (365 * years + Math.floor(years / 4) - Math.floor(years / 100))
  const m = Math.floor((5 * ofYear + 2) / 153)
  const month = m < 10 ? m + 3 : m - 9
  return { year: years + era * 400 + (month <= 2 ? 1 : 0), month, date: ofYear - Math.floor((153 * m + 2) / 5) + 1 }
}

const monthLength = (year: number, month: number): number => dayOf(year, month + 1, 1) - dayOf(year, month, 1)
const yearLength = (year: number): number => dayOf(year + 1, 1, 1) - dayOf(year, 1, 1)

const weekdayOf = (day: Day): number => ((day + 4) % 7 + 7) % 7
/** The first day of the week a day is in. */
const weekOf = (day: Day, weekStart: number): Day => day - (weekdayOf(day) - weekStart + 7) % 7
/** The first day of week 1 of a year: the first week with four days in it. */
const firstWeek = (year: number, weekStart: number): Day => weekOf(dayOf(year, 1, 4), weekStart)

/** Days of a period, in order; first and last included. */
type Span = readonly [first: Day, last: Day]

/**
 * RFC 5545, Recurrence Rule: the starts a rule gives a series that begins at `start`, in order, as clocks show them (milliseconds
 * as if at UTC), without regard to COUNT and UNTIL. Those before `from` may be left out; it ends with `to`, or with the work.
 */
export function* expand(rule: RecurrenceRule, start: number, from: number, to: number, work: Work): Generator<number> {
  const wanted = dayTest(rule, start), time = onceADay(rule, start)
  const lists = timesOf(rule, start)
  for (const spans of periods(rule, start, from)) {
    if (work.left <= 0 || spans[0]![0] * day > to) return
    const days: Day[] = []
    for (const [first, last] of spans) {
      for (let one = first; one <= last; one++) if (wanted(one)) days.push(one)
      work.left -= last - first + 1
    }
    if (time !== undefined) {
      work.left -= days.length
      for (const one of days) {
        const local = one * day + time
        if (local > to) return
        if (local >= start) yield local
      }
      continue
    }
    for (const times of lists(days, work)) {
      for (const local of positioned(times, rule.positions)) {
        if (local > to) return
        if (local >= start) yield local
      }
    }
  }
}

/** The time of the day where all starts have the same, as nearly all have: then there are no lists to make of them. */
function onceADay({ frequency, positions, hours, minutes, seconds }: RecurrenceRule, start: number): number | undefined {
  const plain = positions.length + hours.length + minutes.length + seconds.length === 0
  return plain && !(frequency in units) ? start - Math.floor(start / day) * day : undefined
}

/** Which of the starts of a period BYSETPOS leaves. */
function positioned(times: readonly number[], positions: readonly number[]): readonly number[] {
  if (positions.length === 0) return times
  const kept = positions.flatMap(position => times[position > 0 ? position - 1 : times.length + position] ?? [])
  return [...new Set(kept)].sort((one, other) => one - other)
}

/** The days to look at of one period after the other, from that of the start on, or soon before `from`. */
function* periods(rule: RecurrenceRule, start: number, from: number): Generator<readonly Span[]> {
  const { frequency, interval, weekStart } = rule
  const begin = Math.floor(start / day)
  const { year, month } = dateOf(begin), wish = Math.max(begin, Math.floor(from / day))
  // An unfinished period before the one that is asked for does no harm.
  const skip = (passed: number): number => Math.max(0, Math.floor(passed / interval) - 1)
  switch (frequency) {
    case 'YEARLY': {
      const months = yearlyMonths(rule, month)
      for (let n = skip(dateOf(wish).year - year); ; n++) {
        const of = year + n * interval
        yield months.length === 0 ? [[dayOf(of, 1, 1), dayOf(of + 1, 1, 1) - 1]]
          : months.map(one => [dayOf(of, one, 1), dayOf(of, one + 1, 1) - 1] as const)
      }
    }
    case 'MONTHLY': {
      const asked = dateOf(wish)
      for (let n = skip((asked.year - year) * 12 + asked.month - month); ; n++) {
        yield [[dayOf(year, month + n * interval, 1), dayOf(year, month + n * interval + 1, 1) - 1]]
      }
    }
    case 'WEEKLY': {
      const week = weekOf(begin, weekStart)
      for (let n = skip(Math.floor((wish - week) / 7)); ; n++) yield [[week + n * interval * 7, week + n * interval * 7 + 6]]
    }
    case 'DAILY': {
      // Days that follow each other are looked at together, unless BYSETPOS counts in each.
      const together = interval === 1 && rule.positions.length === 0 ? 32 : 1
      for (let n = skip(wish - begin); ; n += together) yield [[begin + n * interval, begin + n * interval + together - 1]]
    }
    default: {
      const unit = units[frequency], step = interval * unit
      const first = Math.floor(start / unit) * unit
      if (step <= day) for (let one = wish; ; one++) yield [[one, one]]
      for (let n = skip((from - first) / unit); ; n++) {
        const one = Math.floor((first + n * step) / day)
        yield [[one, one]]
      }
    }
  }
}

const units = { HOURLY: hour, MINUTELY: minute, SECONDLY: second }

const isGiven = ({ weekdays, monthDays, yearDays, weeks }: RecurrenceRule): boolean =>
  weekdays.length + monthDays.length + yearDays.length + weeks.length > 0

const sorted = (values: readonly number[]): number[] => [...new Set(values)].sort((one, other) => one - other)

/** The months of a year to look at; none: all of it. */
const yearlyMonths = (rule: RecurrenceRule, month: number): readonly number[] =>
  rule.months.length > 0 ? sorted(rule.months) : isGiven(rule) ? [] : [month]

/** What a rule does not say of its days is as the start has it. */
function withDefaults(rule: RecurrenceRule, start: number): RecurrenceRule {
  const begin = Math.floor(start / day)
  const sameWeekday = { ...rule, weekdays: [{ day: weekdayOf(begin), nth: 0 }] }
  const { frequency, weekdays, monthDays, yearDays } = rule
  if (frequency === 'YEARLY' && isGiven(rule)) return weekdays.length + monthDays.length + yearDays.length > 0 ? rule : sameWeekday
  if (isGiven(rule)) return rule
  if (frequency === 'YEARLY' || frequency === 'MONTHLY') return { ...rule, monthDays: [dateOf(begin).date] }
  return frequency === 'WEEKLY' ? sameWeekday : rule
}

/** Which days the parts of a rule let through. */
function dayTest(given: RecurrenceRule, start: number): (day: Day) => boolean {
  const rule = withDefaults(given, start)
  const { frequency, months, monthDays, yearDays, weeks, weekdays, weekStart } = rule
  const ofMonth = frequency === 'MONTHLY' || (frequency === 'YEARLY' && months.length > 0)
  const numbered = (frequency === 'MONTHLY' || frequency === 'YEARLY') && weeks.length === 0
  const has = (values: readonly number[], nth: number, count: number): boolean => values.includes(nth) || values.includes(nth - count - 1)
  const anyNth = weekdays.every(({ nth }) => nth === 0 || !numbered)
  const mask = weekdays.reduce((bits, { day }) => bits | 1 << day, 0)
  const dated = months.length + monthDays.length + yearDays.length + weeks.length > 0 || !anyNth
  const isDated = (one: Day): boolean => {
    const { year, month, date } = dateOf(one)
    if (months.length > 0 && !months.includes(month)) return false
    if (monthDays.length > 0 && !has(monthDays, date, monthLength(year, month))) return false
    if (yearDays.length > 0 && !has(yearDays, one - dayOf(year, 1, 1) + 1, yearLength(year))) return false
    if (weeks.length > 0) {
      const { week, count } = weekNumber(one, year, weekStart)
      if (!has(weeks, week, count)) return false
    }
    if (anyNth) return true
    const weekday = weekdayOf(one)
    const [at, last] = ofMonth ? [date, monthLength(year, month)] : [one - dayOf(year, 1, 1) + 1, yearLength(year)]
    return weekdays.some(({ day, nth }) => day === weekday && (
      nth === 0 || (nth > 0 ? Math.ceil(at / 7) === nth : -Math.ceil((last - at + 1) / 7) === nth)))
  }
  return one => (mask === 0 || (mask & 1 << weekdayOf(one)) !== 0) && (!dated || isDated(one))
}

/** RFC 5545, BYWEEKNO: of the year a week has most of its days in. */
function weekNumber(one: Day, year: number, weekStart: number): { readonly week: number; readonly count: number } {
  const of = one < firstWeek(year, weekStart) ? year - 1 : one >= firstWeek(year + 1, weekStart) ? year + 1 : year
  const first = firstWeek(of, weekStart)
  return { week: Math.floor((one - first) / 7) + 1, count: (firstWeek(of + 1, weekStart) - first) / 7 }
}

type Lists = (days: readonly Day[], work: Work) => Iterable<readonly number[]>

/** The times of the days of a period, in the lists that BYSETPOS counts in. */
function timesOf(rule: RecurrenceRule, start: number): Lists {
  const { frequency } = rule
  const time = start - Math.floor(start / day) * day
  const or = (values: readonly number[], own: number): readonly number[] => values.length > 0 ? sorted(values) : [own]
  const seconds = or(rule.seconds, Math.floor(time / second) % 60), minutes = or(rule.minutes, Math.floor(time / minute) % 60)
  if (frequency === 'HOURLY' || frequency === 'MINUTELY' || frequency === 'SECONDLY') {
    return withinDays(rule, start, frequency, minutes, seconds)
  }
  const hours = or(rule.hours, Math.floor(time / hour))
  const times = hours.flatMap(h => minutes.flatMap(m => seconds.map(s => h * hour + m * minute + s * second)))
  return function* (days, work) {
    work.left -= days.length * times.length
    if (rule.positions.length === 0) for (const one of days) yield times.map(at => one * day + at)
    else if (work.left > 0) yield days.flatMap(one => times.map(at => one * day + at))
  }
}

/** Each hour, minute or second of a day that the interval comes to is a period of its own. */
function withinDays(
  rule: RecurrenceRule, start: number, frequency: keyof typeof units, minutes: readonly number[], seconds: readonly number[],
): Lists {
  const unit = units[frequency], step = rule.interval * unit
  const first = Math.floor(start / unit) * unit
  const lets = (values: readonly number[], value: number): boolean => values.length === 0 || values.includes(value)
  const inHour = minutes.flatMap(m => seconds.map(s => m * minute + s * second)), inMinute = seconds.map(s => s * second)
  return function* (days, work) {
    for (const one of days) {
      for (let at = Math.max(first, first + Math.ceil((one * day - first) / step) * step); at < (one + 1) * day; at += step) {
        if (--work.left <= 0) return
        if (!lets(rule.hours, Math.floor(at / hour) % 24)) continue
        if (frequency === 'HOURLY') yield inHour.map(more => at + more)
        else if (!lets(rule.minutes, Math.floor(at / minute) % 60)) continue
        else if (frequency === 'MINUTELY') yield inMinute.map(more => at + more)
        else if (lets(rule.seconds, Math.floor(at / second) % 60)) yield [at]
      }
    }
  }
}
