import type { XmlElement } from '../wire/xml-read.ts'
import { mark, type Markup } from '../wire/xml-write.ts'
import type { Ask, Asker } from './house.ts'

/** What stands in the Response element of an operation, given its Request element. */
export type Operation = (ask: Ask, request: XmlElement, asker: Asker) => Promise<readonly Markup[]>

/** [MS-OXWSADISC] ErrorCode, ErrorMessage. */
export const fault = (code: string, message: string): Markup[] => [mark('ErrorCode', code), mark('ErrorMessage', message)]

/** A string that is not there: XML Schema, xsi:nil. */
export const nil = (name: string): Markup => mark(name, '', { 'i:nil': 'true' })
