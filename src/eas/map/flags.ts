import { Failure } from '../../base/failure.ts'
import { cleanText } from '../../formats/charset.ts'
import { child, children, el, text, type Element, type Node, type Tag } from '../../wire/wbxml.ts'
import { since, type Version } from '../versions.ts'
import { categoryOf, keywordOf } from './category.ts'
import { editFollowUp, followUpNodes, hearFollowUp, type FollowUpWish } from './follow-up.ts'

/** What a client changes of a message: undefined is left as it is. */
export type FlagChange = {
  readonly read: boolean | undefined
  readonly followUp: FollowUpWish | undefined
  readonly categories: readonly string[] | undefined
}

/** IMAP flags to add and to remove. `unkept` counts categories too long for a keyword. */
export type FlagEdit = { readonly add: readonly string[]; readonly remove: readonly string[]; readonly unkept: number }

/** [MS-ASEMAIL] Category: most of them in one message. */
const mostCategories = 300

/** [MS-ASEMAIL] ConversationId, ReceivedAsBcc, Sender, UmCallerID, UmUserNotes: a client that changes them is refused. */
const readOnly: readonly Tag[] = [
  'Email2:ConversationId', 'Email2:ReceivedAsBcc', 'Email2:Sender', 'Email2:UmCallerID', 'Email2:UmUserNotes',
]

/** [MS-ASEMAIL] Sync Command Request, what may change. Throws `malformed` for values the elements do not have. */
export function hearFlags(data: Element): FlagChange {
  const read = text(data, 'Email:Read')
  if (read !== undefined && read !== '0' && read !== '1') throw new Failure('malformed', 'Read is 0 or 1')
  const kept = readOnly.find(tag => child(data, tag))
  if (kept) throw new Failure('malformed', `${kept} is for the server to tell`)
  const flag = child(data, 'Email:Flag'), categories = child(data, 'Email:Categories')
  return {
    read: read === undefined ? undefined : read === '1',
    followUp: flag && hearFollowUp(flag),
    categories: categories && hearCategories(categories),
  }
}

function hearCategories(categories: Element): string[] {
  const list = children(categories, 'Email:Category')
  if (list.length > mostCategories) throw new Failure('malformed', `more than ${mostCategories} categories`)
  const names = list.map(one => cleanText(one.text).replace(/[\p{Cc}\s]+/gu, ' ').trim()).filter(Boolean)
  return [...new Set(names)]
}

/** Whether the flags a message has must be known to tell what changes. */
export const isRelative = ({ followUp, categories }: FlagChange): boolean => followUp !== undefined || categories !== undefined

/** What changes where a message has these flags. Keywords that are nobody's category stay (trap 18). */
export function editFlags({ read, followUp, categories }: FlagChange, flags: ReadonlySet<string>): FlagEdit {
  const add: string[] = [], remove: string[] = []
  if (read !== undefined) (read ? add : remove).push('\\Seen')
  if (followUp) {
    const edit = editFollowUp(followUp, flags)
    add.push(...edit.add)
    remove.push(...edit.remove)
  }
  if (!categories) return { add, remove, unkept: 0 }
  const wanted = categories.map(keywordOf).filter(keyword => keyword !== undefined)
  const has = new Set([...flags].map(flag => flag.toLowerCase())), wants = new Set(wanted.map(keyword => keyword.toLowerCase()))
  add.push(...wanted.filter(keyword => !has.has(keyword.toLowerCase())))
  remove.push(...[...flags].filter(flag => categoryOf(flag) !== undefined && !wants.has(flag.toLowerCase())))
  return { add, remove, unkept: categories.length - wanted.length }
}

export const isRead = (flags: ReadonlySet<string>): string => flags.has('\\Seen') ? '1' : '0'

/** The children of [MS-ASEMAIL] Categories. */
export const categoryNodes = (flags: ReadonlySet<string>): Node[] => {
  const names = [...flags].map(categoryOf).filter(name => name !== undefined)
  return names.length === 0 ? [] : [...new Set(names)].sort().slice(0, mostCategories).map(name => el('Email:Category', name))
}

/** [MS-ASEMAIL] LastVerbExecuted: 1 answered, 2 answered to all, 3 forwarded; LastVerbExecutionTime, where it is known. */
export type Verb = { readonly verb: '1' | '2' | '3'; readonly at?: Date }

/** Beside `\\Answered`, which does not tell it. */
export const repliedAll = '$RepliedAll'

/** What the flags alone say: neither when, nor what came last. */
export function lastVerb(flags: ReadonlySet<string>): Verb | undefined {
  if (flags.has('\\Answered')) return { verb: flags.has(repliedAll) ? '2' : '1' }
  return flags.has('$Forwarded') ? { verb: '3' } : undefined
}

const verbNodes = ({ verb, at }: Verb): Node[] => [
  el('Email2:LastVerbExecuted', verb), ...(at ? [el('Email2:LastVerbExecutionTime', at.toISOString())] : []),
]

/** [MS-ASEMAIL] Sending E-Mail Changes to the Client: what of an item can change. IMAP does not tell which of it has. */
export function flagNodes(flags: ReadonlySet<string>, version: Version, verb = lastVerb(flags)): Node[] {
  return [
    el('Email:Read', isRead(flags)),
    ...(since(version, '12.0') ? [el('Email:Flag', followUpNodes(flags))] : []),
    ...(since(version, '14.0') ? [el('Email:Categories', categoryNodes(flags)), ...(verb ? verbNodes(verb) : [])] : []),
  ]
}
