import { Failure } from '../../base/failure.ts'
import type { MailQuery } from '../../model/query.ts'
import { child, children, text, type Element } from '../../wire/wbxml.ts'
import { noBody, readWish } from '../body-wish.ts'
import { readConversationId } from '../conversations.ts'
import { readRows, type Rows } from '../found.ts'
import { parseKql } from '../kql.ts'
import type { BodyWish } from '../map/body.ts'

/** A search of mailboxes. */
export type MailboxSearch = {
  readonly query: MailQuery
  readonly conversation: Uint8Array | undefined
  readonly folders: readonly string[]
  readonly classes: readonly string[]
  readonly deep: boolean
  readonly rebuild: boolean
  readonly rows: Rows | undefined
  readonly wish: BodyWish
}

/** Operators within each other. */
const deepest = 4

const tooComplex = (what: string): Failure => new Failure('too-large', `a search that is too complex: ${what}`)
const malformed = (what: string): Failure => new Failure('malformed', `a search that is none: ${what}`)

/**
 * [MS-ASCMD] Query (Search), Options (Search). Throws `malformed` for what breaks the protocol, `too-large` for what the protocol calls
 * too complex: an element outside of And.
 */
export function readMailboxSearch(store: Element, now: Date): MailboxSearch {
  const query = child(store, 'Search:Query'), options = child(store, 'Search:Options')
  if (!query) throw malformed('no Query')
  const [top, ...more] = query.children
  if (!top) throw malformed(query.text ? 'a Query of text' : 'an empty Query')
  if (more.length > 0 || (top.tag !== 'Search:And' && top.tag !== 'Search:Or')) throw tooComplex('Query wants one And')
  const conversations = children(top, 'Search:ConversationId')
  if (conversations.length > 1) throw malformed('two ConversationIds')
  const asked = readOperator(top, now, 0)
  if (!asked && conversations.length === 0) throw malformed('nothing to search for')
  return {
    query: asked ?? { kind: 'and', of: [] },
    conversation: conversations[0] && readConversationId(conversations[0]),
    folders: children(top, 'AirSync:CollectionId').map(one => one.text),
    classes: children(top, 'AirSync:Class').map(one => one.text),
    deep: Boolean(options && child(options, 'Search:DeepTraversal')),
    rebuild: Boolean(options && child(options, 'Search:RebuildResults')),
    rows: readRows(options && text(options, 'Search:Range')),
    wish: options && wantsBody(options) ? readWish(options) : noBody(),
  }
}

const wantsBody = (options: Element): boolean =>
  options.children.some(({ tag }) => bodyOptions.includes(tag))

const bodyOptions: readonly string[] = ['AirSyncBase:BodyPreference', 'AirSyncBase:BodyPartPreference', 'AirSync:MIMESupport']

/** Undefined where nothing in it is a condition. */
function readOperator(element: Element, now: Date, depth: number): MailQuery | undefined {
  if (depth === deepest) throw tooComplex('operators within operators')
  const kind = element.tag === 'Search:And' ? 'and' : 'or'
  const of = element.children.flatMap(one => readCondition(one, now, depth, kind) ?? [])
  return of.length > 1 ? { kind, of } : of[0]
}

function readCondition(element: Element, now: Date, depth: number, parent: 'and' | 'or'): MailQuery | undefined {
  switch (element.tag) {
    case 'Search:And': case 'Search:Or':
      return readOperator(element, now, depth + 1)
    case 'Search:FreeText':
      return parseKql(element.text, now)
    case 'Search:GreaterThan': case 'Search:LessThan': case 'Search:EqualTo':
      return readComparison(element)
    case 'AirSync:Class': case 'AirSync:CollectionId': case 'Search:ConversationId':
      // They say where to look, which only the outermost And can.
      if (depth > 0 || parent === 'or') throw tooComplex(`${element.tag} outside of And`)
      return undefined
    default:
      throw malformed(`${element.tag} in a Query`)
  }
}

/** [MS-ASDTYPE] Dates and Times; a date alone is all of its day. */
const time = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)?$/

const second = 1000, day = 24 * 60 * 60 * second

/** [MS-ASCMD] GreaterThan, LessThan, EqualTo: of the time a message was received, which is known to the second. */
function readComparison(element: Element): MailQuery {
  const [property, value, ...more] = element.children
  if (property?.tag !== 'Email:DateReceived' || value?.tag !== 'Search:Value' || more.length > 0) throw malformed('a comparison')
  const [said, date] = time.exec(value.text.trim()) ?? []
  const from = Date.parse(said ?? '')
  if (Number.isNaN(from)) throw malformed('a date')
  const length = said === date ? day : second
  const whole = Math.floor(from / length) * length
  switch (element.tag) {
    case 'Search:GreaterThan': return { kind: 'since', at: new Date(said === date ? from : whole + second) }
    case 'Search:LessThan': return { kind: 'before', at: new Date(from) }
    default: return { kind: 'and', of: [{ kind: 'since', at: new Date(whole) }, { kind: 'before', at: new Date(whole + length) }] }
  }
}
