import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse } from 'yaml'
import * as z from 'zod'
import { type Fault, meant, plain } from './config-faults.ts'
import { isText, namesAt, schemaAt } from './config-schema.ts'

export type Environment = Readonly<Record<string, string | undefined>>

type Path = readonly PropertyKey[]
type Tree = Record<PropertyKey, unknown>

const prefix = 'POSTERN_'

/**
 * Settings from variables: `POSTERN_LISTEN__PORT` is `listen.port`. Two underscores part the levels; case and single
 * underscores do not count; list items are numbered from 0. Answers which variable gave which setting (path joined by dots).
 */
export function override(settings: Tree, environment: Environment): { variables: Map<string, string>; faults: Fault[] } {
  const variables = new Map<string, string>()
  const faults: Fault[] = []
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith(prefix) || value === undefined) continue
    const words = variable.slice(prefix.length).split('__')
    const found = pathOf(words, settings)
    if ('path' in found) {
      put(settings, found.path, scalar(value, found.path))
      variables.set(found.path.join('.'), variable)
    } else if (words.length > 1 || found.meant) {
      // Others are not ours: Kubernetes sets POSTERN_PORT and its like for a service named postern.
      faults.push({ path: [], from: variable, text: `names no setting${found.meant}` })
    }
  }
  return { variables, faults }
}

/** The path that the words of a variable spell; else what may have been meant by the first that is wrong. */
function pathOf(words: readonly string[], settings: Tree): { path: Path } | { meant: string } {
  const path: PropertyKey[] = []
  let here: unknown = settings
  for (const word of words) {
    const schema = schemaAt(path)
    const open = schema instanceof z.ZodRecord
    const names = [...namesAt(path), ...(open && here ? Object.keys(here) : [])]
    const numbered = (schema instanceof z.ZodArray || schema instanceof z.ZodUnion) && /^\d{1,3}$/.test(word)
    const named = names.find(name => plain(name) === plain(word)) ?? (open ? word.toLowerCase() : undefined)
    const key = numbered ? Number(word) : named
    if (key === undefined) return { meant: meant(word, names) }
    path.push(key)
    here = (here as Tree | undefined)?.[key]
  }
  return { path }
}

function put(settings: Tree, path: Path, value: unknown): void {
  let here = settings
  path.slice(0, -1).forEach((key, index) => {
    if (typeof here[key] !== 'object' || here[key] === null) here[key] = typeof path[index + 1] === 'number' ? [] : {}
    here = here[key] as Tree
  })
  here[path.at(-1)!] = value
}

/** Text where text is wanted, else what YAML makes of it. */
function scalar(text: string, path: Path): unknown {
  if (isText(path)) return text
  try {
    return parse(text)
  } catch {
    return text
  }
}

export type Values = {
  /** Where relative paths in `${file:...}` begin. */
  readonly folder: string
  readonly environment: Environment
}

/** The settings with `${env:NAME}` and `${file:PATH}` put in, and without those that were left empty. */
export function fill(value: unknown, source: Values, faults: Fault[], path: Path = []): unknown {
  if (Array.isArray(value)) return value.map((item, index) => fill(item, source, faults, [...path, index]))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]) => [key, fill(item, source, faults, [...path, key])]))
  }
  const [, kind, name] = (typeof value === 'string' && /^\$\{(env|file):([^}]+)\}$/.exec(value)) || []
  if (!name) return value
  try {
    const text = kind === 'env' ? source.environment[name] : readFileSync(resolve(source.folder, name), 'utf8')
    if (text !== undefined) return scalar(text.replace(/\r?\n$/, ''), path)
    faults.push({ path, text: `wants the environment variable ${name}, which is not set` })
  } catch (error) {
    faults.push({ path, text: `wants the file ${name}, which cannot be read (${(error as NodeJS.ErrnoException).code})` })
  }
  return value
}
