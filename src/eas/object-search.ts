import { Failure } from '../base/failure.ts'
import { digitsOf, folded, searchedMailNote, searchedTexts, type Searched } from '../formats/searched.ts'
import type { Folder, ObjectContent } from '../model/folder.ts'
import type { ObjectRef, ObjectStore, StoredObject } from '../model/ports.ts'
import type { MailQuery } from '../model/query.ts'
import { defaultOptions } from '../state/sync-options.ts'
import type { Node } from '../wire/wbxml.ts'
import type { Call } from './command.ts'
import { contextOf } from './commands/sync-object-commands.ts'
import { leftOut } from './commands/sync-objects-answer.ts'
import { objectsOf } from './folders.ts'
import type { BodyWish } from './map/body.ts'
import { classOf } from './object-classes.ts'
import { outcome } from './outcome.ts'

/** Objects that one search reads, those it asks for at a time, and the milliseconds it takes. */
const mostRead = 20_000, batch = 200, longest = 30_000
/** What was read is remembered for so many seconds, of a folder where it is not more than so many characters. */
const kept = 10 * 60, mostKept = 4 * 1024 * 1024

const order: readonly ObjectContent[] = ['calendar', 'contacts', 'tasks', 'notes']

type Match = { readonly ref: ObjectRef; readonly content: ObjectContent; readonly start: number; readonly title: string }

/**
 * Objects of these folders that match: events, the latest first, then contacts, tasks and notes by their names. Each is read: what RFC 4791
 * and RFC 6352 call text-match sees one property at a time, and Radicale fails at N, ORG and ADR, Xandikos at most others. Throws
 * `too-large` for folders of too many objects, `busy` where it takes too long.
 */
export async function searchObjects(call: Call, folders: readonly Folder[], query: MailQuery): Promise<ObjectRef[]> {
  if (folders.length === 0) return []
  const store = objectsOf(call.stores.objects), reading = { read: 0, until: performance.now() + longest }
  const matches: Match[] = []
  for (const folder of folders) {
    const content = folder.content as ObjectContent
    await eachOf({ call, store, folder, reading }, (name, texts) => {
      if (holds(query, texts) !== true) return
      matches.push({ ref: { folder: folder.id, name }, content, start: texts.start, title: texts.subject.slice(0, 100) })
    })
  }
  return matches.sort(inOrder).map(({ ref }) => ref)
}

const inOrder = (a: Match, b: Match): number =>
  order.indexOf(a.content) - order.indexOf(b.content) || b.start - a.start || a.title.localeCompare(b.title)

type Look = { readonly call: Call; readonly store: ObjectStore; readonly folder: Folder; readonly reading: { read: number; readonly until: number } }
type Known = { readonly token: string; readonly texts: ReadonlyMap<string, Searched> }

/** Hands over what is in a folder. One search is often followed by another: then what has not changed is not read again. */
async function eachOf(look: Look, hand: (name: string, texts: Searched) => void): Promise<void> {
  const { call, store, folder, reading } = look
  const slot = `searched:${call.stores.person.account}:${folder.id}`
  const known = call.cache.get<Known>(slot)
  const now = await outcome(store.changes(folder.id, known?.token))
  if (now instanceof Failure) {
    if (now.kind === 'not-found') return
    if (now.kind !== 'stale' || !known) throw now
    call.cache.delete(slot)
    return eachOf(look, hand)
  }
  const names = now.present.map(({ name }) => name), texts = new Map(known?.texts)
  if ((reading.read += names.length) > mostRead) throw new Failure('too-large', 'a search in folders of too many objects')
  for (const name of [...now.gone, ...names]) texts.delete(name)
  let size = 0
  for (const [name, one] of texts) {
    size += sizeOf(one)
    hand(name, one)
  }
  for (let at = 0; at < names.length; at += batch) {
    if (performance.now() > reading.until || call.client.signal.aborted) throw new Failure('busy', 'a search that takes too long')
    for (const object of await store.objects(folder.id, names.slice(at, at + batch))) {
      const one = textsOf(call, folder, object)
      if (!one) continue
      hand(object.name, one)
      if ((size += sizeOf(one)) <= mostKept) texts.set(object.name, one)
    }
  }
  if (size <= mostKept) call.cache.set(slot, { token: now.token, texts } satisfies Known, { seconds: kept, size })
}

/** Characters, and what an entry takes beside them. */
const sizeOf = ({ subject, body, from, to, rest, numbers }: Searched): number =>
  subject.length + body.length + from.length + to.length + rest.length + 20 * numbers.length + 300

function textsOf(call: Call, { id, content, mailbox }: Folder, { name, octets }: StoredObject): Searched | undefined {
  try {
    return mailbox === undefined ? searchedTexts(octets, content as ObjectContent) : searchedMailNote(octets)
  } catch (error) {
    return leftOut(call, id, name, error)
  }
}

/** Undefined for what is said of mail only: neither that nor its contrary is so of an object. */
function holds(query: MailQuery, texts: Searched): boolean | undefined {
  switch (query.kind) {
    case 'and': case 'or': {
      const all = query.of.map(one => holds(one, texts)), decisive = query.kind === 'or'
      return all.includes(decisive) ? decisive : all.includes(undefined) ? undefined : !decisive
    }
    case 'not': {
      const of = holds(query.of, texts)
      return of === undefined ? undefined : !of
    }
    case 'text': return isIn(texts, query.text)
    case 'body': return texts.body.includes(folded(query.text))
    case 'field': return query.field === 'subject' || query.field === 'from' || query.field === 'to' ? texts[query.field].includes(folded(query.text)) : undefined
    case 'attachment': return texts.hasFiles
    default: return undefined
  }
}

function isIn({ subject, body, from, to, rest, numbers }: Searched, text: string): boolean {
  const wanted = folded(text)
  return [subject, rest, body, from, to].some(one => one.includes(wanted)) || isNumberOf(numbers, text)
}

/** However a number is written: with blanks, hyphens, or for callers from the same country. */
function isNumberOf(numbers: readonly string[], text: string): boolean {
  const digits = /^[\d\s+()/.-]+$/.test(text) ? digitsOf(text).replace(/^0{1,2}/, '') : ''
  return digits.length >= 3 && numbers.some(number => number.includes(digits))
}

export type ObjectHit = { readonly ref: ObjectRef; readonly folder: Folder; readonly object: StoredObject }

/** Those that are still there. */
export async function existingObjects(store: ObjectStore, refs: readonly ObjectRef[]): Promise<ObjectHit[]> {
  const hits: ObjectHit[] = []
  for (const id of new Set(refs.map(({ folder }) => folder))) {
    const of = refs.filter(({ folder }) => folder === id)
    const found = await outcome(Promise.all([store.folder(id), store.objects(id, of.map(({ name }) => name))]))
    if (found instanceof Failure && found.kind !== 'not-found') throw found
    if (found instanceof Failure) continue
    const [folder, objects] = found
    const there = new Map(objects.map(object => [object.name, object]))
    hits.push(...of.flatMap(ref => there.has(ref.name) ? [{ ref, folder, object: there.get(ref.name)! }] : []))
  }
  return hits
}

/** As Sync would tell it; undefined for what cannot be understood, and what the folder does not show. */
export function sayHit(call: Call, { folder, object }: ObjectHit, { bodies }: BodyWish): readonly Node[] | undefined {
  try {
    const context = contextOf(call, { options: { ...defaultOptions, bodies }, supported: undefined, folder }, object.name)
    return classOf(folder).say(object.octets, context)
  } catch (error) {
    return leftOut(call, folder.id, object.name, error)
  }
}
