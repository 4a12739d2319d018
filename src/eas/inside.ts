import { Failure } from '../base/failure.ts'
import { decodeText } from '../formats/charset.ts'
import { readInvitation, type Invitation } from '../formats/invitation.ts'
import { find, firstPart, replacePart, textPieces, type TextPiece } from '../formats/structure.ts'
import { readTnef, type Tnef } from '../formats/tnef.ts'
import { tnefInvitation } from '../formats/tnef-invitation.ts'
import { decodeTransfer } from '../formats/transfer-encoding.ts'
import type { Message, Part } from '../model/message.ts'
import { isSmime, type ClassFacts } from './map/message-class.ts'
import { clientOf } from './quirks.ts'

const KB = 1024
/** Octets, as they are stored, of parts that are read to know what a message is. */
const most = { calendar: 256 * KB, report: 16 * KB, tnef: 1024 * KB }

/** A part that says what the message is. `first`: nothing can be planned before it has been read. */
export type Look = {
  readonly section: string
  readonly length: number
  readonly kind: 'calendar' | 'report' | 'tnef'
  readonly first: boolean
}

/** What the message turned out to be. */
export type Inside = Omit<ClassFacts, 'meeting'> & {
  readonly meeting?: Invitation
  /** With the parts of a TNEF stream where that was, without a calendar that became an invitation. */
  readonly structure: Part
  /** The pieces of its text: much is told by them, and they are looked for once. */
  readonly texts: readonly TextPiece[]
  /** Octets of parts that no server knows, by section: `2-1` is the first in 2. */
  readonly octets: ReadonlyMap<string, Uint8Array>
  /** There is more of the text than was read. */
  readonly cutShort?: boolean
  /** Why a part could not be understood. The message is shown as it is, then. */
  readonly trouble?: string
}

const isTnef = (part: Part): boolean =>
  part.type === 'application/ms-tnef' || part.type === 'application/vnd.ms-tnef' ||
  (part.type === 'application/octet-stream' && part.filename?.toLowerCase() === 'winmail.dat')

/**
 * What to read of a message besides its body: one part at most. Nothing of one that is signed or encrypted by S/MIME, which
 * stays as it is; Outlook opens TNEF itself.
 */
export function lookOf(root: Part, userAgent: string | undefined): Look | undefined {
  // Of most messages that is all there is to see.
  if (root.type !== 'multipart/report' && !firstPart(root, mayTell)) return undefined
  if (isSmime(root)) return undefined
  const tnef = firstPart(root, isTnef)
  if (tnef && tnef.size <= most.tnef && clientOf(userAgent, '') !== 'Outlook') return { section: tnef.section, length: most.tnef, kind: 'tnef', first: true }
  if (root.type === 'multipart/report') {
    const status = root.children.find(({ type }) => /^message\/(global-)?(delivery-status|disposition-notification)$/.test(type))
    return status && { section: status.section, length: most.report, kind: 'report', first: false }
  }
  const calendar = firstPart(root, isInvitation) ?? firstPart(root, isUnnamedCalendar)
  if (!calendar || calendar.size > most.calendar) return undefined
  return { section: calendar.section, length: most.calendar, kind: 'calendar', first: textPieces(root).length === 0 }
}

const mayTell = (part: Part): boolean => part.type === 'text/calendar' || isTnef(part)
const isInvitation = (part: Part): boolean => part.type === 'text/calendar' && part.parameters['method'] !== undefined
/** Whether it is an invitation is in the body alone. A file somebody attached is none. */
const isUnnamedCalendar = (part: Part): boolean => part.type === 'text/calendar' && part.disposition !== 'attachment'

