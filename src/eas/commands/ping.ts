import { Failure, type Kind } from '../../base/failure.ts'
import type { Facts } from '../../base/front.ts'
import { holdsObjects, type Folder, type FolderId } from '../../model/folder.ts'
import { hierarchyKey } from '../../state/snapshot.ts'
import { child, children, el, text, type Element, type Node } from '../../wire/wbxml.ts'
import { wbxml, type Answer, type Call, type Command } from '../command.ts'
import { foldersAtHand, type Standing } from '../folders.ts'
import { hierarchyOf } from '../hierarchy.ts'
import { isRecipients } from '../recipients.ts'
import { waitForChange } from '../wait.ts'

/** [MS-ASCMD] Status (Ping). */
const expired = '1', changed = '2', incomplete = '3', outOfBounds = '5', tooMany = '6', hierarchyChanged = '7'
const status: Partial<Record<Kind, string>> = { malformed: '4', 'not-found': hierarchyChanged }

/** What a device said once and need not say again. */
type Parameters = { readonly heartbeat: number; readonly folders: readonly FolderId[] }

// [MS-ASCMD] Ping. Where the device stands in a folder is what its last Sync left in memory; without that any event is news.
export const ping: Command = {
  async run(call) {
    const said = readPing(call)
    if ('status' in said) return answer(said.status, said.more)
    const { scope, cache, facts, stores } = call
    facts['collections'] = said.folders.length
    const { folders, away } = await foldersAtHand(stores, call.request.version)
    // The recipient cache wakes nobody: it changes with what the user sends, and waits for the next Sync.
    const asked = said.folders.filter(id => !isRecipients(call, id)), there = new Map(folders.map(folder => [folder.id, folder]))
    // Where nobody can say which collections there are, those asked for are watched all the same.
    const lost = asked.some(id => !there.has(id) && !(away && holdsObjects(id)))
    if (lost || (!away && hierarchyMoved(call, folders))) return answer(hierarchyChanged)
    cache.set(`ping:${scope}`, said, { seconds: 30 * 86_400 })

    const watched = asked.filter(id => there.get(id)?.selectable ?? true)
    return { kind: 'waiting', answer: wait(call, watched, said.heartbeat) }
  },

  refuse: kind => el('Ping:Ping', [el('Ping:Status', status[kind] ?? '8')]),
}

const answer = (value: string, more: readonly Node[] = []): Answer => wbxml(el('Ping:Ping', [el('Ping:Status', value), ...more]))

/** A function of its own and no async one, so that what the request came with can go while this waits. */
function wait({ waits, scope, client, stores, log, now, counted, metrics, cache, facts }: Call, folders: readonly FolderId[], seconds: number): Promise<Answer> {
  // A Sync beside this wait moves the device on.
  const standing = (id: FolderId): Standing => cache.get<Standing>(`cursor:${scope}:${id}`)
  const woken = waitForChange({ waits, scope, client, stores, log, now, counted, metrics }, folders, standing, seconds)
  return woken.then(how => how.kind === 'changed' ? news(how.folders, facts) : answer(expired))
}

function news(folders: readonly FolderId[], facts: Facts): Answer {
  facts['changed'] = folders.length
  return answer(changed, [el('Ping:Folders', folders.map(id => el('Ping:Folder', id)))])
}

/** What this request says, completed by what an earlier one did; or the status that refuses it. */
function readPing({ body, cache, scope, settings }: Call): Parameters | { status: string; more?: Node[] } {
  const before = cache.get<Parameters>(`ping:${scope}`)
  const heartbeat = (body && readHeartbeat(body)) ?? before?.heartbeat
  const list = body && child(body, 'Ping:Folders')
  const folders = list ? children(list, 'Ping:Folder').map(readFolder) : before?.folders
  if (heartbeat === undefined || !folders?.length) return { status: incomplete }
  const { min, max } = settings.heartbeat
  if (heartbeat < min || heartbeat > max) {
    return { status: outOfBounds, more: [el('Ping:HeartbeatInterval', String(heartbeat < min ? min : max))] }
  }
  if (new Set(folders).size < folders.length) throw new Failure('malformed', 'a folder twice')
  if (folders.length > settings.pingFolders) return { status: tooMany, more: [el('Ping:MaxFolders', String(settings.pingFolders))] }
  return { heartbeat, folders }
}

function readHeartbeat(body: Element): number | undefined {
  const value = text(body, 'Ping:HeartbeatInterval')
  if (value !== undefined && !/^\d{1,9}$/.test(value)) throw new Failure('malformed', 'HeartbeatInterval')
  return value === undefined ? undefined : Number(value)
}

function readFolder(folder: Element): FolderId {
  const id = text(folder, 'Ping:Id')
  if (!id) throw new Failure('malformed', 'a folder without Id')
  return id as FolderId
}

/** Whether the hierarchy is not the one FolderSync told this device last. Said once: some devices do not listen. */
function hierarchyMoved(call: Call, folders: readonly Folder[]): boolean {
  const { cache, scope, settings, stores } = call
  const told = cache.get<string>(`told:${scope}`)
  if (told === undefined) return false
  const now = hierarchyKey({ secret: settings.secret, account: stores.person.account }, hierarchyOf(call, folders))
  if (told === now) return false
  cache.set(`told:${scope}`, now)
  return true
}
