import { Failure } from '../base/failure.ts'
import { parseHeader } from '../formats/header.ts'
import type { Folder, FolderId } from '../model/folder.ts'
import type { Message } from '../model/message.ts'
import type { Filing, Filters, MailStore } from '../model/ports.ts'
import type { Call } from './command.ts'
import { idOf } from './conversations.ts'
import { existing, type Hit } from './found.ts'
import { isAnswer, threadIds } from './map/conversation.ts'
import { outcome } from './outcome.ts'

/**
 * [MS-ASCMD] MoveAlways: where a conversation goes from now on is told by a keyword on one of its messages, in the folder it was moved
 * to. So the mail server remembers, whoever answers; and a person who moves that message elsewhere has moved the rule. Where the server
 * filters, it is told too, and mail of the conversation is there as it comes; what its filter does not do is done when a phone looks.
 */
const keyword = '$MoveAlways'

/** Conversations that are looked after; seconds until another process's are heard of. */
const mostRules = 1000, fresh = 600

const slotOf = (call: Call): string => `always:${call.stores.person.account}`

/** The message stands for its conversation, which are these, from now on. */
export async function moveAlways(call: Call, folder: Folder, place: { validity: number; uid: number }, hits: readonly Hit[]): Promise<void> {
  await call.stores.mail.setFlags(folder.id, place.validity, { uids: [place.uid], add: [keyword] })
  call.cache.delete(slotOf(call))
  const [newest] = hits
  if (!newest) return
  // The id that began the thread is in every answer, the others are in those of programs that name only what they answer.
  const [root = '', ...rest] = threadIds(parseHeader(hits.at(-1)!.message.header))
  const own = hits.map(({ message }) => threadIds(parseHeader(message.header)).at(-1) ?? '')
  const messages = [...new Set([root, ...own, ...rest])].filter(Boolean)
  await fileAsItComes(call, { conversation: idOf(newest.message), messages, folder: folder.id })
}

/** Brings the server's filter to what the keywords say; with what is new. */
async function fileAsItComes(call: Call, added?: Filing): Promise<void> {
  if (!call.stores.filters) return
  const filed = await outcome(file(call, call.stores.filters, added))
  if (filed instanceof Failure) call.log.info({ kind: filed.kind, reason: filed.message }, 'conversations are moved when a phone looks only')
  const known = filed instanceof Failure ? {} : filed
  call.cache.set(filedSlot(call), known, { size: 256 + 64 * Object.keys(known).length })
}

/** What is filed from now on. Mail for the inbox needs no filter. */
async function file(call: Call, filters: Filters, added: Filing | undefined): Promise<Rules> {
  const [rules, inbox] = await Promise.all([rulesOf(call), call.stores.mail.folderByRole('inbox')])
  let filings: readonly Filing[] = []
  await filters.setFilings(now => filings = [...now.filter(({ conversation }) => conversation !== added?.conversation), ...added ? [added] : []]
    .flatMap(filing => {
      const folder = filing === added ? added.folder : rules[filing.conversation]
      return folder === undefined || folder === inbox.id ? [] : { ...filing, folder }
    }))
  return Object.fromEntries(filings.map(({ conversation, folder }) => [conversation, folder]))
}

/** Whether the filter may do what the keywords no longer say: a person has moved or deleted the message that stands for a conversation. */
function isBehind(call: Call, rules: Rules): boolean {
  const filed = call.cache.get<Rules>(filedSlot(call))
  return !filed || Object.entries(filed).some(([conversation, folder]) => rules[conversation] !== folder)
}

const filedSlot = (call: Call): string => `filed:${call.stores.person.account}`

type Rules = Readonly<Record<string, FolderId>>

async function rulesOf(call: Call): Promise<Rules> {
  const known = call.cache.get<Rules>(slotOf(call))
  if (known) return known
  const rules = await readRules(call.stores.mail)
  call.cache.set(slotOf(call), rules, { seconds: fresh, size: 256 + 64 * Object.keys(rules).length })
  return rules
}

async function readRules(mail: MailStore): Promise<Rules> {
  const folders = (await mail.folders()).filter(folder => folder.selectable).map(({ id }) => id)
  const { refs } = await mail.search(folders, { kind: 'flag', flag: keyword }, mostRules)
  return Object.fromEntries((await existing(mail, refs)).map(({ ref, message }) => [idOf(message), ref.folder]))
}

/** [MS-ASCON] Always Moving a Conversation: takes answers that have just come where their conversations go; tells which. */
export async function moveArrivals(call: Call, folder: Folder, validity: number, arrivals: readonly Message[]): Promise<ReadonlySet<number>> {
  const answers = arrivals.filter(({ header }) => isAnswer(parseHeader(header)))
  if (answers.length === 0 || folder.role === 'sent' || folder.role === 'drafts') return new Set()
  const moved = new Set<number>()
  const rules = await outcome(rulesOf(call))
  if (rules instanceof Failure) {
    call.log.info({ kind: rules.kind, reason: rules.message }, 'conversations that are always moved could not be looked up')
    return moved
  }
  // Nobody waits for a filter that is only brought up to date, as none has waited until now.
  if (call.stores.filters && isBehind(call, rules)) {
    call.cache.set(filedSlot(call), rules, { size: 256 + 64 * Object.keys(rules).length })
    fileAsItComes(call).catch((error: unknown) => call.log.error({ err: error }, 'conversations could not be filed'))
  }
  for (const message of answers) {
    const to = rules[idOf(message)]
    if (!to || to === folder.id) continue
    const done = await outcome(call.stores.mail.move(folder.id, validity, [message.uid], to))
    // Where it cannot be moved it is told where it is.
    if (done instanceof Failure) call.log.info({ kind: done.kind, reason: done.message }, 'an answer was not moved')
    else moved.add(message.uid)
  }
  return moved
}
