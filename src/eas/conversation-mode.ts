import { parseHeader } from '../formats/header.ts'
import type { MailCursor } from '../model/cursor.ts'
import type { Folder } from '../model/folder.ts'
import type { Message } from '../model/message.ts'
import type { MailChanges } from '../model/ports.ts'
import type { Call } from './command.ts'
import { conversationsOf, idOf } from './conversations.ts'
import { isAnswer } from './map/conversation.ts'

type Place = { readonly folder: Folder; readonly cursor: MailCursor; readonly since: number }

/** Older messages that go along with one answer to a Sync. */
const mostOlder = 512

/**
 * [MS-ASCMD] ConversationMode (Sync): a time filter shows the whole of every conversation that has a message within it. So the first
 * message of a conversation a client gets brings its older ones along (`older`), and none of them ages before the last has.
 */
export async function wholeConversations(
  call: Call, { folder, cursor, since }: Place, changes: MailChanges,
): Promise<MailChanges & { readonly older: readonly Message[] }> {
  const { validity } = changes.next
  const aging = changes.aged.length ? await call.stores.mail.messages(folder.id, validity, changes.aged) : []
  const answers = changes.adds.filter(({ header }) => isAnswer(parseHeader(header)))
  if (aging.length + answers.length === 0) return { ...changes, older: [] }
  const threads = await conversationsOf(call, folder.id, [...answers, ...aging])
  const within = isWithin(since)
  const older = [...new Set(answers.map(idOf))].flatMap(id => {
    const thread = threads.get(id)!
    return thread.some(one => within(one) && holds(cursor, one.uid)) ? [] : thread.filter(one => !within(one))
  })
  const aged = new Set(changes.aged)
  for (const message of aging) {
    const thread = threads.get(idOf(message))!
    if (thread.some(within)) aged.delete(message.uid)
    else for (const { uid } of thread) aged.add(uid)
  }
  return { ...changes, aged: [...aged], older: older.slice(0, mostOlder) }
}

/** Messages of one folder that a device is remembered to have for the sake of their conversations. */
const mostKept = 2000, month = 31 * 24 * 60 * 60

/**
 * [MS-ASCON] Filtering: what is before the filter and was shown with its conversation (`older`, and what has not aged with the rest) goes when
 * others age next, once nothing of the conversation is within it any more: its newest messages were deleted or moved. What a device has so is
 * remembered; of what is forgotten nobody knows that it is there.
 */
export async function ageLeftOvers(
  call: Call, { folder, cursor, since }: Place, listed: MailChanges, whole: MailChanges, older: readonly Message[],
): Promise<MailChanges> {
  const { validity } = whole.next
  const slot = `kept:${call.scope}:${folder.id}:${validity}`
  /** By UID: the day of the filter at which a message was told to go, which may have to be told again; 0 for those that stay. */
  const kept = new Map(cursor.validity === 0 ? undefined : call.cache.get<ReadonlyMap<number, number>>(slot))
  const ages = cursor.since !== 0 && cursor.since < whole.next.since
  if (ages) {
    for (const [uid, told] of kept) if (told !== 0 && told < since) kept.delete(uid)
    const there = kept.size ? await call.stores.mail.messages(folder.id, validity, [...kept.keys()]) : []
    const threads = await conversationsOf(call, folder.id, there)
    const still = new Set(there.filter(message => threads.get(idOf(message))!.some(isWithin(since))).map(({ uid }) => uid))
    for (const uid of kept.keys()) kept.set(uid, still.has(uid) ? 0 : since)
  }
  const leaving = ages ? [...kept].filter(([, told]) => told === since).map(([uid]) => uid) : []
  const aged = new Set([...whole.aged, ...leaving])
  for (const uid of [...older.map(one => one.uid), ...listed.aged.filter(one => !aged.has(one))]) kept.set(uid, 0)
  if (kept.size > 0) call.cache.set(slot, new Map([...kept].slice(-mostKept)), { seconds: month, size: kept.size * 48 })
  return { ...whole, aged: [...aged] }
}

const day = 24 * 60 * 60 * 1000

const isWithin = (since: number) => ({ received }: Message): boolean => Math.floor(received.getTime() / day) >= since

/** Whether a message was told to the client before. */
const holds = ({ validity, top, gaps }: MailCursor, uid: number): boolean =>
  validity !== 0 && uid < top && !gaps.some(({ from, to }) => uid >= from && uid <= to)
