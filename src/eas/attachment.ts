import { Failure } from '../base/failure.ts'
import { find } from '../formats/structure.ts'
import { decodeStream, streamLength } from '../formats/transfer-stream.ts'
import { parseFileReference } from '../state/item-id.ts'
import type { Call } from './command.ts'

export type Attachment = {
  readonly type: string
  /** Octets of it as a file, in pieces; each call reads it anew. */
  octets(): AsyncIterable<Uint8Array>
  /** How many octets it is as a file, which no encoding tells before its end. */
  length(): Promise<number>
}

/** [MS-ASAIRS] FileReference. Throws `not-found` for a reference that leads nowhere. */
export async function openAttachment({ stores, cache }: Call, reference: string): Promise<Attachment> {
  const { ref, section } = parseFileReference(reference)
  const [message] = await stores.mail.messages(ref.folder, ref.validity, [ref.uid])
  const part = message && find(message.structure, section)
  if (!part || part.type.startsWith('multipart/')) throw new Failure('not-found', 'no such attachment')
  const octets = (): AsyncIterable<Uint8Array> => decodeStream(stores.mail.stream(ref, section), part.encoding)
  const slot = `length:${reference}`
  return {
    type: part.type,
    octets,
    async length() {
      const length = cache.get<number>(slot) ?? await streamLength(octets())
      cache.set(slot, length, { seconds: 3600 })
      return length
    },
  }
}
