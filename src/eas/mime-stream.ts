import { textPieces } from '../formats/structure.ts'
import type { Message } from '../model/message.ts'
import { el, type Content, type Node } from '../wire/wbxml.ts'
import { nativeType, type BodyPlan, type Rendered } from './map/body.ts'

/** A message flowing as text; or as the octets it is, for whoever can take them. Only one of the two may be read. */
export type MimeText = { readonly text: AsyncIterable<string>; readonly octets: AsyncIterable<Uint8Array>; readonly length: number }

/** Octets above which a whole message is not held in memory to be sent as MIME. */
const large = 256 * 1024

/** Whether all of a large message is wanted as it is; or of any, where it goes out as octets. */
export const wantsMimeStream = ({ choices }: BodyPlan, message: { readonly size: number }, octets = false): boolean =>
  choices[0]?.type === 4 && (octets || message.size > large) && choices[0].limit >= message.size

/** The item's nodes with the message flowing through [MS-ASAIRS] Data. */
export function renderMimeStream(
  octets: AsyncIterable<Uint8Array>, { size, structure }: Message, nodesOf: (rendered: Rendered) => Node[],
): Node[] {
  const body = { type: 4, size, truncated: false, data: 'x', preview: undefined } as const
  return nodesOf({ body, nativeType: nativeType(textPieces(structure)) }).map(node =>
    node.tag === 'Email:MIMEData' ? el(node.tag, { text: texts(octets) }) :
    node.tag === 'AirSyncBase:Body' ? el(node.tag, withData(node.children, { text: texts(octets), octets, length: size })) : node)
}

const withData = (children: Content, data: MimeText): Node[] =>
  (children as readonly Node[]).map(child => child.tag === 'AirSyncBase:Data' ? el(child.tag, data) : child)

/** UTF-8 where it is, else the characters that 8-bit octets most likely are; a character may lie across two chunks. */
export async function* texts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let left: Uint8Array = new Uint8Array()
  for await (const chunk of chunks) {
    const octets = left.length ? Buffer.concat([left, chunk]) : chunk
    const whole = octets.subarray(0, octets.length - unfinished(octets))
    left = octets.subarray(whole.length)
    yield decode(whole)
  }
  if (left.length) yield decode(left)
}

function decode(octets: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets)
  } catch {
    return new TextDecoder('windows-1252').decode(octets)
  }
}

/** Octets at the end that begin a character of UTF-8 which goes on in the next chunk. */
function unfinished(octets: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, octets.length); back++) {
    const octet = octets[octets.length - back]!
    if (octet < 0x80) return 0
    if (octet >= 0xc0) return (octet >= 0xf0 ? 4 : octet >= 0xe0 ? 3 : 2) > back ? back : 0
  }
  return 0
}
