import { Failure } from '../base/failure.ts'
import { isSameAddress } from '../formats/event-people.ts'
import { readEvent } from '../formats/event-read.ts'
import { parseAddresses, parseHeader, rawField } from '../formats/header.ts'
import type { Invitation } from '../formats/invitation.ts'
import { patchEvent } from '../formats/event-patch.ts'
import { takeReply, type Answered } from '../formats/itip.ts'
import { match } from '../formats/series.ts'
import type { Period } from '../model/event.ts'
import type { Message } from '../model/message.ts'
import type { Call } from './command.ts'
import { findEvent } from './invitations.ts'
import { isOwn } from './map/calendar-values.ts'
import { happens } from './meetings.ts'
import { outcome } from './outcome.ts'

/** What somebody has said by mail of a meeting: an answer, another time, or that it does not take place. */
type News = {
  readonly uid: string
  readonly sequence: number
  readonly stamp: number
  readonly who: string
  readonly said: Answered['answer'] | 'cancelled' | undefined
  readonly proposed: Period | undefined
  readonly instance: number | undefined
}

const answers: Readonly<Record<string, Answered['answer']>> = { ACCEPTED: 'accepted', TENTATIVE: 'tentative', DECLINED: 'declined' }

/** Messages of one Sync that are followed; seconds they are remembered, and from which on they are no news. */
const most = 50, seconds = 7 * 24 * 60 * 60, old = 60 * 24 * 60 * 60

/**
 * [MS-ASCAL] Creating a New Meeting Request: what those who were invited answer, or propose, comes by mail, and the organizer's event tells it; so does
 * that of a guest when the organizer calls it off. It is looked at when a phone is first told of the mail, beside the Sync and never in its
 * way.
 */
export class MeetingNews {
  readonly #heard: News[] = []

  /** Everybody speaks for himself only. */
  readonly hear = ({ header }: Message, meeting: Invitation): void => {
    if (this.#heard.length >= most) return
    const [from] = parseAddresses(rawField(parseHeader(header), 'from') ?? '')
    const news = from && newsOf(meeting, from.address)
    if (news) this.#heard.push(news)
  }

  take(call: Call): void {
    if (this.#heard.length === 0 || !call.stores.objects) return
    const since = call.now().getTime() - old * 1000
    takeAll(call, this.#heard.filter(({ stamp }) => stamp >= since)).catch((error: unknown) => {
      if (error instanceof Failure) call.log.warn({ kind: error.kind, why: error.message }, 'news of a meeting was not noted')
      else call.log.error({ err: error }, 'news of a meeting was not noted')
    })
  }
}

function newsOf({ method, uid, sequence, stamp, attendees, organizer, instance, proposed: wanted }: Invitation, who: string): News | undefined {
  const about = { uid, sequence, stamp: stamp.getTime(), who, instance: instance?.getTime() }
  if (method === 'CANCEL') return organizer && isSameAddress(organizer.address, who) ? { ...about, said: 'cancelled', proposed: undefined } : undefined
  // A TNEF stream names nobody: it is whoever sent it.
  const attendee = method === 'REQUEST' ? undefined : attendees.find(({ address }) => address === '' || isSameAddress(address, who))
  const said = answers[attendee?.status ?? '']
  const proposed = wanted && { start: wanted.start.getTime(), end: wanted.end.getTime() }
  return attendee && (said || proposed) ? { ...about, said, proposed } : undefined
}

/** The oldest first, so that each event is written as seldom as can be. */
async function takeAll(call: Call, heard: readonly News[]): Promise<void> {
  if (await call.stores.objects!.schedules()) return
  for (const one of [...heard].sort((a, b) => a.stamp - b.stamp)) {
    const slot = `meeting-news:${call.stores.person.account}:${JSON.stringify(one)}`
    if (call.cache.get<boolean>(slot)) continue
    await takeOne(call, one)
    call.cache.set(slot, true, { seconds })
  }
}

async function takeOne(call: Call, news: News, again = false): Promise<void> {
  const placed = await findEvent(call, news.uid)
  if (!placed) return
  const { folder, object } = placed
  const octets = noted(call, object.octets, news)
  if (Buffer.compare(octets, object.octets) === 0) return
  const written = await outcome(call.stores.objects!.write(folder.id, object.name, octets, { etag: object.etag }))
  if (!(written instanceof Failure)) return
  if (again || written.kind !== 'conflict') throw written
  await takeOne(call, news, true)
}

function noted({ clocks, now, stores: { person: { addresses } } }: Call, stored: Uint8Array, { who, said, proposed, sequence, stamp, instance }: News): Uint8Array {
  const event = readEvent(stored, clocks)
  const writing = { ...clocks, now: now().getTime(), agent: undefined, received: true }
  const original = instance === undefined ? undefined : match({ ...event.start, at: instance, local: instance }, event.start)
  if (said !== 'cancelled') {
    if (!isOwn(event.organizer, addresses)) return stored
    const isSeries = original !== undefined && !event.exceptions.some(one => match(one.original, event.start) === original) && happens(event, original)
    const apart = isSeries ? patchEvent(stored, { exceptions: [{ original, change: {} }] }, writing) : stored
    const taken = takeReply(apart, { attendee: who, answer: said, proposed, sequence, stamp, original }, clocks)
    return Buffer.compare(taken, apart) === 0 ? stored : taken
  }
  // Only whoever invites calls off, and not what was invited to anew since.
  const known = event.exceptions.find(one => match(one.original, event.start) === original) ?? event
  if (!event.organizer || isOwn(event.organizer, addresses) || !isSameAddress(event.organizer.address, who) || sequence < event.sequence) return stored
  if (known.cancelled || (original !== undefined && !happens(event, original))) return stored
  const change = { cancelled: true }
  const patch = original === undefined ? change : { exceptions: [{ original, change }] }
  return patchEvent(stored, patch, writing)
}
