import type * as z from 'zod'
import { namesAt } from './config-schema.ts'

/** One thing that is wrong with the configuration: a setting and what is to be said about it. */
export type Fault = {
  readonly path: readonly PropertyKey[]
  readonly text: string
  /** The environment variable, where it is not the file that is wrong. */
  readonly from?: string
}

/** What a setting that must be there is for, by its name. */
const hints: Readonly<Record<string, string>> = {
  secret: 'It signs what phones keep for us and is the same in every process, always; make one with: openssl rand -base64 32',
  backends: 'It lists the mail servers; see examples/postern.yaml',
}

const kinds: Readonly<Record<string, string>> = {
  string: 'text', int: 'a whole number', number: 'a number', boolean: 'true or false',
  object: 'a group of settings', record: 'a group of settings', array: 'a list',
}

/** The sentences about a zod issue, which must carry its input. Values are shown only where they cannot be secrets. */
export function faultsOf(issue: z.core.$ZodIssue): Fault[] {
  const { path, input } = issue
  const fault = (text: string) => [{ path, text }]
  const hint = hints[String(path.at(-1))]
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map(key => ({ path: [...path, key], text: `is not a setting${meant(key, namesAt(path))}` }))
    case 'invalid_type': {
      const kind = kinds[issue.expected] ?? issue.expected
      if (input === undefined) return fault(`is missing. ${hint ?? `It must be ${kind}`}`)
      return fault(`must be ${kind}, but is ${kindOf(input)}${kind === 'text' && !isGroup(input) ? '; put it in quotes' : ''}`)
    }
    case 'invalid_value': {
      const values = issue.values.map(String)
      const help = typeof input === 'number' ? '; put it in quotes' : meant(String(input), values)
      return fault(`must be one of ${values.join(', ')}, but is ${JSON.stringify(input)}${help}`)
    }
    case 'too_small':
      if (issue.origin === 'array' || issue.minimum === 1 && issue.origin === 'string') return fault('must not be empty')
      if (issue.origin === 'string') return fault(`must have at least ${issue.minimum} characters${hint ? `. ${hint}` : ''}`)
      return fault(`must be at least ${issue.minimum}, but is ${String(input)}`)
    case 'too_big':
      return fault(`must be at most ${issue.maximum}, but is ${String(input)}`)
    default:
      return fault(issue.message)
  }
}

/** `; did you mean ...?` when one of the names is close to what was written. */
export function meant(word: string, names: readonly string[]): string {
  const close = names
    .map(name => ({ name, away: distance(plain(word), plain(name)) }))
    .filter(({ name, away }) => away <= Math.max(1, name.length / 3))
    .sort((a, b) => a.away - b.away)[0]
  return close ? `; did you mean "${close.name}"?` : ''
}

/** Names are alike when their letters and digits are: `ping_folders`, `PING-FOLDERS` and `pingFolders`. */
export const plain = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}*]/gu, '')

const isGroup = (value: unknown): boolean => typeof value === 'object'

const kindOf = (value: unknown): string =>
  value === null ? 'empty' : Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'a group of settings'
    : typeof value === 'string' ? 'text' : typeof value === 'number' ? 'a number' : 'true or false'

/** Letters to change, add or drop to come from one word to the other; two neighbours swapped count as one (Damerau). */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const at = (i: number, j: number) => rows[i]![j]!
  for (let i = 1; i <= a.length; i++) {
    rows.push([i])
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      rows[i]!.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
        swapped ? at(i - 2, j - 2) + 1 : Infinity))
    }
  }
  return at(a.length, b.length)
}
