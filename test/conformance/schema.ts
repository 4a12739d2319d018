import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { versions, type Version } from '../../src/eas/versions.ts'
import { codes } from '../../src/wire/wbxml-pages.ts'
import { typeOf, type Kind } from './types.ts'

/** How children of a container stand: in any order, in the order they are listed, or one kind of them alone. */
export type Order = 'all' | 'seq' | 'choice'
/** An element as the documents describe it, where it may stand. `most` is Infinity where nothing limits it. */
export type Described = {
  readonly tag: string
  readonly least: number
  readonly most: number
  readonly versions: ReadonlySet<Version>
  /** From the root, tags joined by slashes. */
  readonly path: string
  readonly content: { readonly order: Order; readonly children: readonly Described[] } | { readonly kind: Kind }
}

/** What is answered to commands: the descriptions of roots, by command. */
export type Schema = { readonly answers: ReadonlyMap<string, Described>; readonly paths: ReadonlyMap<string, readonly Described[]> }

type Line = { readonly at: string; readonly words: readonly string[]; readonly range: string | undefined; readonly below: Line[] }

const folder = join(dirname(fileURLToPath(import.meta.url)), 'schema')

/** All files of `schema/`, whose notation `schema/README.md` explains. Throws where they say what makes no sense. */
export function readSchema(texts: ReadonlyMap<string, string> = files()): Schema {
  const top = [...texts].flatMap(([name, text]) => indented(name, text))
  const groups = new Map(top.filter(({ words }) => words[0] === 'group').map(line => [line.words[1]!, line.below]))
  const answers = new Map<string, Described>()
  for (const line of top.filter(({ words }) => words[0] !== 'group')) {
    const [command = '', word, tag = '', ...type] = line.words
    if (word !== 'answers' || answers.has(command)) throw new Error(`${line.at}: neither a new answer nor a group`)
    answers.set(command, described({ ...line, words: [tag, '1', ...type] }, undefined, groups))
  }
  const paths = new Map<string, Described[]>()
  const collect = (one: Described): void => {
    paths.set(one.path, [...paths.get(one.path) ?? [], one])
    if ('children' in one.content) one.content.children.forEach(collect)
  }
  for (const root of answers.values()) collect(root)
  return { answers, paths }
}

const files = (): ReadonlyMap<string, string> =>
  new Map(globSync('*.txt', { cwd: folder }).sort().map(name => [name, readFileSync(join(folder, name), 'utf8')]))

function indented(name: string, text: string): Line[] {
  const top: Line[] = []
  const open: { readonly depth: number; readonly below: Line[] }[] = [{ depth: -1, below: top }]
  for (const [index, row] of text.split('\n').entries()) {
    const said = row.replace(/(^|\s)#.*/, '')
    if (said.trim() === '') continue
    const depth = said.search(/\S/), words = said.trim().split(/\s+/)
    const range = words.at(-1)!.startsWith('@') ? words.pop()!.slice(1) : undefined
    while (open.at(-1)!.depth >= depth) open.pop()
    const line = { at: `${name}:${index + 1}`, words, range, below: [] }
    open.at(-1)!.below.push(line)
    open.push({ depth, below: line.below })
  }
  return top
}

type Parent = { readonly space: string; readonly path: string; readonly versions: ReadonlySet<Version> }
type Groups = ReadonlyMap<string, readonly Line[]>

function described(line: Line, parent: Parent | undefined, groups: Groups): Described {
  const { at, words: [name = '', times = '', ...type] } = line
  const tag = name.includes(':') ? name : `${parent?.space}:${name}`
  if (!codes.has(tag)) throw new Error(`${at}: no code page has ${tag}`)
  const [least, most] = cardinality(at, times)
  const path = parent ? `${parent.path}/${tag}` : tag
  const own = { space: tag.slice(0, tag.indexOf(':')), path, versions: within(line, parent) }
  const [order] = type
  const container = order === undefined || order === 'all' || order === 'seq' || order === 'choice'
  if (!container && line.below.length > 0) throw new Error(`${at}: ${tag} is no container`)
  const content = container
    ? { order: (order ?? 'all') as Order, children: line.below.flatMap(one => inside(one, own, groups)) }
    : { kind: typeOf(at, type) }
  return { tag, least, most, versions: own.versions, path, content }
}

/** A line is an element or stands for those of a group. */
function inside(line: Line, parent: Parent, groups: Groups): Described[] {
  const [name = ''] = line.words
  if (!name.startsWith('+')) return [described(line, parent, groups)]
  const group = groups.get(name.slice(1))
  if (!group) throw new Error(`${line.at}: no group of that name`)
  const narrowed = { ...parent, versions: within(line, parent) }
  return group.flatMap(one => inside(one, narrowed, groups))
}

function cardinality(at: string, times: string): readonly [least: number, most: number] {
  const known = { 1: [1, 1], '?': [0, 1], '*': [0, Infinity], '+': [1, Infinity] } as const
  const [, least, most] = /^(\d+)-(\d+)$/.exec(times) ?? []
  if (least && most) return [Number(least), Number(most)]
  if (!(times in known)) throw new Error(`${at}: ${times} is no number of elements`)
  return known[times as keyof typeof known]
}

/** `14.1`, `14.1-`, `-12.1`, `12.0-14.0`: those of the parent within these. */
function within({ at, range }: Line, parent: Parent | undefined): ReadonlySet<Version> {
  const all = parent ? versions.filter(version => parent.versions.has(version)) : versions
  if (range === undefined) return new Set(all)
  const [first = '', last] = range.split('-')
  const from = first ? versions.indexOf(first as Version) : 0
  const to = last === undefined ? from : last ? versions.indexOf(last as Version) : versions.length - 1
  if (from < 0 || to < from) throw new Error(`${at}: ${range} is no range of versions`)
  return new Set(all.filter(version => versions.indexOf(version) >= from && versions.indexOf(version) <= to))
}
