import type { DeviceStore } from '../base/devices.ts'
import type { Counted, Facts, Visit } from '../base/front.ts'
import type { Kind } from '../base/failure.ts'
import type { Log } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Shared } from '../base/shared.ts'
import type { Made } from '../formats/mime-splice.ts'
import type { Zones } from '../formats/zones.ts'
import type { Stores } from '../model/ports.ts'
import type { Zone } from '../model/zone.ts'
import type { Cache } from '../state/cache.ts'
import type { Element, Node } from '../wire/wbxml.ts'
import type { EasRequest } from './request.ts'
import type { EasSettings } from './settings.ts'
import type { Waits } from './waits.ts'

export type Clocks = { readonly zone: Zone; readonly zones: Zones }

/** Everything a command may touch. */
export type Call = {
  readonly request: EasRequest
  /** The decoded WBXML body; undefined when the request had none. */
  readonly body: Element | undefined
  /** The message a client sends: the whole of the body up to 12.1, else Mime. Begins with octets that are there; read once. */
  readonly message: Made | undefined
  /** The user's stores, opened for this request. */
  readonly stores: Stores
  /** What this process remembers: it makes things faster. */
  readonly cache: Cache
  /** What the site remembers: it keeps things from being done twice, and clients from beginning anew. */
  readonly shared: Shared
  /** Where a site keeps what it knows of devices; absent where it keeps nothing. */
  readonly devices?: DeviceStore | undefined
  /** Account and device, the prefix of every name in either memory that belongs to them. */
  readonly scope: string
  readonly settings: EasSettings
  /** Its signal ends when the client went away. */
  readonly client: Pick<Visit, 'signal'>
  /** Waiting requests by scope: see `enterWait`. */
  readonly waits: Waits
  /** The zone of the user, and all there are. */
  readonly clocks: Clocks
  readonly log: Log
  /** What the log line of this request will say. */
  readonly facts: Facts
  /** What is counted of it. */
  readonly counted: Counted
  readonly metrics: Metrics
  readonly now: () => Date
}

/**
 * A WBXML tree, whose octets may be kept while they are written (`done` is called with all of them, unless they are more than
 * `most`); the octets of a tree written before; nothing (HTTP 200 with an empty body); or octets of another type (GetAttachment).
 */
export type Answer =
  | { readonly kind: 'wbxml'; readonly root: Node; readonly keep?: { readonly most: number; done(bytes: Uint8Array): void } }
  | { readonly kind: 'stored'; readonly bytes: Uint8Array }
  | { readonly kind: 'empty' }
  | { readonly kind: 'octets'; readonly type: string; readonly body: AsyncIterable<Uint8Array>; readonly length?: number }

/** A wait for something to happen, for up to an hour: what holds on to it should be little. */
export type Waiting = { readonly kind: 'waiting'; readonly answer: Promise<Answer> }

export const wbxml = (root: Node): Answer => ({ kind: 'wbxml', root })
export const empty: Answer = { kind: 'empty' }

export type Command = {
  run(call: Call): Promise<Answer | Waiting>
  /** The command's own well-formed answer to a failure `run` threw; a number is an HTTP status. */
  refuse(kind: Kind, call: Call): Node | number
}
