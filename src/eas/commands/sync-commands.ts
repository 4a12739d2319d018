import { Failure, type Kind } from '../../base/failure.ts'
import type { MailCursor } from '../../model/cursor.ts'
import type { FolderId } from '../../model/folder.ts'
import type { MailStore, MessageRef } from '../../model/ports.ts'
import { parseItemId } from '../../state/item-id.ts'
import type { SyncOptions } from '../../state/sync-options.ts'
import { el, type Element, type Node } from '../../wire/wbxml.ts'
import { editFlags, hearFlags, isRelative, type FlagChange, type FlagEdit } from '../map/flags.ts'
import type { ClientCommand } from './sync-request.ts'

/** What the client's own commands did, so that it is not told of it again. */
export type Applied = {
  /** For Responses: failed changes and deletes, and everything added or fetched. */
  readonly responses: readonly Node[]
  /** Gone or moved by the client itself. */
  readonly removed: ReadonlySet<number>
  /** MODSEQ the client's own changes left behind, by UID. */
  readonly modseq: ReadonlyMap<number, bigint>
  /** Made by the client, which has them under the ids its answer tells. */
  readonly added: ReadonlySet<number>
  /** Gone for the client, whether or not the server can expunge. */
  readonly dropped: ReadonlySet<number>
  readonly fetched: readonly { readonly serverId: string; readonly ref: MessageRef }[]
  /** Categories and dates of flags that the mailbox has no place for. */
  readonly unkept: number
}

export type Place = {
  readonly mail: MailStore
  readonly folder: FolderId
  readonly cursor: MailCursor
  readonly options: SyncOptions
  readonly deletesAsMoves: boolean
  /** Items that are by now others than their ids say. */
  readonly current?: ReadonlyMap<string, MessageRef>
}

/**
 * [MS-ASCMD] Commands: carries out what the client sent for one collection. Each is idempotent, as a client whose answer got lost
 * repeats it. Failures of single items become their Status; `unavailable` ends the whole collection.
 */
export async function applyCommands(place: Place, commands: readonly ClientCommand[]): Promise<Applied> {
  const responses: Node[] = []
  const refuse = (command: ClientCommand, status: string): void => void responses.push(response(command, status))
  const named = commands.flatMap(command => {
    if (command.kind === 'Add') {
      refuse(command, '6') // Drafts go up, from 16.0 (eas/drafts.ts); nothing else of mail can be added by a phone.
      return []
    }
    const ref = place.current?.get(command.serverId) ?? refOf(place, command.serverId)
    if (!ref && command.kind !== 'Delete') refuse(command, '8')
    return ref ? [{ command, ref }] : []
  })
  const deletes = named.filter(({ command }) => command.kind === 'Delete')
  const gone = new Set(deletes.map(({ ref }) => ref.uid))
  const removed = await itemwise(deletes, () => removeAll(place, deletes.map(({ ref }) => ref)), refuse)

  // A Delete takes precedence over a Change of the same item.
  const changes = named.filter(({ command, ref }) => command.kind === 'Change' && !gone.has(ref.uid))
  const modseq = new Map<number, bigint>()
  let unkept = 0
  for (const group of await grouped(place, changes, refuse)) {
    await itemwise(group.items, async () => void (unkept += await change(place, group, modseq, refuse)), refuse)
  }
  const fetched = named.filter(({ command }) => command.kind === 'Fetch').map(({ command, ref }) => ({ serverId: command.serverId, ref }))
  return { responses, removed: removed ? gone : new Set(), modseq, added: new Set(), dropped: new Set(), fetched, unkept }
}

/** An id of another folder or of another UIDVALIDITY names nothing here. */
export function refOf({ folder, cursor }: Place, serverId: string): MessageRef | undefined {
  try {
    const ref = parseItemId(serverId)
    return ref.folder === folder && ref.validity === cursor.validity ? ref : undefined
  } catch (error) {
    if (error instanceof Failure && error.kind === 'not-found') return undefined
    throw error
  }
}

export const response = (command: ClientCommand, status: string, rest: readonly Node[] = []): Node =>
  el(`AirSync:${command.kind}`, [
    ...(command.kind === 'Add' ? [el('AirSync:ClientId', command.clientId)] : [el('AirSync:ServerId', command.serverId)]),
    // [MS-ASAIRS] InstanceId
    ...(command.instance && /^\d{8}T\d{6}Z$/.test(command.instance) ? [el('AirSyncBase:InstanceId', command.instance)] : []),
    el('AirSync:Status', status), ...rest,
  ])

type Named = { readonly command: ClientCommand; readonly ref: MessageRef }
type Refuse = (command: ClientCommand, status: string) => void

/** [MS-ASCMD] Status (Sync), those of an item. What is not here concerns the whole collection and is thrown on. */
export const itemStatus: Partial<Record<Kind, string>> = { 'not-found': '8', denied: '5', conflict: '7', quota: '9', malformed: '6', unsupported: '6' }

