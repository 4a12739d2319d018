import { Failure } from '../../base/failure.ts'
import { noYear, validDay } from '../../formats/contact-read.ts'
import { parseDateTime } from '../../formats/icalendar.ts'
import type { DayOfYear } from '../../model/contact.ts'

/**
 * [MS-ASCNTC] Birthday, Anniversary: an instant that stands for a day. Clients differ in the time of day they expect, and in whether
 * they send the numerals of the day or the instant at which it begins where they are (seen 2026-11, other servers' code and reports).
 */
const clients: { readonly [name: string]: { readonly time: string; readonly sends: 'numerals' | 'midnight' } } = {
  Android: { time: '08:00:00', sends: 'numerals' },
  Gmail: { time: '08:00:00', sends: 'numerals' },
  'Samsung Email': { time: '00:00:00', sends: 'numerals' },
  'Windows Phone': { time: '00:00:00', sends: 'numerals' },
  BlackBerry: { time: '11:00:00', sends: 'numerals' },
}

/** Within this day nearly everywhere on earth, which suits all that make a local time of it. */
const others = { time: '11:59:00', sends: 'midnight' } as const

const ruleOf = (client: string | undefined): { readonly time: string; readonly sends: string } =>
  client !== undefined && Object.hasOwn(clients, client) ? clients[client]! : others

const digits = (number: number, length = 2): string => String(number).padStart(length, '0')

/** The day as that client expects it. One without a year is in the year that stands for none with Apple. */
export const sayDay = ({ year, month, day }: DayOfYear, client: string | undefined): string =>
  `${digits(year ?? noYear, 4)}-${digits(month)}-${digits(day)}T${ruleOf(client).time}.000Z`

/**
 * The day that client means. Where it sends midnight at its place, that is before noon of the day before, east of Greenwich: a day
 * begins at the midnight that is nearest. Throws `malformed`.
 */
export function hearDay(value: string, client: string | undefined): DayOfYear {
  const numerals = parseDateTime(value)
  if (!numerals) throw new Failure('malformed', 'a day that is none')
  const noon = 12 * 3600 * 1000
  const shift = !numerals.dateOnly && ruleOf(client).sends === 'midnight' ? noon : 0
  const date = new Date(numerals.local + shift)
  const year = date.getUTCFullYear()
  const day = validDay({ year: year === noYear ? undefined : year, month: date.getUTCMonth() + 1, day: date.getUTCDate() })
  if (!day) throw new Failure('malformed', 'a day that is none')
  return day
}
