import { decodeText } from '../../src/formats/charset.ts'
import { field, parseHeader } from '../../src/formats/header.ts'
import { attachments } from '../../src/formats/structure.ts'
import { decodeTransfer } from '../../src/formats/transfer-encoding.ts'
import type { Message, Part } from '../../src/model/message.ts'
import type { MailQuery } from '../../src/model/query.ts'
import type { Told } from './mime-tree.ts'

/** Whether a message is what a query asks for, as a server that decodes everything would say. */
export function matches(query: MailQuery, message: Message, told: Told): boolean {
  const has = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase())
  switch (query.kind) {
    case 'and': return query.of.every(one => matches(one, message, told))
    case 'or': return query.of.some(one => matches(one, message, told))
    case 'not': return !matches(query.of, message, told)
    case 'since': return message.received >= query.at
    case 'before': return message.received < query.at
    case 'flag': return message.flags.has(query.flag)
    case 'attachment': return attachments(message.structure).length > 0
    case 'body': return has(bodyOf(message.structure, told), query.text)
    case 'field': return has(fieldOf(message, query.field), query.text)
    case 'text': return has(headOf(message), query.text) || has(bodyOf(message.structure, told), query.text)
  }
}

const fieldOf = (message: Message, name: string): string => field(parseHeader(message.header), name) ?? ''
const headOf = (message: Message): string => parseHeader(message.header).fields.map(({ name }) => fieldOf(message, name)).join('\n')

const bodyOf = (part: Part, told: Told): string => part.children.length > 0
  ? part.children.map(child => bodyOf(child, told)).join('\n')
  : decodeText(decodeTransfer(told.part(part.section) ?? new Uint8Array(), part.encoding), part.parameters['charset'])
