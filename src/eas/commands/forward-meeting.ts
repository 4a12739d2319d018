import { Failure } from '../../base/failure.ts'
import { patchEvent } from '../../formats/event-patch.ts'
import { readEvent } from '../../formats/event-read.ts'
import { htmlToText } from '../../formats/html.ts'
import { match, originalNear } from '../../formats/series.ts'
import type { FolderId } from '../../model/folder.ts'
import { namesObject } from '../../state/item-id.ts'
import { child, text, type Element } from '../../wire/wbxml.ts'
import { empty, type Answer, type Call } from '../command.ts'
import { objectsOf } from '../folders.ts'
import { sendMeetingMail } from '../meeting-mail.ts'
import { namesOf } from '../object-names.ts'
import { since } from '../versions.ts'
import { compactDate, readForwardees, Refusal } from './forwardees.ts'

/** [MS-ASCMD] Common Status Codes. */
const badInstance = '104', notRecurring = '146', notBoth = '178'

/**
 * [MS-ASCMD] Forwardees, 16.0 and later, of an item of the calendar: they are invited by mail, the organizer stays. Undefined for a source
 * that is a message.
 */
export async function forwardMeeting(call: Call, body: Element): Promise<Answer | undefined> {
  const source = child(body, 'ComposeMail:Source')
  const id = source && (text(source, 'ComposeMail:LongId') ?? text(source, 'ComposeMail:ItemId'))
  if (!id || !namesObject(id)) return undefined
  if (!since(call.request.version, '16.0')) throw new Failure('not-found', 'a calendar item before 16.0')
  if (child(body, 'ComposeMail:Mime')) throw new Refusal(notBoth)
  const { named, type, said } = readForwardees(body)
  const stored = await read(call, id)
  const instance = text(source, 'ComposeMail:InstanceId')
  const { octets, original } = instance === undefined ? { octets: stored, original: undefined } : occurrence(call, stored, instance)
  await sendMeetingMail(call, {
    method: 'REQUEST', stored: octets, original, to: named, prefix: 'FW: ',
    ...(said === '' ? {} : { text: type === '2' ? { plain: htmlToText(said), html: said } : { plain: said, html: undefined } }),
  })
  return empty
}

async function read({ stores: { objects } }: Call, id: string): Promise<Uint8Array> {
  const store = objectsOf(objects), folder = id.slice(0, id.indexOf(':')) as FolderId
  const [name] = await namesOf(store, folder, [id])
  const found = name === undefined ? undefined : await store.read(folder, name)
  if (!found) throw new Failure('not-found', 'no such event')
  return found.octets
}

/** One of a series, as an exception of it. */
function occurrence({ clocks, now }: Call, octets: Uint8Array, instance: string) {
  const event = readEvent(octets, clocks)
  if (!event.series) throw new Refusal(notRecurring)
  const at = Date.parse(instance.replace(compactDate, '$1-$2-$3T$4:$5:$6'))
  const original = Number.isNaN(at) ? undefined : originalNear(event, at)
  if (original === undefined) throw new Refusal(badInstance)
  if (event.exceptions.some(one => match(one.original, event.start) === original)) return { octets, original }
  const context = { ...clocks, now: now().getTime(), received: true, agent: undefined }
  return { octets: patchEvent(octets, { exceptions: [{ original, change: {} }] }, context), original }
}
