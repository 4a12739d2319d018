import { Failure } from '../../base/failure.ts'
import { child, children, text, type Element, type Tag } from '../../wire/wbxml.ts'
import type { Span } from '../availability.ts'
import type { Call } from '../command.ts'
import { readCount, readPhotoWish, type PhotoWish } from '../photos.ts'
import { since } from '../versions.ts'

export type ResolveRequest = {
  readonly to: readonly string[]
  /** What is wanted of certificates. */
  readonly certificates: 'none' | 'full' | 'mini'
  /** Of the whole answer. */
  readonly mostCertificates: number
  /** Suggestions for each that is ambiguous. */
  readonly mostAmbiguous: number
  readonly availability: Span | undefined
  readonly photos: PhotoWish | undefined
}

/** [MS-ASCMD] Limiting Size of Command Requests; To: characters. */
export const mostRecipients = 100
const longestName = 256

const retrieval: Readonly<Record<string, ResolveRequest['certificates']>> = { 1: 'none', 2: 'full', 3: 'mini' }

/** [MS-ASCMD] MaxCertificates, MaxAmbiguousRecipients; suggestions of one recipient where the client sets no limit, or a higher one. */
const highest = 9999, mostSuggested = 100

const malformed = (what: string): Failure => new Failure('malformed', what)

/** [MS-ASCMD] ResolveRecipients. Throws `malformed`. */
export function readResolveRequest(call: Call): ResolveRequest {
  const { body, request: { version } } = call
  const to = body ? children(body, 'ResolveRecipients:To').map(one => one.text.trim()) : []
  if (to.length === 0 || to.length > mostRecipients) throw malformed(`${to.length} recipients to resolve`)
  if (to.some(one => one.length > longestName)) throw malformed('a recipient that is too long')
  const options = child(body!, 'ResolveRecipients:Options')
  const count = (tag: Tag): number | undefined => options && readCount(options, tag, highest)
  const certificates = retrieval[(options && text(options, 'ResolveRecipients:CertificateRetrieval')) || '1']
  if (!certificates) throw malformed('a CertificateRetrieval that is none')
  const availability = options && since(version, '14.0') ? child(options, 'ResolveRecipients:Availability') : undefined
  return {
    to, certificates,
    mostCertificates: count('ResolveRecipients:MaxCertificates') ?? highest,
    mostAmbiguous: Math.min(count('ResolveRecipients:MaxAmbiguousRecipients') ?? mostSuggested, mostSuggested),
    availability: availability && readSpan(availability),
    photos: readPhotoWish(call, options, 'ResolveRecipients'),
  }
}

const minute = 60_000, day = 24 * 60 * minute
/** [MS-ASCMD] EndTime (ResolveRecipients): the span where none is said, the longest and the shortest. */
const usual = 7 * day, longest = 42 * day, shortest = 30 * minute

/** [MS-ASDTYPE] Dates and Times. */
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/

function readSpan(availability: Element): Span {
  const at = (tag: Tag): number | undefined => {
    const said = text(availability, tag)
    return said === undefined ? undefined : time.test(said) ? Date.parse(said) : NaN
  }
  const start = at('ResolveRecipients:StartTime') ?? NaN, end = at('ResolveRecipients:EndTime') ?? start + usual
  if (!(end - start >= shortest && end - start <= longest)) throw malformed('a span of time that is none')
  return { start: new Date(start), end: new Date(end) }
}
