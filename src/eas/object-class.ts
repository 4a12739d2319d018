import type { Log } from '../base/log.ts'
import type { ObjectContent } from '../model/folder.ts'
import type { BodyPreference } from '../state/sync-options.ts'
import type { Element, Node } from '../wire/wbxml.ts'
import type { Clocks } from './command.ts'
import type { Version } from './versions.ts'

/** What the mapping of one object must know beside the object itself. */
export type ObjectContext = Clocks & {
  readonly version: Version
  readonly userAgent: string | undefined
  /** Body types the client wants; none: plain text. */
  readonly bodies: readonly BodyPreference[]
  readonly person: { readonly displayName: string | undefined; readonly addresses: readonly string[] }
  /**
   * [MS-ASCMD] Supported: of these elements, those the client leaves out are to be cleared, of others kept; undefined where it named
   * none, so that all are cleared. Where it is not known any more what a client named, none are.
   */
  readonly supported: ReadonlySet<string> | undefined
  /** [MS-ASAIRS] InstanceId: the one occurrence of a series that is meant, as the client wrote it. */
  readonly instance?: string | undefined
  /** The FileReference of a file of the object, by the id it has there. */
  readonly reference: (file: string) => string
  /** Whether an address is at the user's own server of objects. */
  readonly isHere?: ((uri: string) => boolean) | undefined
  readonly now: Date
  readonly log: Log
}

/**
 * How objects of one class look to a client, and what a client's data makes of them. Both throw `malformed` for what cannot be
 * understood.
 */
export type ObjectClass = {
  /** Children of ApplicationData; undefined for an object that a folder of this class does not show. */
  say(octets: Uint8Array, context: ObjectContext): readonly Node[] | undefined
  /** What is stored with what the client sent in it; without `stored` a new object. */
  hear(stored: Uint8Array | undefined, data: Element, context: ObjectContext): Uint8Array
  /** Whether a client that has just said this must be told what came of it: it would take a later state for something else. */
  isNews?(stored: Uint8Array, data: Element, context: ObjectContext): boolean
  /** What the client calls an object it makes, whoever of its user's devices: where there is one of that name already it is meant. */
  clientUid?(data: Element): string | undefined
  /** What the answer to an Add says of what came of it. */
  made?(octets: Uint8Array, context: ObjectContext): readonly Node[]
  /** What the answer to an Add or a Change says of files that came with it. */
  filed?(data: Element, context: ObjectContext): readonly Node[]
  /** The occurrence of a series that is meant, by its RECURRENCE-ID, as RFC 8607 names it. */
  occurrence?(stored: Uint8Array, instance: string, context: ObjectContext): string
  /** What is to be stored beside the object that the client's data makes of `stored`. */
  beside?(stored: Uint8Array, data: Element, context: ObjectContext): Uint8Array | undefined
  /** Without one occurrence of a series: a Delete with an InstanceId. */
  cut?(stored: Uint8Array, instance: string, context: ObjectContext): Uint8Array
  /** RFC 5545: what an object must have to be shown, where a collection may hold several kinds. */
  readonly component?: string
  /** What a name ends with in a collection of these. */
  readonly ending: '.ics' | '.vcf' | ''
  /** Others may be invited to what it is, who hear of changes by mail. */
  readonly meets?: boolean
  /** What a client is told of it is of a time around now, and runs out. */
  isPassing?(octets: Uint8Array, context: ObjectContext): boolean
  /** A time filter applies. */
  readonly timed?: boolean
  /** The object is a task that is done, which `incompleteOnly` leaves out. */
  isDone?(octets: Uint8Array, context: ObjectContext): boolean
}

export type ObjectClasses = Readonly<Record<ObjectContent, ObjectClass>>
