import type { RuleParts } from '../model/event.ts'
import { weekdays } from './recurrence-rule.ts'

/** A series as MAPI has it. Times are numerals of its zone, in milliseconds as if at UTC. */
export type TnefSeries = {
  /** Without UNTIL, which is `last`: the start of the last one. */
  readonly rule: RuleParts
  readonly last: number | undefined
  /** Starts that are left out. */
  readonly deleted: readonly number[]
  readonly moved: readonly { readonly original: number; readonly start: number; readonly end: number }[]
}

const minute = 60_000, day = 24 * 60
const most = 2000
/** Minutes are counted from 1601 on. */
const begin = Date.UTC(1601, 0, 1)
const local = (minutes: number): number => begin + minutes * minute

const daily = 0x200a, yearly = 0x200d, monthly = 0x200c
const pattern = { day: 0, week: 1, month: 2, monthNth: 3, monthEnd: 4 } as const
const ends = { date: 0x2021, count: 0x2022 } as const
const gregorian = new Set([0, 1])

/** [MS-OXOCAL] AppointmentRecurrencePattern. Undefined for what breaks off, and for what is of another calendar or form. */
export function readTnefSeries(data: Buffer): TnefSeries | undefined {
  try {
    return read(new Input(data))
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function read(input: Input): TnefSeries | undefined {
  input.skip(4)
  const frequency = input.short(), type = input.short(), calendar = input.short()
  input.skip(4)
  const period = input.long()
  input.skip(4)
  const days = type === pattern.day ? 0 : input.long()
  const nth = type === pattern.monthNth ? input.long() : 0
  const end = input.long(), count = input.long(), first = input.long()
  const deleted = input.list()
  input.list()
  const start = input.long(), last = input.long()
  input.skip(8)
  const time = input.long()
  input.skip(4)
  const shape = gregorian.has(calendar) ? shapeOf({ frequency, type, period, days, nth, first, month: new Date(local(start)).getUTCMonth() + 1 }) : undefined
  if (!shape) return undefined
  const moved = Array.from({ length: Math.min(input.short(), most) }, () => exceptionOf(input))
  const originals = new Set(moved.map(({ original }) => Math.floor((original - begin) / minute / day) * day))
  return {
    rule: { ...shape, ...(end === ends.count ? { COUNT: String(count) } : {}) },
    last: end === ends.date ? local(last + time) : undefined,
    // What was changed stands among what is left out, too.
    deleted: deleted.filter(at => !originals.has(at)).map(at => local(at + time)), moved,
  }
}

type Shape = { readonly frequency: number; readonly type: number; readonly period: number; readonly days: number; readonly nth: number; readonly first: number; readonly month: number }

/** [MS-OXOCAL] RecurrencePattern, PatternTypeSpecific. */
function shapeOf({ frequency, type, period, days, nth, first, month }: Shape): RuleParts | undefined {
  if (period < 1 || frequency < daily || frequency > yearly) return undefined
  const named = weekdays.filter((_, index) => days >> index & 1)
  const isYearly = frequency === yearly && period % 12 === 0
  const months: RuleParts = isYearly ? { FREQ: 'YEARLY', INTERVAL: String(period / 12), BYMONTH: String(month) } : { FREQ: 'MONTHLY', INTERVAL: String(period) }
  const isMonths = frequency === monthly || frequency === yearly
  switch (type) {
    case pattern.day: return period % day === 0 ? { FREQ: 'DAILY', INTERVAL: String(period / day) } : undefined
    case pattern.week:
      return named.length === 0 ? undefined : { FREQ: 'WEEKLY', INTERVAL: String(period), BYDAY: named.join(','), ...(weekdays[first] ? { WKST: weekdays[first] } : {}) }
    // Of shorter months the last day is meant.
    case pattern.month: return isMonths && days >= 1 && days <= 31 ? { ...months, BYMONTHDAY: days === 31 ? '-1' : String(days) } : undefined
    case pattern.monthEnd: return isMonths ? { ...months, BYMONTHDAY: '-1' } : undefined
    case pattern.monthNth: {
      if (!isMonths || named.length === 0 || nth < 1 || nth > 5) return undefined
      const which = nth === 5 ? '-1' : String(nth)
      return named.length === 1 ? { ...months, BYDAY: `${which}${named[0]}` } : { ...months, BYDAY: named.join(','), BYSETPOS: which }
    }
    default: return undefined
  }
}

/** [MS-OXOCAL] ExceptionInfo, OverrideFlags: octets of what is said besides the times; subject and place have their length before them. */
const subject = 0x01, place = 0x10
const fixed = [0x02, 0x04, 0x08, 0x20, 0x40, 0x80, 0x100]

function exceptionOf(input: Input): TnefSeries['moved'][number] {
  const [start, end, original] = [input.long(), input.long(), input.long()].map(local)
  const flags = input.short()
  for (let bit = 1; bit <= 0x100; bit <<= 1) {
    if (!(flags & bit)) continue
    if (bit === subject || bit === place) {
      input.skip(2)
      input.skip(input.short())
    } else if (fixed.includes(bit)) input.skip(4)
  }
  return { start: start!, end: end!, original: original! }
}

/** Little-endian numbers; throws RangeError where it ends. */
class Input {
  #at = 0
  readonly #data: Buffer

  constructor(data: Buffer) {
    this.#data = data
  }

  skip(octets: number): void {
    this.#at += octets
  }

  short(): number {
    this.#at += 2
    return this.#data.readUInt16LE(this.#at - 2)
  }

  long(): number {
    this.#at += 4
    return this.#data.readUInt32LE(this.#at - 4)
  }

  list(): number[] {
    const count = this.long()
    if (count > most) throw new RangeError('too many')
    return Array.from({ length: count }, () => this.long())
  }
}
