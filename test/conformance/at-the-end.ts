import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { TestCase, TestModule, TestProject } from 'vitest/node'
import type { Version } from '../../src/eas/versions.ts'
import { decode } from '../../src/wire/wbxml.ts'
import { recordings } from '../support/record.ts'
import { readSchema, type Schema } from './schema.ts'
import { readTables, states, wasSeen, type Reference, type Table } from './tables.ts'
import { validate, type Seen } from './validate.ts'

// Vitest's global set-up: when all tests are done, their answers are held against the schema, and the tables against what ran.

export function setup(project: TestProject): () => void {
  return () => {
    const seen: Seen = new Map()
    const schema = readSchema()
    const { read, faults } = checkAnswers(recordings(), schema, seen)
    if (read) console.log(`${read} recorded answers held against the schema${faults.length ? `, ${faults.length} faults` : ', no fault'}.`)
    const modules = project.vitest.state.getTestModules()
    const tables = readTables()
    // Of some files alone nobody expects what the whole run shows.
    if (isWhole(modules) && !project.vitest.config.testNamePattern) faults.push(...checkTables(tables, modules, schema, seen))
    console.log(counts(tables))
    if (faults.length) throw new Error(`not as the documents have it:\n${faults.slice(0, 50).join('\n')}`)
  }
}

/** Every recorded answer against the schema: a line for each fault, with the first answer that has it. */
export function checkAnswers(folder: string | undefined, schema: Schema, seen: Seen): { read: number; faults: string[] } {
  const files = folder ? globSync('*/*.wbxml', { cwd: folder }).sort() : []
  const faults = new Map<string, string>()
  for (const file of files) {
    const [kind = ''] = file.split('/'), at = kind.lastIndexOf('-')
    const version = kind.slice(at + 1) as Version
    for (const fault of validate(schema, kind.slice(0, at), version, decode(readFileSync(join(folder!, file))), seen)) {
      const line = `${fault} (${version})`
      if (!faults.has(line)) faults.set(line, file)
    }
  }
  return { read: files.length, faults: [...faults].map(([fault, file]) => `${fault}: ${file}`) }
}

const root = (module: TestModule): string => relative(join(module.project.config.root, 'test'), module.moduleId)

const isWhole = (modules: readonly TestModule[]): boolean => {
  const ran = new Set(modules.map(root))
  return globSync('**/*.test.ts', { cwd: 'test' }).every(file => ran.has(file))
}

/** A line for each reference that this run does not bear out. */
export function checkTables(tables: readonly Table[], modules: readonly TestModule[], schema: Schema, seen: Seen): string[] {
  const titles = new Map(modules.map(module => [root(module), passedTitles(module)]))
  const references = new Map<string, { readonly id: string; readonly one: Reference }>()
  for (const { document, rows } of tables) for (const { id, references: own } of rows) for (const one of own) {
    const key = JSON.stringify(one)
    if (!references.has(key)) references.set(key, { id: `${document} ${id}`, one })
  }
  return [...references.values()].flatMap(({ id, one }) => {
    if (one.kind === 'schema') return wasSeen(schema, seen, one) ? [] : `${id}: no recorded answer has ${one.path} ${one.version ?? ''}`
    const [file, title] = one.test
    const begins = pattern(title)
    return titles.get(file)?.some(passed => begins.test(passed)) ? [] : `${id}: no test of ${file} that passed begins with ${title}`
  })
}

/** What the file says of a title becomes what the run says: `%s` and `$name` are any text. */
const pattern = (title: string): RegExp =>
  new RegExp(`^${title.replace(/[.*+?^{}()|[\]\\]/g, '\\$&').replace(/%[a-z#]|\$[\w.]+/gi, '.*')}`, 's')

/** Titles of tests that passed, and of what they stand in. */
function passedTitles(module: TestModule): string[] {
  const titles = new Set<string>()
  for (const test of module.children.allTests('passed')) {
    titles.add(test.name)
    for (let at: TestCase['parent'] = test.parent; at.type === 'suite'; at = at.parent) titles.add(at.name)
  }
  return [...titles]
}

function counts(tables: readonly Table[]): string {
  const lines = tables.map(({ document, rows }) =>
    `  ${document.padEnd(10)}${states.map(state => `${rows.filter(row => row.state === state).length} ${state}`.padStart(16)).join('')}`)
  return ['Requirements of the documents:', ...lines].join('\n')
}
