import { createHash } from 'node:crypto'
import type { EventFile } from '../model/event.ts'
import { cleanText } from './charset.ts'
import { rawValue, type Line } from './content-lines.ts'
import type { Property } from './icalendar.ts'

const nameParameters = ['FILENAME', 'X-FILENAME', 'X-APPLE-FILENAME', 'X-ORACLE-FILENAME', 'X-LABEL']

/**
 * RFC 5545, Attachment, in the object or in the web; RFC 8607, Managed Attachments, beside it.
 */
export function fileOf(attach: Property, line: Line): EventFile | undefined {
  const { parameters } = attach
  const named = nameParameters.map(name => parameters[name]).find(name => name)
  const name = cleanText(named ?? (isInline(attach) ? '' : lastSegment(attach.value))).replace(/[\\/:*?"<>|\s]+/g, ' ').trim().slice(0, 200) || 'attachment'
  const type = parameters['FMTTYPE']?.trim().toLowerCase() || 'application/octet-stream'
  const size = /^\d{1,12}$/.test(parameters['SIZE'] ?? '') ? Number(parameters['SIZE']) : undefined
  const managed = parameters['MANAGED-ID']
  if (!isInline(attach)) {
    const uri = attach.value.trim()
    return managed || /^https?:\/\//i.test(uri) ? { id: managed ? managedId(managed) : `u${digestOf(uri)}`, name, type, size, content: { uri, managed } } : undefined
  }
  const encoded = rawValue(line).replace(/\s/g, '')
  const id = inlineId(encoded)
  const length = Math.floor(encoded.replace(/=+$/, '').length * 3 / 4)
  return { id, name, type, size: length, content: { octets: () => Buffer.from(encoded, 'base64') } }
}

/** What a file in the object is called, by its octets in base64. */
export const inlineId = (base64: string): string => `h${digestOf(base64)}`

/** The same of one that the server calls so; what has no room in a FileReference goes by its digest. */
export const managedId = (id: string): string => /^[\x21-\x7e]{1,100}$/.test(id) ? `m${id}` : `d${digestOf(id)}`

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 24)

/** What an address ends with, decoded. */
function lastSegment(uri: string): string {
  const last = URL.parse(uri.trim())?.pathname.split('/').at(-1) ?? ''
  try {
    return decodeURIComponent(last)
  } catch {
    return last
  }
}

const isInline = ({ parameters }: Property): boolean =>
  parameters['VALUE']?.toUpperCase() === 'BINARY' || parameters['ENCODING']?.toUpperCase() === 'BASE64'
