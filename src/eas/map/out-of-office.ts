import { Failure } from '../../base/failure.ts'
import { htmlToText, textToHtml } from '../../formats/html.ts'
import { audiences, type Audience, type OutOfOffice, type Reply, type ReplyText } from '../../model/out-of-office.ts'
import { child, children, el, text, type Element, type Node, type Tag } from '../../wire/wbxml.ts'

const tags: Readonly<Record<Audience, Tag>> = {
  internal: 'Settings:AppliesToInternal', known: 'Settings:AppliesToExternalKnown', unknown: 'Settings:AppliesToExternalUnknown',
}
const bodyTypes = { text: 'Text', html: 'HTML' } as const

/** Characters of one answer. */
const longest = 64 * 1024

// [MS-ASCMD] Oof: one OofMessage for each audience, its text in the type that was asked for.
export function sayOutOfOffice({ on, period, replies }: OutOfOffice, type: ReplyText['type']): Node[] {
  return [
    el('Settings:OofState', on ? period ? '2' : '1' : '0'),
    ...(period ? [el('Settings:StartTime', period.start.toISOString()), el('Settings:EndTime', period.end.toISOString())] : []),
    ...audiences.map(one => el('Settings:OofMessage', [el(tags[one]), ...sayReply(replies[one] ?? { enabled: false }, type)])),
  ]
}

const sayReply = ({ enabled, message }: Reply, type: ReplyText['type']): Node[] => [
  el('Settings:Enabled', enabled ? '1' : '0'),
  ...(message ? [el('Settings:ReplyMessage', inType(message, type)), el('Settings:BodyType', bodyTypes[type])] : []),
]

function inType(message: ReplyText, type: ReplyText['type']): string {
  if (message.type === type) return message.text
  return type === 'html' ? textToHtml(message.text) : htmlToText(message.text)
}

/** What Get asks for; plain text where it does not say. Throws `malformed` for any other type. */
export const hearType = (element: Element): ReplyText['type'] => typeOf(text(element, 'Settings:BodyType') ?? 'Text')

function typeOf(name: string): ReplyText['type'] {
  const type = (['text', 'html'] as const).find(one => one === name.trim().toLowerCase())
  if (!type) throw new Failure('malformed', 'a BodyType there is not')
  return type
}

/**
 * [MS-ASCMD] Oof: what Set says, over what holds now: what it does not mention stays. Throws `malformed`, `conflict` for a time that ends
 * before it begins, `too-large`.
 */
export function hearOutOfOffice(set: Element, now: OutOfOffice): OutOfOffice {
  const period = hearPeriod(set)
  const state = text(set, 'Settings:OofState')?.trim()
  const replies = hearReplies(children(set, 'Settings:OofMessage'), now.replies)
  switch (state) {
    case undefined: return { ...now, replies }
    case '0': return { on: false, replies }
    case '1': return { on: true, replies }
    case '2': return { on: true, period: inOrder(period ?? now.period), replies }
    default: throw new Failure('malformed', 'an OofState there is not')
  }
}

type Period = NonNullable<OutOfOffice['period']>

function hearPeriod(set: Element): Period | undefined {
  const [start, end] = [text(set, 'Settings:StartTime'), text(set, 'Settings:EndTime')]
  if (start === undefined && end === undefined) return undefined
  return { start: hearTime(start), end: hearTime(end) }
}

/** [MS-ASDTYPE] dateTime, or the form without punctuation that some clients use. UTC where nothing is said. */
function hearTime(value: string | undefined): Date {
  const compact = /^(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d):?(\d\d)(\.\d{1,3})?\d*Z?$/.exec(value?.trim() ?? '')
  const [, year, month, day, hour, minute, second, rest = ''] = compact ?? []
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${rest}Z`)
  if (!compact || Number.isNaN(time.getTime())) throw new Failure('malformed', 'a time that is none, or one without the other')
  return time
}

function inOrder(period: Period | undefined): Period {
  if (!period) throw new Failure('malformed', 'a time-based Oof without its times')
  if (period.end <= period.start) throw new Failure('conflict', 'an Oof that ends before it begins')
  return period
}

function hearReplies(messages: readonly Element[], now: OutOfOffice['replies']): OutOfOffice['replies'] {
  const heard = new Map<Audience, Reply>()
  for (const message of messages) {
    const [audience, ...others] = audiences.filter(one => child(message, tags[one]))
    if (!audience || others.length > 0 || heard.has(audience)) throw new Failure('malformed', 'an OofMessage for no audience, or for one again')
    heard.set(audience, hearReply(message, now[audience]))
  }
  return { ...now, ...Object.fromEntries(heard) }
}

function hearReply(element: Element, now: Reply | undefined): Reply {
  const enabled = text(element, 'Settings:Enabled')?.trim() ?? (now?.enabled ? '1' : '0')
  if (enabled !== '0' && enabled !== '1') throw new Failure('malformed', 'an Enabled that is neither')
  const words = text(element, 'Settings:ReplyMessage'), type = text(element, 'Settings:BodyType')
  if (words !== undefined && type === undefined) throw new Failure('malformed', 'a ReplyMessage without its BodyType')
  if ((words?.length ?? 0) > longest) throw new Failure('too-large', 'an automatic reply of too many characters')
  const message = words === undefined ? now?.message : { type: typeOf(type!), text: words }
  return { enabled: enabled === '1', ...(message ? { message } : {}) }
}
