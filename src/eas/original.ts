import { Failure } from '../base/failure.ts'
import { field, parseAddresses, parseHeader, printAddress, rawField, type Header } from '../formats/header.ts'
import { part, type Made, type Piece } from '../formats/mime-splice.ts'
import { splitMessage } from '../formats/mime-write.ts'
import type { Quotation } from '../formats/quote.ts'
import { attachments } from '../formats/structure.ts'
import type { Message, Part } from '../model/message.ts'
import type { MessageRef } from '../model/ports.ts'
import type { Call } from './command.ts'
import { planBody, renderBody } from './map/body.ts'

/** The message that is answered or forwarded. */
export type Original = { readonly ref: MessageRef; readonly message: Message; readonly header: Header }

/** Throws `not-found` for a message that is gone. */
export async function openOriginal({ stores }: Call, ref: MessageRef): Promise<Original> {
  const [message] = await stores.mail.messages(ref.folder, ref.validity, [ref.uid])
  if (!message) throw new Failure('not-found', 'the message to answer or forward is gone')
  return { ref, message, header: parseHeader(message.header) }
}

/** Its text as plain text (1) or HTML (2); `whole` is false where it is too long to be quoted to its end. */
export async function quotationOf(
  { stores }: Call, { ref, message, header }: Original, type: 1 | 2, marked: boolean,
): Promise<{ readonly quotation: Quotation; readonly whole: boolean }> {
  let plan = planBody(message, { bodies: [{ type }], mimeSupport: 0, mimeTruncation: 8 }, '16.1')
  for (;;) {
    const wishes = plan.parts.map(wish => ({ uid: ref.uid, ...wish }))
    const rendered = renderBody(plan, await stores.mail.parts(ref.folder, ref.validity, wishes))
    if ('body' in rendered) {
      const { data = '', truncated } = rendered.body
      return { quotation: { fields: introduction(header), text: data, marked }, whole: !truncated }
    }
    plan = rendered.more
  }
}

/** Most people of a field that are named above a quotation. */
const mostNamed = 50

function introduction(header: Header): [string, string][] {
  const people = (name: string): string => {
    const all = header.fields.filter(one => one.name === name).flatMap(({ value }) => parseAddresses(value)).map(printAddress)
    return [...all.slice(0, mostNamed), ...(all.length > mostNamed ? ['...'] : [])].join(', ')
  }
  const all: [string, string][] = [
    ['From', people('from')], ['Date', rawField(header, 'date') ?? ''], ['To', people('to')], ['Cc', people('cc')],
    ['Subject', field(header, 'subject') ?? ''],
  ]
  return all.filter(([, value]) => value !== '')
}

/**
 * Parts that go along when the message is forwarded: all that is no form of its text. An invitation stays one, so its calendar
 * goes too.
 */
export function filesOf({ message: { structure } }: Original): readonly Part[] {
  const files = new Set(attachments(structure))
  const found: Part[] = []
  const collect = (one: Part): void => {
    if (one.type.startsWith('multipart/')) one.children.forEach(collect)
    else if (files.has(one) || one.type === 'text/calendar') found.push(one)
  }
  collect(structure)
  return found
}

/** Fetched along with the header of the part. */
const small = 64 * 1024

/** The parts octet for octet, with their own headers; large ones are read when they are written. */
export async function copies({ stores }: Call, { ref, message }: Original, parts: readonly Part[]): Promise<Made[]> {
  if (parts.length === 0) return []
  const single = !message.structure.type.startsWith('multipart/')
  const wishes = parts.flatMap(({ section, size }) => [
    { uid: ref.uid, section: single ? 'HEADER' : `${section}.MIME` },
    ...(size <= small ? [{ uid: ref.uid, section }] : []),
  ])
  const fetched = await stores.mail.parts(ref.folder, ref.validity, wishes)
  const found = new Map(wishes.map(({ section }, index) => [section, fetched[index]]))
  return parts.map(({ section, size, type, encoding }) => {
    const header = found.get(single ? 'HEADER' : `${section}.MIME`), body = found.get(section)
    if (!header || (size <= small && !body)) throw new Failure('not-found', 'a part of the message is gone')
    const rest: Piece = body ?? { length: size, read: () => stores.mail.stream(ref, section) }
    return [headerOf(header, single, type, encoding), rest]
  })
}

/** Just one empty line ends it. What its place in the original said of a part without a word of its own is said here. */
function headerOf(octets: Uint8Array, whole: boolean, type: string, encoding: string): Uint8Array {
  const { header } = splitMessage(octets)
  const fields = Buffer.from(header).toString('latin1').split(/(?<=\n)(?![ \t])/).filter(line => line !== '')
  const own = whole ? fields.filter(line => /^content-/i.test(line)) : fields
  const typed = own.some(line => /^content-type\s*:/i.test(line))
  const plain = type === 'text/plain' && encoding === '7bit'
  const said = typed || plain ? own : [...own, `Content-Type: ${type}\r\n`]
  const text = said.join('')
  return Buffer.from(`${text}${text === '' || text.endsWith('\n') ? '' : '\r\n'}\r\n`, 'latin1')
}

/** The whole message as an attachment, octet for octet: what is signed or encrypted stays so. */
export function wholeCopy({ stores }: Call, { ref, message }: Original): Made {
  const body: Piece = { length: message.size, read: () => stores.mail.stream(ref, '') }
  return part([
    ['Content-Type', 'message/rfc822'], ['Content-Disposition', 'attachment'],
    ...(isEight(message.structure) ? [['Content-Transfer-Encoding', '8bit'] as const] : []),
  ], body)
}

/** Whether some part of it has octets above 127. */
export const isEight = (one: Part): boolean =>
  one.encoding === '8bit' || one.encoding === 'binary' || one.children.some(isEight)
