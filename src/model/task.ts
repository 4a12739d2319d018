import type { EventBody, RuleParts, Sensitivity } from './event.ts'
import type { Time } from './zone.ts'

export type Importance = 'low' | 'normal' | 'high'

/** RFC 5545, To-Do Component. */
export type Task = {
  readonly uid: string
  readonly summary: string
  readonly body: EventBody
  readonly categories: readonly string[]
  readonly sensitivity: Sensitivity
  readonly importance: Importance
  readonly start: Time | undefined
  readonly due: Time | undefined
  /** Undefined: it is to be done. */
  readonly completed: { readonly at: number | undefined } | undefined
  /** The instant at which somebody is reminded. */
  readonly reminder: number | undefined
  readonly rule: RuleParts | undefined
  /** What cannot be said by one rule: more rules, RDATE, EXRULE. */
  readonly ruled: boolean
  /** The next is due so long after the last was done, not after it was due. */
  readonly regenerates: boolean
  /** Where it stands among others, as a client told it: an instant, and a text for two at the same. */
  readonly ordinal: { readonly at: number | undefined; readonly sub: string | undefined }
  readonly stamp: number | undefined
}

/** A time a task is to have: a date alone (numerals of its midnight), or an instant. */
export type TaskTime = { readonly date: number } | { readonly at: number }

/** What is to change; what is undefined stays, null takes it away. */
export type TaskPatch = {
  readonly uid?: string | undefined
  readonly summary?: string | undefined
  readonly body?: EventBody | undefined
  readonly categories?: readonly string[] | undefined
  readonly sensitivity?: Sensitivity | undefined
  readonly importance?: Importance | undefined
  readonly start?: TaskTime | null | undefined
  readonly due?: TaskTime | null | undefined
  /** The instant at which it was done. */
  readonly completed?: number | null | undefined
  readonly reminder?: number | null | undefined
  readonly rule?: RuleParts | null | undefined
  readonly regenerates?: boolean | undefined
  readonly ordinal?: { readonly at?: number | undefined; readonly sub?: string | undefined } | undefined
}
