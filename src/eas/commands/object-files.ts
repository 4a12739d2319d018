import { createHash } from 'node:crypto'
import { Failure } from '../../base/failure.ts'
import { readEvent } from '../../formats/event-read.ts'
import type { EventFile, NewFile } from '../../model/event.ts'
import type { FolderId } from '../../model/folder.ts'
import type { ObjectFiles } from '../../model/ports.ts'
import { child, el, text, type Element, type Node } from '../../wire/wbxml.ts'
import type { Call } from '../command.ts'
import { hearFiles } from '../map/draft.ts'
import { managedId } from '../../formats/event-files.ts'
import { parseObjectFile } from '../../state/item-id.ts'
import { outcome } from '../outcome.ts'
import { since } from '../versions.ts'

type Known = { readonly clientId: string; readonly id: string }

/** What becomes of the files in what a client says, where the server keeps them itself. */
export type FilesOfChange = {
  /** All else that the client says. */
  readonly data: Element
  /** Whether there is anything to do. */
  readonly isWork: boolean
  /** Files that are there already came with this request before. */
  readonly known: readonly Known[]
  readonly add: readonly (NewFile & { readonly clientId: string })[]
  /** What the server calls them. */
  readonly remove: readonly string[]
  readonly occurrence: string | undefined
}

/**
 * RFC 8607: undefined where the server keeps no files, or the client says nothing of any, so that they are in the event itself. `occurrence`
 * names the one of a series that is meant.
 */
export async function filesOf(call: Call, data: Element, stored: Uint8Array | undefined, occurrence: () => string | undefined): Promise<FilesOfChange | undefined> {
  const list = child(data, 'AirSyncBase:Attachments')
  const files = call.stores.objects?.files
  if (!list || !files || !since(call.request.version, '16.0') || !await files.keeps()) return undefined
  const heard = hearFiles(list)
  const event = stored && readEvent(stored, call.clocks)
  const there = event ? [event, ...event.exceptions].flatMap(one => one.files) : []
  const managedOf = (reference: string): string | undefined => {
    const { file } = parseObjectFile(reference)
    const found = there.find(({ id }) => id === file)
    return found && 'uri' in found.content ? found.content.managed : undefined
  }
  const known: Known[] = [], add: FilesOfChange['add'][number][] = []
  for (const { clientId, name, type, content } of heard.add) {
    const same = await sameFile(files, there, { name, type, octets: content })
    if (same) known.push({ clientId, id: same.id })
    else add.push({ clientId, name, type, octets: content })
  }
  const remove = [...new Set(heard.remove.flatMap(reference => managedOf(reference) ?? []))]
  const rest = list.children.filter(one => one.tag === 'AirSyncBase:Delete' && managedOf(text(one, 'AirSyncBase:FileReference') ?? '') === undefined)
  const children = data.children.flatMap(one => one !== list ? [one] : rest.length > 0 ? [{ ...list, children: rest }] : [])
  return { data: { ...data, children }, isWork: add.length + remove.length > 0, known, add, remove, occurrence: occurrence() ?? (event?.series ? 'M' : undefined) }
}

/** Of files that are compared octet for octet. */
const mostCompared = 8
const digest = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex')

async function sameFile(files: ObjectFiles, there: readonly EventFile[], { name, octets }: NewFile): Promise<EventFile | undefined> {
  const alike = there.filter(({ content, size, name: called }) => 'uri' in content && content.managed !== undefined && called === name && (size ?? octets.length) === octets.length)
  for (const one of alike.slice(0, mostCompared)) if (await outcome(digestOf(files, one)) === digest(octets)) return one
  return undefined
}

async function digestOf(files: ObjectFiles, { content }: EventFile): Promise<string> {
  const hash = createHash('sha256')
  const { octets } = await files.open((content as { uri: string }).uri, true)
  for await (const chunk of octets()) hash.update(chunk)
  return hash.digest('hex')
}

/** The version of the event that is left, and the children of ApplicationData: [MS-ASAIRS] ClientId. Throws where the server does not take a file. */
export async function storeFiles(call: Call, folder: FolderId, reference: (file: string) => string, name: string, etag: string | undefined, files: FilesOfChange) {
  const { known, add, remove, occurrence } = files
  const kept = call.stores.objects!.files!, ref = { folder, name }
  const made: Known[] = [...known]
  let version = etag
  for (const { clientId, ...file } of add) {
    const stored = await kept.add(ref, file, occurrence).catch(tooLarge)
    made.push({ clientId, id: managedId(stored.id) })
    version = stored.etag
  }
  for (const id of remove) version = (await kept.remove(ref, id, occurrence)).etag
  const nodes: Node[] = made.map(({ clientId, id }) => el('AirSyncBase:Attachment', [
    el('AirSyncBase:ClientId', clientId), el('AirSyncBase:FileReference', reference(id)),
  ]))
  return { etag: version, nodes: nodes.length ? [el('AirSyncBase:Attachments', nodes)] : [] }
}

/** It is this item that has no room, not the request. */
function tooLarge(error: unknown): never {
  throw error instanceof Failure && error.kind === 'too-large' ? new Failure('quota', error.message, { cause: error }) : error
}