/** Reads what `look` wished for. Never throws for what is in it. */
export function lookInside(
  { structure }: Pick<Message, 'structure'>, look: Look | undefined, octets: Uint8Array | undefined,
): Inside {
  const part = look && find(structure, look.section)
  const unseen: Inside = shaped(structure)
  if (!part || !octets) return unseen
  try {
    const decoded = decodeTransfer(octets, part.encoding)
    switch (look.kind) {
      case 'report': return { ...unseen, report: reportOf(part, decoded) }
      case 'calendar': return withCalendar(structure, part, decoded, look.first)
      case 'tnef': return withTnef(structure, part, decoded)
    }
  } catch (error) {
    if (!(error instanceof Failure) && !(error instanceof RangeError)) throw error
    return { ...unseen, trouble: `${look.kind}: ${error.message}` }
  }
}

/** A structure, and what belongs to it. */
export const shaped = (structure: Part, octets: Inside['octets'] = nothing): Pick<Inside, 'structure' | 'texts' | 'octets'> =>
  ({ structure, texts: textPieces(structure), octets })

const nothing: Inside['octets'] = new Map()

/** RFC 3464, Action Field; RFC 8098, The Disposition Field. The worst of several recipients' counts. */
function reportOf(part: Part, octets: Uint8Array): string {
  const text = decodeText(octets, undefined)
  if (part.type.endsWith('disposition-notification')) return /^disposition:[^;]*;\s*deleted/im.test(text) ? 'IPNNRN' : 'IPNRN'
  const actions = [...text.matchAll(/^action:\s*([a-z]+)/gim)].map(([, action]) => action!.toLowerCase())
  if (actions.length === 0 || actions.includes('failed')) return 'NDR'
  return actions.includes('delayed') ? 'DELAYED' : 'DR'
}

/** A calendar that is no message about a meeting stays a file. One without a text beside it is read as one. */
function withCalendar(structure: Part, part: Part, octets: Uint8Array, alone: boolean): Inside {
  const meeting = readInvitation(decodeText(octets, part.parameters['charset'] ?? 'utf-8'), part.parameters['method'])
  if (!meeting) return shaped(structure)
  const told = (meeting.description || meeting.summary).replace(/\r?\n/g, '\r\n')
  const text = alone ? virtual(part, 1, 'text/plain', Buffer.from(told)) : undefined
  return {
    meeting, ...shaped(replacePart(structure, part.section, text?.part), new Map(text ? [[text.part.section, text.octets]] : [])),
  }
}

type Virtual = { readonly part: Part; readonly octets: Uint8Array }

/** A part that no server knows: `number` in another one. */
export const virtual = (within: Part, number: number, type: string, octets: Uint8Array, more: Partial<Part> = {}): Virtual => ({
  octets,
  part: {
    section: `${within.section}-${number}`, type, encoding: 'binary', size: octets.length,
    parameters: type.startsWith('text/') ? { charset: 'utf-8' } : {},
    contentId: undefined, location: undefined, disposition: undefined, filename: undefined, children: [], ...more,
  },
})

function withTnef(structure: Part, part: Part, octets: Uint8Array): Inside {
  const tnef = readTnef(octets)
  const found = tnefParts(part, tnef)
  const [body, ...files] = found
  // Numbered alike whether the body is shown or not: a client comes back for the files later.
  const shown = textPieces(structure).length === 0 && body ? [body, ...files] : files
  const meeting = tnefInvitation(tnef)
  const opened = virtual(part, 0, 'multipart/mixed', new Uint8Array(), { children: shown.flatMap(one => one?.part ?? []) })
  return {
    ...(meeting ? { meeting } : {}), stated: tnef.messageClass,
    ...shaped(replacePart(structure, part.section, opened.part), new Map(found.flatMap(one => one ? [[one.part.section, one.octets]] : []))),
  }
}

/** The body, if there is one, and the files. */
function tnefParts(within: Part, { body, files }: Tnef): readonly (Virtual | undefined)[] {
  return [
    body && virtual(within, 1, body.html ? 'text/html' : 'text/plain', Buffer.from(body.text)),
    ...files.map((file, index) => virtual(within, index + 2, file.type ?? 'application/octet-stream', file.octets, {
      disposition: file.inline ? 'inline' : 'attachment', filename: file.name || undefined, contentId: file.contentId,
      parameters: {},
    })),
  ]
}
