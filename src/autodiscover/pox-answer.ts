import { hash } from 'node:crypto'
import { hostname } from 'node:os'
import type { Stores } from '../model/ports.ts'
import { mark, type Markup } from '../wire/xml-write.ts'
import type { Ask, Elsewhere } from './house.ts'

/** [MS-OXDSCLI] ErrorCode and Message. */
export type PoxFault = { readonly code: string; readonly message: string }

/** What one response schema says; each answers the whole document, or the error that stands in its place. */
export type Schema = {
  readonly name: string
  settings(ask: Ask, address: string, stores: Stores): Promise<Markup | PoxFault>
  elsewhere(ask: Ask, address: string, to: Elsewhere): Markup
  /** Of an address that is not of the user who asks. */
  notYours(ask: Ask, address: string): Markup
}

const space = 'http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006'

/** [MS-ASCMD] Autodiscover Response Schema: `schema` is the namespace of what is in it. */
export const response = (schema: string | undefined, content: readonly Markup[]): Markup =>
  mark('Autodiscover', [mark('Response', content, schema === undefined ? {} : { xmlns: schema })], { xmlns: space })

/** [MS-OXDSCLI] Error. Id is the server's number, DebugData the request's id in its log. */
export const errorOf = ({ now, visit }: Ask, { code, message }: PoxFault): Markup => mark('Error', [
  mark('ErrorCode', code), mark('Message', message), mark('DebugData', visit.id),
], { Time: `${now.toISOString().slice(11, 23)}0000`, Id: serverId })

export const errorAnswer = (ask: Ask, fault: PoxFault): Markup => response(undefined, [errorOf(ask, fault)])

/** The same for each process of a host, and another for another host. */
const serverId = String(parseInt(hash('sha256', hostname()).slice(0, 8), 16))
