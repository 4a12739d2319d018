import { base64Stream } from '../formats/transfer-stream.ts'
import { el, encodeWhole, type Content, type Node } from '../wire/wbxml.ts'
import type { Answer } from './command.ts'
import type { MimeText } from './mime-stream.ts'

/** How octets travel: within the tree, or behind it. */
export type Carrier = {
  /** Whether octets stay octets. */
  readonly octets: boolean
  /** Of a file; `length` is asked for only where it has to be known beforehand. */
  file(octets: AsyncIterable<Uint8Array>, length: () => Promise<number>): Promise<Node>
  /** An item whose Body may have Data. */
  item(nodes: readonly Node[]): readonly Node[]
  answer(root: Node): Promise<Answer>
}

/** [MS-ASCMD] Delivery of Content Requested by Fetch: base64 and text within the WBXML. */
export const inline: Carrier = {
  octets: false,
  file: async octets => el('ItemOperations:Data', { utf8: base64Stream(octets) }),
  item: nodes => nodes,
  answer: async root => ({ kind: 'wbxml', root }),
}

type Part = { readonly length: number; readonly octets: AsyncIterable<Uint8Array> | Uint8Array }

/** [MS-ASCMD] MultiPartResponse: the WBXML first, then what its Part elements number. */
export function multipart(): Carrier {
  const parts: Part[] = []
  const part = (one: Part): Node => el('ItemOperations:Part', String(parts.push(one)))
  return {
    octets: true,
    file: async (octets, length) => part({ octets, length: await length() }),
    item: nodes => nodes.map(node => node.tag === 'AirSyncBase:Body' ? el(node.tag, (node.children as readonly Node[]).map(apart)) : node),
    async answer(root) {
      const tree = await encodeWhole(root) // only then are all parts known
      const all = [{ length: tree.length, octets: tree }, ...parts]
      const length = tableSize(all.length) + all.reduce((sum, one) => sum + one.length, 0)
      return { kind: 'octets', type: 'application/vnd.ms-sync.multipart', body: written(all), length }
    },
  }

  function apart(node: Node): Node {
    if (node.tag !== 'AirSyncBase:Data') return node
    if (typeof node.children === 'string') return part(whole(Buffer.from(node.children, 'utf8')))
    return isMime(node.children) ? part({ length: node.children.length, octets: node.children.octets }) : node
  }
}

const whole = (octets: Uint8Array): Part => ({ octets, length: octets.length })
const isMime = (content: Content): content is MimeText => typeof content === 'object' && 'octets' in content

const tableSize = (parts: number): number => 4 + 8 * parts

async function* written(parts: readonly Part[]): AsyncGenerator<Uint8Array> {
  yield table(parts)
  for (const { octets, length } of parts) {
    if (octets instanceof Uint8Array) yield octets
    else yield* exactly(octets, length)
  }
}

/** [MS-ASCMD] PartMetaData: where each part begins, and its length; little-endian. */
function table(parts: readonly Part[]): Uint8Array {
  const octets = Buffer.alloc(tableSize(parts.length))
  octets.writeInt32LE(parts.length, 0)
  let offset = octets.length
  for (const [index, { length }] of parts.entries()) {
    octets.writeUInt32LE(offset, 4 + 8 * index)
    octets.writeUInt32LE(length, 8 + 8 * index)
    offset += length
  }
  return octets
}

/** What is told cannot be taken back: should a server be wrong about the size of a message, line ends fill what is missing. */
async function* exactly(octets: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let left = length
  for await (const chunk of octets) {
    if (left > 0) yield chunk.subarray(0, left)
    left -= Math.min(left, chunk.length)
  }
  for (; left > 0; left -= Math.min(left, filler.length)) yield filler.subarray(0, left)
}

const filler = Buffer.alloc(4096, '\r\n')
