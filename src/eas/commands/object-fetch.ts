import { Failure } from '../../base/failure.ts'
import { holdsObjects, type FolderId } from '../../model/folder.ts'
import { defaultOptions } from '../../state/sync-options.ts'
import { el, type Node } from '../../wire/wbxml.ts'
import type { Call } from '../command.ts'
import { classes } from '../folder-type.ts'
import { folderOf, objectsOf } from '../folders.ts'
import type { BodyWish } from '../map/body.ts'
import { classOf, shows } from '../object-classes.ts'
import { namesOf } from '../object-names.ts'
import { outcome } from '../outcome.ts'
import { since } from '../versions.ts'
import { notFound, refusedAs, success } from './item-status.ts'
import { contextOf } from './sync-object-commands.ts'

export type FetchedObject = {
  readonly kind: 'object'
  readonly id: string
  readonly named: readonly Node[]
  readonly wish: BodyWish
  readonly schema: readonly string[] | undefined
}

// [MS-ASCMD] Fetch (ItemOperations), of an item that is no message
export async function objectAnswer(call: Call, { id, named, wish, schema }: FetchedObject): Promise<Node> {
  const found = await outcome(propertiesOf(call, id, wish))
  if (found instanceof Failure) return answer(refusedAs(found), named)
  const { name, nodes } = found
  if (!nodes) return answer(notFound, named)
  const wanted = schema ? nodes.filter(({ tag }) => schema.includes(tag)) : nodes
  const kind = since(call.request.version, '14.0') ? [el('AirSync:Class', name)] : []
  return answer(success, [...named, ...kind], [el('ItemOperations:Properties', wanted)])
}

const answer = (status: string, named: readonly Node[], rest: readonly Node[] = []): Node =>
  el('ItemOperations:Fetch', [el('ItemOperations:Status', status), ...named, ...rest])

async function propertiesOf(call: Call, id: string, { bodies }: BodyWish) {
  const folder = await folderOf(call.stores, id.slice(0, id.indexOf(':')) as FolderId)
  if (!holdsObjects(folder.id)) throw new Failure('not-found', 'no such item')
  const store = objectsOf(call.stores.objects)
  const [name] = await namesOf(store, folder.id, [id])
  const [object] = name === undefined ? [] : await store.objects(folder.id, [name])
  if (!object) throw new Failure('not-found', 'no such item')
  const kind = classOf(folder)
  return {
    name: classes[folder.content],
    nodes: shows(kind, object.octets) ? kind.say(object.octets, contextOf(call, { options: { ...defaultOptions, bodies }, supported: undefined, folder }, object.name)) : undefined,
  }
}
