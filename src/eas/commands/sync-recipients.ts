import { stale } from '../../base/failure.ts'
import { parseRecipientsKey, printRecipientsKey, type RecipientsState } from '../../state/recipients-key.ts'
import { el, type Node } from '../../wire/wbxml.ts'
import type { Call } from '../command.ts'
import { digestOf, recipientsBefore, recipientsFolder, recipientsOf, type Recipient } from '../recipients.ts'
import { sentMail, type SentMail } from '../sent-mail.ts'
import type { CollectionRequest } from './sync-request.ts'

/** A collection that has been served: what the answer says of it, whether that is news, and how many items it tells of. */
export type Done = { readonly done: Node; readonly news: boolean; readonly items: number }

/** [MS-ASCMD] MaxItems (Sync): where a client does not say, and at most. */
const usual = 100, most = 250

const nobody: RecipientsState = { digest: digestOf([]), validity: 0, uidNext: 0, held: 0, max: usual }

/**
 * [MS-ASCNTC] Refreshing the Recipient Information Cache. The client holds the list its key names; it is told what makes that the list of
 * today. Throws `stale` where the old one is neither remembered nor can be made again.
 */
export async function serveRecipients(call: Call, request: CollectionRequest, window: number): Promise<Done> {
  const held = request.key === '0' ? nobody : stateOf(call, request.key)
  const max = limited(request.maxItems ?? held.max)
  const answer = (state: RecipientsState | undefined, news: boolean, more = false, commands: readonly Node[] = []): Done => ({
    news, items: commands.length,
    done: el('AirSync:Collection', [
      el('AirSync:SyncKey', state ? printKey(call, state) : request.key), el('AirSync:CollectionId', request.id), el('AirSync:Status', '1'),
      ...(more ? [el('AirSync:MoreAvailable')] : []),
      ...(commands.length ? [el('AirSync:Commands', commands)] : []),
    ]),
  })
  if (request.key === '0') return answer({ ...nobody, max }, true)
  if (request.getChanges === false) return answer(undefined, false)

  const sent = await sentMail(call)
  const { before, changes } = compare(call, sent, held, max)
  const told = changes.slice(0, Math.max(1, Math.min(window, request.window)))
  if (told.length === 0 && max === held.max) return answer(undefined, false)
  const next = told.reduce(apply, before)
  const { validity, uidNext } = sent.content
  const state = { digest: digestOf(next), validity, uidNext, held: next.length, max }
  remember(call, state, next)
  return answer(state, true, told.length < changes.length, told.map(node))
}

/** [MS-ASCMD] GetItemEstimate: how much a Sync with this key would tell. */
export async function estimateRecipients(call: Call, key: string, maxItems: number | undefined): Promise<number> {
  const held = stateOf(call, key)
  return compare(call, await sentMail(call), held, limited(maxItems ?? held.max)).changes.length
}

const limited = (max: number): number => Math.min(Math.max(1, max), most)

const stateOf = ({ settings, stores }: Call, key: string): RecipientsState =>
  parseRecipientsKey({ secret: settings.secret, account: stores.person.account }, recipientsFolder.id, key)
const printKey = ({ settings, stores }: Call, state: RecipientsState): string =>
  printRecipientsKey({ secret: settings.secret, account: stores.person.account }, recipientsFolder.id, state)

type Change = { readonly kind: 'Add' | 'Change' | 'Delete'; readonly recipient: Recipient }

/** Who is gone first, so that the client never holds more than it wants. */
function compare(call: Call, sent: SentMail, held: RecipientsState, max: number): { before: readonly Recipient[]; changes: readonly Change[] } {
  const before = heldList(call, sent, held), now = recipientsOf(sent, call.stores.person, max)
  const known = new Map(before.map(one => [one.id, one])), there = new Set(now.map(({ id }) => id))
  const gone = before.filter(({ id }) => !there.has(id)).map(recipient => ({ kind: 'Delete', recipient }) as const)
  const rest = now.flatMap((recipient): Change[] => {
    const old = known.get(recipient.id)
    if (!old) return [{ kind: 'Add', recipient }]
    return old.rank === recipient.rank && old.name === recipient.name && old.address === recipient.address ? [] : [{ kind: 'Change', recipient }]
  })
  return { before, changes: [...gone, ...rest] }
}

const apply = (list: readonly Recipient[], { kind, recipient }: Change): readonly Recipient[] =>
  [...list.filter(({ id }) => id !== recipient.id), ...(kind === 'Delete' ? [] : [recipient])]

const slotOf = ({ stores }: Call, digest: Uint8Array): string => `recipients:${stores.person.account}:${Buffer.from(digest).toString('base64url')}`

function remember(call: Call, { digest }: RecipientsState, list: readonly Recipient[]): void {
  call.cache.set(slotOf(call, digest), list, { seconds: 30 * 86_400, size: 200 * (list.length + 1) })
}

/** Remembered; else made again of what had been sent by then, which is the same list unless some of that was deleted since. */
function heldList(call: Call, sent: SentMail, { digest, validity, uidNext, held }: RecipientsState): readonly Recipient[] {
  if (held === 0) return []
  const known = call.cache.get<readonly Recipient[]>(slotOf(call, digest))
  if (known) return known
  const again = validity === sent.content.validity ? recipientsBefore(sent, call.stores.person, uidNext, held) : []
  if (!digestOf(again).equals(digest)) throw stale('forgotten', 'the list this key stands for is not remembered')
  return again
}

function node({ kind, recipient: { id, address, name, rank } }: Change): Node {
  return el(`AirSync:${kind}`, [
    el('AirSync:ServerId', id),
    ...(kind === 'Delete' ? [] : [el('AirSync:ApplicationData', [
      el('Contacts:Email1Address', address), el('Contacts:FileAs', name), el('Contacts:WeightedRank', String(rank)),
    ])]),
  ])
}
