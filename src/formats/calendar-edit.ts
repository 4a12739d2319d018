import type { Time, Zone } from '../model/zone.ts'
import {
  componentsOf, escapeText, insert, lineOf, linesOf, replace, rewriteLine, valueOf, writeComponent, writeLine, writeParameter,
  type Component, type Document, type Line, type Parameter,
} from './content-lines.ts'
import { localOf } from './timezone.ts'
import { printDate, printLocal, vtimezoneLines } from './vtimezone-write.ts'

/** What is about the way the old value was written, or about the old value itself. */
const ofValue = new Set(['ENCODING', 'CHARSET', 'ALTREP', 'VALUE', 'TZID'])
/** The others stay. */
const kept = (parameters: readonly Parameter[]): Parameter[] => parameters.filter(({ name }) => !ofValue.has(name))

export type Value = { readonly value: string; readonly parameters?: readonly Parameter[] }

/** The component with a property of one value, in the place of the first that was of its name; undefined takes all of them out. */
export function setProperty(component: Component, name: string, said: Value | undefined, lineEnd: string): Component {
  const [first, ...more] = linesOf(component, name)
  const rest = more.reduce((from, line) => replace(from, line), component)
  if (!said) return first ? replace(rest, first) : rest
  const given = said.parameters ?? []
  if (!first) return insert(rest, writeLine({ label: name, value: said.value, parameters: given }, lineEnd))
  const parameters = [...kept(first.parameters).filter(one => !given.some(({ name }) => name === one.name)), ...given]
  return replace(rest, first, rewriteLine(first, { value: said.value, parameters }, lineEnd))
}

/** A property of TEXT; an empty one is taken out. */
export const setText = (
  component: Component, name: string, text: string, lineEnd: string, parameters: readonly Parameter[] = [],
): Component => setProperty(component, name, text === '' ? undefined : { value: escapeText(text), parameters }, lineEnd)

/** RFC 5545, Text, list: the others of that name are taken out. */
export const setList = (component: Component, name: string, values: readonly string[], lineEnd: string): Component =>
  setProperty(component, name, values.length === 0 ? undefined : { value: values.map(escapeText).join(',') }, lineEnd)

/** RFC 5545, Date-Time: an instant in UTC. */
export const printUtc = (at: number): string => `${printLocal(at)}Z`

/** How a time is to be written: the date alone, in UTC, without a zone, or by the clocks of one, with what names it. */
export type Form = { readonly form: 'date' | 'utc' | 'floating' } | { readonly form: 'zoned'; readonly tzid: Parameter }

/** `at` is an instant, of a date the midnight that begins it in UTC. */
export function timeValue(at: number, zone: Zone, form: Form): Value {
  switch (form.form) {
    case 'date': return { value: printDate(at), parameters: [writeParameter('VALUE', 'DATE')] }
    case 'utc': return { value: printUtc(at) }
    case 'floating': return { value: printLocal(localOf(at, zone)) }
    case 'zoned': return { value: printLocal(localOf(at, zone)), parameters: [form.tzid] }
  }
}

/** The form in which a line has its time. */
export function formOf(line: Line | undefined, { form }: Time): Form {
  const tzid = line?.parameters.find(({ name }) => name === 'TZID')
  if (form !== 'zoned') return { form }
  return tzid ? { form, tzid } : { form: 'floating' }
}

/** The calendar with a VTIMEZONE for a zone, where it has none of that name. */
export function withZone(document: Document, calendar: Component, zone: Zone, instant: number): Document {
  const id = (one: Component): string | undefined => {
    const line = lineOf(one, 'TZID')
    return line && valueOf(line).trim()
  }
  if (componentsOf(calendar, 'VTIMEZONE').some(one => id(one) === zone.name)) return document
  const [first] = calendar.content.filter(one => 'content' in one)
  const made = readComponent(vtimezoneLines(zone, instant), document.lineEnd)
  return first ? replace(document, first, made, first) : replace(document, calendar, insert(calendar, made))
}

/** Lines of `NAME:value`, without folds, that begin and end components. */
export function readComponent(lines: readonly string[], lineEnd: string): Component {
  const open: { name: string; content: (Line | Component)[] }[] = []
  for (const line of lines) {
    const at = line.indexOf(':')
    const label = line.slice(0, at), value = line.slice(at + 1)
    if (label === 'BEGIN') open.push({ name: value, content: [] })
    else if (label !== 'END') open.at(-1)!.content.push(writeLine({ label, value }, lineEnd))
    else {
      const { name, content } = open.pop()!
      const made = writeComponent(name, content, lineEnd)
      if (open.length === 0) return made
      open.at(-1)!.content.push(made)
    }
  }
  throw new TypeError('a component that does not end')
}
