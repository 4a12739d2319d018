import type { Time, Zone } from './zone.ts'

export type Person = { readonly name?: string; readonly address: string }

/** RFC 5545, Participation Role and Calendar User Type, as far as they matter: who must come, may come, or is a room. */
export type Kind = 'required' | 'optional' | 'resource'
/** RFC 5545, Participation Status: `none` is NEEDS-ACTION, `unknown` what is no answer (DELEGATED and others). */
export type Answer = 'none' | 'accepted' | 'tentative' | 'declined' | 'unknown'
export type Attendee = Person & {
  readonly kind: Kind
  readonly answer: Answer
  readonly asked: boolean
  /** RFC 5546, COUNTER: instants, of what is proposed in place of when it is. */
  readonly proposed?: Period
}

export type Period = { readonly start: number; readonly end: number }

export type Sensitivity = 'normal' | 'personal' | 'private' | 'confidential'
export type Busy = 'free' | 'tentative' | 'busy' | 'oof' | 'elsewhere'

/** Where it is; what is known beside the name comes from the phone's map. Degrees and metres, as they were told. */
export type Place = {
  readonly name: string
  readonly annotation?: string
  readonly street?: string
  readonly city?: string
  readonly state?: string
  readonly country?: string
  readonly postalCode?: string
  readonly latitude?: string
  readonly longitude?: string
  readonly accuracy?: string
  readonly altitude?: string
  readonly altitudeAccuracy?: string
  readonly uri?: string
}

/** Text of an event. `html` is what its writer had, `plain` goes along with it. */
export type EventBody = { readonly plain: string; readonly html: string | undefined }

/** A file of an event: its octets in the object, or a place where they are (RFC 8607: `managed` is what the server calls it). `id` names it within the object. */
export type EventFile = {
  readonly id: string
  readonly name: string
  readonly type: string
  /** Octets; of a managed attachment, as it was told. */
  readonly size: number | undefined
  readonly content: { readonly uri: string; readonly managed: string | undefined } | { octets(): Uint8Array }
}

/** What an event says of itself, and an exception in its stead. */
export type Occasion = {
  readonly start: Time
  readonly end: Time
  /** The date alone counts, or the day in the zone of the start. */
  readonly allDay: boolean
  readonly summary: string
  readonly body: EventBody
  readonly place: Place | undefined
  readonly categories: readonly string[]
  readonly sensitivity: Sensitivity
  readonly busy: Busy
  readonly cancelled: boolean
  /** Minutes before the start. */
  readonly reminder: number | undefined
  readonly organizer: Person | undefined
  readonly attendees: readonly Attendee[]
  readonly counterDisallowed: boolean
  /** Instants: when it was last written, and when the user answered. */
  readonly stamp: number | undefined
  readonly answered: number | undefined
  readonly conference: string | undefined
  readonly externalConference: string | undefined
  readonly files: readonly EventFile[]
}

/** RFC 5545, Recurrence Rule: parts by their names, in upper case. */
export type RuleParts = Readonly<Record<string, string>>

/** What repeats an event. */
export type Series = {
  readonly rules: readonly RuleParts[]
  /** EXRULE of RFC 2445, which few still write. */
  readonly exceptRules: readonly RuleParts[]
  /** RDATE, and starts that are left out. */
  readonly dates: readonly Time[]
  readonly excluded: readonly Time[]
}

/** An occurrence that is not as the series has it; `original` is when it would have begun. */
export type Exception = Occasion & {
  readonly original: Time
  /** All occurrences from this one on are moved with it: RFC 5545, THISANDFUTURE. */
  readonly following: boolean
}

export type Event = Occasion & {
  readonly uid: string
  readonly sequence: number
  readonly series: Series | undefined
  /** In order of their originals, each original once. */
  readonly exceptions: readonly Exception[]
  /** The object has exceptions only: of a series whose rest the user was not invited to. */
  readonly partial: boolean
}

/** When it is: instants, or of an all-day event the midnights of its dates in UTC, the end not included; and by whose clocks. */
export type When = { readonly start: number; readonly end: number; readonly allDay: boolean; readonly zone: Zone }

export type NewFile = { readonly name: string; readonly type: string; readonly octets: Uint8Array }

/** What is to change; what is undefined stays, null takes it away. */
export type OccasionPatch = {
  readonly when?: When | undefined
  readonly summary?: string | undefined
  readonly body?: EventBody | undefined
  readonly place?: Place | null | undefined
  readonly categories?: readonly string[] | undefined
  readonly sensitivity?: Sensitivity | undefined
  readonly busy?: Busy | undefined
  readonly cancelled?: boolean | undefined
  readonly reminder?: number | null | undefined
  readonly organizer?: Person | undefined
  /** All of them, but for the organizer. */
  readonly attendees?: readonly Attendee[] | undefined
  readonly counterDisallowed?: boolean | undefined
  readonly addFiles?: readonly NewFile[] | undefined
  /** Ids. */
  readonly removeFiles?: readonly string[] | undefined
}

export type ExceptionPatch = {
  /** The instant at which the occurrence would have begun; it must be one of the series. */
  readonly original: number
  /** `remove`: it does not happen. */
  readonly change: OccasionPatch | 'remove'
}

export type EventPatch = OccasionPatch & {
  /** Of a new event. */
  readonly uid?: string
  /** Null makes a single event of a series. */
  readonly rule?: RuleParts | null | undefined
  readonly exceptions?: readonly ExceptionPatch[] | undefined
  /** Exceptions and what is left out go first. */
  readonly dropExceptions?: boolean | undefined
}
