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
  const within = (message: Message): boolean => Math.floor(message.received.getTime() / day) >= since
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

const day = 24 * 60 * 60 * 1000

/** Whether a message was told to the client before. */
const holds = ({ validity, top, gaps }: MailCursor, uid: number): boolean =>
  validity !== 0 && uid < top && !gaps.some(({ from, to }) => uid >= from && uid <= to)
