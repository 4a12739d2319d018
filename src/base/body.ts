import { Failure } from './failure.ts'

/** The whole body of a request; throws `too-large` as soon as it is known to exceed `maxBytes`, and leaves the rest unread. */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = () => new Failure('too-large', `The request is larger than ${maxBytes} octets`)
  if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge()

  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body ?? []) {
    length += chunk.length
    if (length > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)
}