/** Whether it went through; an item's own failure is told for each of them. */
async function itemwise(items: readonly Named[], work: () => Promise<void>, refuse: Refuse): Promise<boolean> {
  if (items.length === 0) return true
  try {
    await work()
    return true
  } catch (error) {
    const status = error instanceof Failure ? itemStatus[error.kind] : undefined
    if (!status) throw error
    for (const { command } of items) refuse(command, status)
    return false
  }
}

/** Deleting what is gone succeeds, so UIDs that no longer exist are nothing to report. */
async function removeAll({ mail, folder, cursor: { validity }, deletesAsMoves }: Place, refs: readonly MessageRef[]): Promise<void> {
  const uids = [...new Set(refs.map(({ uid }) => uid))]
  const trash = deletesAsMoves ? await mail.folderByRole('trash') : undefined
  if (trash && trash.id !== folder) await mail.move(folder, validity, uids, trash.id)
  else await mail.remove(folder, validity, uids)
}

type Group = { readonly edit: FlagEdit; readonly seen: bigint; readonly items: readonly Named[] }

function heard(data: Element): FlagChange | undefined {
  try {
    return hearFlags(data)
  } catch (error) {
    if (error instanceof Failure && error.kind === 'malformed') return undefined
    throw error
  }
}

/** Changes that wish the same are one STORE; one that makes no sense fails alone. */
async function grouped(place: Place, changes: readonly Named[], refuse: Refuse): Promise<Group[]> {
  const groups = new Map<string, { edit: FlagEdit; seen: bigint; items: Named[] }>()
  const wishes = changes.flatMap(item => {
    const wish = item.command.data && heard(item.command.data)
    if (!wish) refuse(item.command, '6')
    return wish ? [{ item, wish }] : []
  })
  const flags = await flagsOf(place, wishes.filter(({ wish }) => isRelative(wish)).map(({ item }) => item.ref.uid))
  for (const { item, wish } of wishes) {
    const edit = editFlags(wish, flags.get(item.ref.uid) ?? new Set())
    const seen = seenUntil(place.cursor, item.ref.uid)
    const key = JSON.stringify([edit, String(seen)])
    const group = groups.get(key) ?? { edit, seen, items: [] }
    group.items.push(item)
    groups.set(key, group)
  }
  return [...groups.values()]
}

/** What these messages have now: of a flag's dates and of categories only what differs is changed. */
async function flagsOf({ mail, folder, cursor: { validity } }: Place, uids: readonly number[]): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
  const messages = uids.length ? await mail.messages(folder, validity, [...new Set(uids)]) : []
  return new Map(messages.map(({ uid, flags }) => [uid, flags]))
}

/** MODSEQ up to which the client was told of this message's flags: a pass that has come past it has told more than the cursor says. */
function seenUntil({ modseq, pass }: MailCursor, uid: number): bigint {
  const told = pass?.phase === 'widened' || (pass?.phase === 'flags' && uid <= pass.reached)
  return told ? pass.end : modseq
}

/**
 * A read mark is never in conflict: it has two values, and the client sends the one it did not have. A follow-up flag or a category that
 * somebody else changed meanwhile falls under the Conflict rule, unless what the client wishes already holds. Only where nobody else came between
 * is the MODSEQ left behind the client's own: otherwise it is told what the message has become. Answers how much was not kept.
 */
async function change(place: Place, { edit, seen, items }: Group, modseq: Map<number, bigint>, refuse: Refuse): Promise<number> {
  const { mail, folder, cursor: { validity }, options } = place
  if (edit.add.length + edit.remove.length === 0) return edit.unkept
  const wish = { uids: [...new Set(items.map(({ ref }) => ref.uid))], add: edit.add, remove: edit.remove }
  const done = await mail.setFlags(folder, validity, seen > 0n ? { ...wish, unchangedSince: seen } : wish)
  for (const [uid, value] of done.modseq) modseq.set(uid, value)
  const missing = new Set(done.missing), lost = new Set<number>()
  if (done.modified.length) {
    const guarded = options.conflict === 1 && [...edit.add, ...edit.remove].some(flag => flag !== '\\Seen')
    if (guarded) for (const uid of await disputed(mail, folder, validity, done.modified, edit)) lost.add(uid)
    else for (const uid of (await mail.setFlags(folder, validity, { ...wish, uids: done.modified })).missing) missing.add(uid)
  }
  for (const { command, ref } of items) {
    if (missing.has(ref.uid)) refuse(command, '8')
    else if (lost.has(ref.uid)) refuse(command, '7')
  }
  return edit.unkept + (done.unkept?.length ?? 0)
}

async function disputed(mail: MailStore, folder: FolderId, validity: number, uids: readonly number[], edit: FlagEdit): Promise<number[]> {
  const messages = await mail.messages(folder, validity, uids)
  const holds = messages.filter(({ flags }) => edit.add.every(flag => flags.has(flag)) && !edit.remove.some(flag => flags.has(flag)))
  return messages.filter(message => !holds.includes(message)).map(({ uid }) => uid)
}
