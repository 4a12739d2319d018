import { Failure } from '../base/failure.ts'
import { isSameAddress } from '../formats/event-people.ts'
import { readEvent } from '../formats/event-read.ts'
import { parseAddresses, parseHeader, rawField } from '../formats/header.ts'
import type { Invitation } from '../formats/invitation.ts'
import { takeReply, type Answered, type Reply } from '../formats/itip.ts'
import { match } from '../formats/series.ts'
import type { Message } from '../model/message.ts'
import type { Call } from './command.ts'
import { findEvent } from './invitations.ts'
import { isOwn } from './map/calendar-values.ts'
import { outcome } from './outcome.ts'

type Heard = Omit<Reply, 'original'> & { readonly uid: string; readonly instance: number | undefined }

const answers: Readonly<Record<string, Answered['answer']>> = { ACCEPTED: 'accepted', TENTATIVE: 'tentative', DECLINED: 'declined' }

/** Replies of one answer that are followed; days they are remembered. */
const most = 50, seconds = 7 * 24 * 60 * 60

/**
 * [MS-ASCAL] Creating a New Meeting Request: what those who were invited answer comes by mail, and the organizer's event tells it. It is
 * looked at when a phone is first told of the mail, beside the Sync and never in its way.
 */
export class Replies {
  readonly #heard: Heard[] = []

  /** Somebody may answer for himself only. */
  readonly heard = ({ header }: Message, { method, uid, sequence, stamp, attendees: [attendee], instance }: Invitation): void => {
    const answer = method === 'REPLY' ? answers[attendee?.status ?? ''] : undefined
    if (!answer || !attendee || this.#heard.length >= most) return
    const [from] = parseAddresses(rawField(parseHeader(header), 'from') ?? '')
    if (!from || !isSameAddress(from.address, attendee.address)) return
    this.#heard.push({ uid, sequence, stamp: stamp.getTime(), attendee: attendee.address, answer, instance: instance?.getTime() })
  }

  take(call: Call): void {
    if (this.#heard.length === 0 || !call.stores.objects) return
    takeAll(call, this.#heard).catch((error: unknown) => {
      if (error instanceof Failure) call.log.warn({ kind: error.kind, why: error.message }, 'an answer to a meeting was not noted')
      else call.log.error({ err: error }, 'an answer to a meeting was not noted')
    })
  }
}

/** The oldest first, so that each event is written as seldom as can be. */
async function takeAll(call: Call, heard: readonly Heard[]): Promise<void> {
  if (await call.stores.objects!.schedules()) return
  for (const one of [...heard].sort((a, b) => a.stamp - b.stamp)) {
    const slot = `reply:${call.stores.person.login}:${JSON.stringify(one)}`
    if (call.cache.get<boolean>(slot)) continue
    await takeOne(call, one)
    call.cache.set(slot, true, { seconds })
  }
}

async function takeOne(call: Call, { uid, instance, ...reply }: Heard, again = false): Promise<void> {
  const placed = await findEvent(call, uid)
  if (!placed) return
  const { folder, object } = placed
  const event = readEvent(object.octets, call.clocks)
  if (!isOwn(event.organizer, call.stores.person.addresses)) return
  const original = instance === undefined ? undefined : match({ ...event.start, at: instance, local: instance }, event.start)
  const octets = takeReply(object.octets, { ...reply, original }, call.clocks)
  if (Buffer.compare(octets, object.octets) === 0) return
  const written = await outcome(call.stores.objects!.write(folder.id, object.name, octets, { etag: object.etag }))
  if (!(written instanceof Failure)) return
  if (again || written.kind !== 'conflict') throw written
  await takeOne(call, { uid, instance, ...reply }, true)
}
