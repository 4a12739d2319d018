import { Failure, stale, type Kind } from '../../base/failure.ts'
import { fresh, type MailCursor } from '../../model/cursor.ts'
import type { Folder, FolderId } from '../../model/folder.ts'
import { parseSyncKey } from '../../state/sync-key.ts'
import { child, children, el, text, type Element, type Node } from '../../wire/wbxml.ts'
import { wbxml, type Call, type Command } from '../command.ts'
import { wholeConversations } from '../conversation-mode.ts'
import { filterDay, isFilterOf } from '../filter.ts'
import { classes } from '../folder-type.ts'
import { folderOf } from '../folders.ts'
import { outcome } from '../outcome.ts'
import { isRecipients } from '../recipients.ts'
import { since } from '../versions.ts'
import { estimateObjects } from './sync-objects.ts'
import { estimateRecipients } from './sync-recipients.ts'
import { readConversationMode } from './sync-request.ts'

/** [MS-ASCMD] Status (GetItemEstimate), for one collection. */
const collectionStatus: Partial<Record<Kind, string>> = {
  'not-found': '2', denied: '2', stale: '4', malformed: '103', unsupported: '110',
}
const notPrimed = '3'
const mostCollections = 300
/** Collections asked of at the same time. */
const together = 16

/** Common Status Codes, for the whole request. */
const status: Partial<Record<Kind, string>> = { malformed: '103', unavailable: '111' }

// [MS-ASCMD] GetItemEstimate
export const getItemEstimate: Command = {
  async run(call) {
    const list = call.body && child(call.body, 'GetItemEstimate:Collections')
    const collections = list ? children(list, 'GetItemEstimate:Collection') : []
    if (collections.length === 0 || collections.length > mostCollections) throw new Failure('malformed', 'number of collections')
    call.facts['collections'] = collections.length
    const responses: Node[] = []
    for (let at = 0; at < collections.length; at += together) {
      const some = collections.slice(at, at + together), found = await Promise.all(some.map(one => outcome(estimate(call, one))))
      responses.push(...some.map((collection, index) => response(call, collection, found[index]!)))
    }
    return wbxml(el('GetItemEstimate:GetItemEstimate', responses))
  },

  refuse: kind => el('GetItemEstimate:GetItemEstimate', [el('GetItemEstimate:Status', status[kind] ?? '110')]),
}

/** How many items a Sync with this key would still tell about; `not primed` for key 0. */
async function estimate(call: Call, collection: Element): Promise<number | 'not primed'> {
  const id = text(collection, 'GetItemEstimate:CollectionId')
  const key = text(collection, 'AirSync:SyncKey')
  if (!id || !key) throw new Failure('malformed', 'Collection without CollectionId or SyncKey')
  const { mail, person } = call.stores
  const maxItems = maxItemsOf(collection)
  if (isRecipients(call, id)) return key === '0' ? 'not primed' : estimateRecipients(call, key, maxItems)
  if (maxItems !== undefined) throw new Failure('not-found', 'MaxItems of a collection that has none')
  const folder = await folderOf(call.stores, id as FolderId)
  if (key === '0') return 'not primed'
  checkClasses(collection)
  if (folder.content !== 'mail') {
    if (readConversationMode(collection)) throw new Failure('malformed', 'ConversationMode of what is no mail')
    return estimateObjects(call, folder, key, filterOf(collection))
  }
  const { cursor, options } = parseSyncKey(call.settings.secret, person.account, folder.id, key)
  const filter = filterOf(collection) ?? options?.filter ?? 0
  if (!isFilterOf('mail', filter)) throw new Failure(filter > 8 ? 'malformed' : 'unsupported', `FilterType ${filter}`)
  if (!folder.selectable) return 0
  const held = cursor.validity === 0 ? undefined : cursor, day = filterDay(filter, call.now())
  const items = await mail.estimate(folder.id, held, day)
  return day > 0 && readConversationMode(collection) ? items + await estimateConversations(call, folder, held, day) : items
}

/** As many changes as a Sync tells at once: of these a Sync would find what else belongs to their conversations. */
const window = 512

/** [MS-ASCMD] ConversationMode (GetItemEstimate): what whole conversations add to what is within the filter; those that stay take away from it. */
async function estimateConversations(call: Call, folder: Folder, held: MailCursor | undefined, day: number): Promise<number> {
  const changes = await call.stores.mail.changes(folder.id, held, { window, since: day })
  const whole = await wholeConversations(call, { folder, cursor: held ?? fresh, since: day }, changes)
  return whole.older.length + whole.aged.length - changes.aged.length
}

// [MS-ASCMD] MaxItems (GetItemEstimate)
function maxItemsOf(collection: Element): number | undefined {
  const options = child(collection, 'AirSync:Options')
  const max = options && text(options, 'AirSync:MaxItems')
  if (max !== undefined && !/^\d{1,9}$/.test(max)) throw new Failure('malformed', 'MaxItems')
  return max === undefined ? undefined : Number(max)
}

/** [MS-ASCMD] Class (GetItemEstimate): nothing but mail and SMS is looked at together; what else is asked for gets a status of 4. */
function checkClasses(collection: Element): void {
  const classes = children(collection, 'AirSync:Options').map(block => text(block, 'AirSync:Class') ?? 'Email')
  const together = classes.length < 2 || (classes.length === 2 && classes.includes('SMS') && classes.includes('Email'))
  if (!together) throw stale('options', 'Options of classes that do not go together')
}

/** Up to 12.1 FilterType stands in the collection, from 14.0 in its Options, where a block for the SMS class does not count. */
function filterOf(collection: Element): number | undefined {
  const options = children(collection, 'AirSync:Options').find(block => text(block, 'AirSync:Class') !== 'SMS')
  const filter = (options && text(options, 'AirSync:FilterType')) ?? text(collection, 'AirSync:FilterType')
  return filter === undefined ? undefined : /^\d{1,3}$/.test(filter) ? Number(filter) : Infinity
}

function response(call: Call, collection: Element, found: number | 'not primed' | Failure): Node {
  if (found instanceof Failure && !collectionStatus[found.kind]) throw found
  const value = found === 'not primed' ? notPrimed : found instanceof Failure ? collectionStatus[found.kind]! : '1'
  return el('GetItemEstimate:Response', [
    el('GetItemEstimate:Status', value),
    el('GetItemEstimate:Collection', [
      ...(since(call.request.version, '14.0') ? [] : [el('GetItemEstimate:Class', text(collection, 'GetItemEstimate:Class') ?? classes.mail)]),
      el('GetItemEstimate:CollectionId', text(collection, 'GetItemEstimate:CollectionId') ?? ''),
      el('GetItemEstimate:Estimate', String(typeof found === 'number' ? found : 0)),
    ]),
  ])
}
