import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { versions, type Version } from '../../src/eas/versions.ts'
import type { NamedTest } from '../support/named-tests.ts'
import type { Schema } from './schema.ts'
import type { Seen } from './validate.ts'

export const states = ['shown', 'reasoned', 'open'] as const
export type State = (typeof states)[number]

/** What shows a requirement: a test, or that the answers of a whole run have an element (of one version) where the schema has it. */
export type Reference =
  | { readonly kind: 'test'; readonly test: NamedTest }
  | { readonly kind: 'schema'; readonly path: string; readonly version?: Version; readonly absent: boolean }

/** A requirement by its id in Microsoft's requirement sheets. */
export type Row = { readonly id: string; readonly state: State; readonly by: string; readonly references: readonly Reference[] }
export type Table = { readonly document: string; readonly rows: readonly Row[] }

const folder = dirname(fileURLToPath(import.meta.url))

/** All tables of this folder. Throws for a line that is none. */
export const readTables = (): Table[] => globSync('*.tsv', { cwd: folder }).sort().map(file =>
  ({ document: basename(file, '.tsv'), rows: readTable(file, readFileSync(join(folder, file), 'utf8')) }))

export function readTable(file: string, text: string): Row[] {
  const [head, ...lines] = text.trimEnd().split('\n')
  if (head !== 'id\tstate\tby') throw new Error(`${file}: begins with ${head}`)
  return lines.map((line, index) => {
    const [id = '', state, by = '', ...rest] = line.split('\t')
    const known = states.find(one => one === state)
    if (!/^[\w-]+$/.test(id) || !known || by.trim() === '' || rest.length > 0) throw new Error(`${file}:${index + 2}: ${line}`)
    return { id, state: known, by, references: known === 'shown' ? by.split(' ; ').map(one => reference(`${file}:${index + 2}`, one.trim())) : [] }
  })
}

function reference(at: string, said: string): Reference {
  if (!said.startsWith('schema ')) {
    const [file = '', ...title] = said.split(' > ')
    if (title.length === 0) throw new Error(`${at}: ${said} names no test`)
    return { kind: 'test', test: [file, title.join(' > ')] }
  }
  const [, path = '', , absent, version] = /^schema (\S+)( (not )?in (\S+))?$/.exec(said) ?? []
  if (path === '' || (version && !versions.includes(version as Version))) throw new Error(`${at}: ${said}`)
  return { kind: 'schema', path, absent: absent !== undefined, ...(version ? { version: version as Version } : {}) }
}

/** What is wrong with a reference to the schema; undefined where nothing is. */
export function schemaFault({ paths }: Schema, { path, version, absent }: Extract<Reference, { kind: 'schema' }>): string | undefined {
  const found = paths.get(path)
  if (!found) return `the schema has no ${path}`
  if (version && found.some(one => one.versions.has(version)) === absent) return `the schema has ${path} ${absent ? '' : 'not '}in ${version}`
  return undefined
}

/** Whether answers were seen that show it: of what is not there, whether there was one where it would stand in another version. */
export function wasSeen({ paths }: Schema, seen: Seen, { path, version, absent }: Extract<Reference, { kind: 'schema' }>): boolean {
  let at = path
  while (absent && version && at.includes('/') && !paths.get(at)?.some(one => one.versions.has(version))) at = at.slice(0, at.lastIndexOf('/'))
  const among = seen.get(at)
  return version ? among?.has(version) === true : among !== undefined
}
