import { createHash } from 'node:crypto'
import type { EventFile } from '../model/event.ts'
import { cleanText } from './charset.ts'
import { rawValue, type Line } from './content-lines.ts'
import type { Property } from './icalendar.ts'

const nameParameters = ['FILENAME', 'X-FILENAME', 'X-APPLE-FILENAME', 'X-ORACLE-FILENAME', 'X-LABEL']

/**
 * RFC 5545, Attachment, in the object; RFC 8607, Managed Attachments, beside it. Undefined for a link to somewhere else, which is
 * no file of this event.
 */
export function fileOf(attach: Property, line: Line): EventFile | undefined {
  const { parameters } = attach
  const named = nameParameters.map(name => parameters[name]).find(name => name)
  const name = cleanText(named ?? '').replace(/[\\/:*?"<>|\s]+/g, ' ').trim().slice(0, 200) || 'attachment'
  const type = parameters['FMTTYPE']?.trim().toLowerCase() || 'application/octet-stream'
  const size = /^\d{1,12}$/.test(parameters['SIZE'] ?? '') ? Number(parameters['SIZE']) : undefined
  const managed = parameters['MANAGED-ID']
  if (managed) return { id: `m${managed.slice(0, 200)}`, name, type, size, content: { uri: attach.value.trim() } }
  if (!isInline(attach)) return undefined
  const encoded = rawValue(line).replace(/\s/g, '')
  const id = inlineId(encoded)
  const length = Math.floor(encoded.replace(/=+$/, '').length * 3 / 4)
  return { id, name, type, size: length, content: { octets: () => Buffer.from(encoded, 'base64') } }
}

/** What a file in the object is called, by its octets in base64. */
export const inlineId = (base64: string): string => `h${createHash('sha256').update(base64, 'latin1').digest('hex').slice(0, 24)}`

const isInline = ({ parameters }: Property): boolean =>
  parameters['VALUE']?.toUpperCase() === 'BINARY' || parameters['ENCODING']?.toUpperCase() === 'BASE64'
