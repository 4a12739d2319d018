import { Failure } from './failure.ts'
import type { FrontRequest } from './front.ts'

type Body = Pick<FrontRequest, 'headers' | 'body'>

/** The body of a request as it comes; throws `too-large` as soon as it is known to exceed `maxBytes`, and leaves the rest unread. */
export async function* bodyOf(request: Body, maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  const check = checked(request, maxBytes)
  for await (const chunk of request.body ?? []) yield check(chunk)
}

/** The whole body of a request; throws as `bodyOf` does. `hold` is told the octets of each piece, and may throw. */
export async function readBody(request: Body, maxBytes: number, hold: (octets: number) => void = () => {}): Promise<Uint8Array> {
  const check = checked(request, maxBytes)
  const chunks: Uint8Array[] = []
  for await (const chunk of request.body ?? []) {
    hold(chunk.length)
    chunks.push(check(chunk))
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

/** The body as JSON, of which `empty` stands for none. Throws `malformed` with what is wrong in the words of whoever asks. */
export async function readJson(request: Body, maxBytes: number, fault: string, empty = ''): Promise<unknown> {
  const text = Buffer.from(await readBody(request, maxBytes)).toString('utf8')
  try {
    return JSON.parse(text || empty)
  } catch (cause) {
    throw new Failure('malformed', fault, { cause })
  }
}

function checked(request: Body, maxBytes: number): (chunk: Uint8Array) => Uint8Array {
  const tooLarge = () => new Failure('too-large', `The request is larger than ${maxBytes} octets`)
  if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge()
  let length = 0
  return chunk => {
    length += chunk.length
    if (length > maxBytes) throw tooLarge()
    return chunk
  }
}
