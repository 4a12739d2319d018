import { Failure } from '../base/failure.ts'

/** One content line: name and parameter names in upper case, the value as it stands. */
export type Property = { readonly name: string; readonly parameters: Readonly<Record<string, string>>; readonly value: string }
export type Component = {
  readonly name: string
  readonly properties: readonly Property[]
  readonly components: readonly Component[]
}

/** What is looked at of one object; real invitations stay below 100 KB and a few hundred lines. */
const most = { characters: 1024 * 1024, lines: 20_000, depth: 10 }

// RFC 5545, Content Lines: a quoted parameter value may hold what ends the others
const contentLine = /^([\w-]{1,100})((?:;[^:";]*(?:"[^"]*"[^:";]*)*)*):([^]*)$/
const parameter = /;\s*([\w-]{1,100})=((?:[^;"]|"[^"]*"?)*)/g

/**
 * RFC 5545, iCalendar Object Specification. A line that is none is left out, a component that does not end ends with its
 * parent. Throws `malformed` where there is no VCALENDAR at all.
 */
export function parseCalendar(text: string): Component {
  const lines = text.slice(0, most.characters).replace(/\r\n?|\n/g, '\n').replace(/\n[ \t]/g, '').split('\n', most.lines)
  const root: Open = { name: '', properties: [], components: [] }
  const open: Open[] = [root]
  for (const line of lines) {
    const property = parseLine(line)
    if (!property) continue
    const name = property.value.trim().toUpperCase()
    if (property.name === 'BEGIN') {
      const component: Open = { name, properties: [], components: [] }
      open.at(-1)!.components.push(component)
      if (open.push(component) > most.depth) throw new Failure('malformed', 'components nested too deep')
    } else if (property.name === 'END') {
      const at = open.findLastIndex(one => one.name === name)
      if (at > 0) open.length = at
    } else open.at(-1)!.properties.push(property)
  }
  const calendar = root.components.find(one => one.name === 'VCALENDAR')
  if (!calendar) throw new Failure('malformed', 'no iCalendar object')
  return calendar
}

type Open = { readonly name: string; readonly properties: Property[]; readonly components: Open[] }

function parseLine(line: string): Property | undefined {
  const match = contentLine.exec(line)
  if (!match) return undefined
  const parameters = [...match[2]!.matchAll(parameter)].map(([, name, value]) =>
    [name!.toUpperCase(), value!.replaceAll('"', '').trim()] as const)
  return { name: match[1]!.toUpperCase(), parameters: Object.fromEntries(parameters.reverse()), value: match[3]! }
}

/** The first property of that name. */
export const property = (component: Component, name: string): Property | undefined =>
  component.properties.find(one => one.name === name)

/** Its value where it is a text. */
export function textValue(component: Component, name: string): string | undefined {
  const found = property(component, name)
  return found && unescapeText(found.value)
}

// RFC 5545, Text
export const unescapeText = (value: string): string =>
  value.replace(/\\([^])/g, (_, one: string) => one === 'n' || one === 'N' ? '\n' : one)

/** A date, with or without a time of day, as its numerals say: milliseconds as if the place were at UTC. */
export type Numerals = { readonly local: number; readonly utc: boolean; readonly dateOnly: boolean }

// RFC 5545, Date-Time; hyphens and colons are of programs that confuse it with ISO 8601
const dateTime = /^(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d):?(\d\d)?(?:\.\d+)?(Z?))?$/i

export function parseDateTime(value: string): Numerals | undefined {
  const match = dateTime.exec(value.trim())
  if (!match) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(digits => Number(digits ?? 0))
  if (month! < 1 || month! > 12 || day! < 1 || day! > 31 || hour! > 24 || minute! > 59 || second! > 60) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year!, month! - 1, day!)
  // The 30th of February is not the 2nd of March.
  if (date.getUTCDate() !== day) return undefined
  date.setUTCHours(hour!, minute, second)
  return { local: date.getTime(), utc: match[7] !== undefined && match[7] !== '', dateOnly: match[4] === undefined }
}

// RFC 5545, Duration
const duration = /^([+-]?)P(?:(\d{1,5})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?$/i

/** In milliseconds. */
export function parseDuration(value: string): number | undefined {
  const match = duration.exec(value.trim())
  if (!match || match.slice(2).every(digits => digits === undefined)) return undefined
  const [weeks, days, hours, minutes, seconds] = match.slice(2).map(digits => Number(digits ?? 0))
  const length = ((((weeks! * 7 + days!) * 24 + hours!) * 60 + minutes!) * 60 + seconds!) * 1000
  return match[1] === '-' ? -length : length
}

/** RFC 5545, Recurrence Rule: its parts, names and values in upper case. */
export type Rule = Readonly<Record<string, string>>

export const parseRule = (value: string): Rule => Object.fromEntries(value.toUpperCase().split(';', 50).flatMap(part => {
  const at = part.indexOf('=')
  return at > 0 ? [[part.slice(0, at).trim(), part.slice(at + 1).trim()]] : []
}))
