import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { readBody } from '../base/body.ts'
import { Failure } from '../base/failure.ts'
import { decode, type Element } from '../wire/wbxml.ts'

/** What a request's body turned out to be; both undefined when there was none. */
export type Content = { readonly body: Element | undefined; readonly raw: Uint8Array | undefined }

const unzip = promisify(gunzip)

/**
 * Reads at most `max` octets. `expected` is what the command wants in this version. Throws `too-large`, `malformed` for what
 * breaks off or is no WBXML, `unsupported` for another content type.
 */
export async function readContent(request: Request, expected: 'wbxml' | 'rfc822', max: number): Promise<Content> {
  const bytes = await readBytes(request, max)
  if (bytes.length === 0) return { body: undefined, raw: undefined }
  const type = request.headers.get('content-type')?.split(';')[0]!.trim().toLowerCase()
  if (type && !types[expected].includes(type)) throw new Failure('unsupported', `a body of type ${type.slice(0, 80)}`)
  return expected === 'rfc822' ? { body: undefined, raw: bytes } : { body: decode(bytes), raw: undefined }
}

/** [MS-ASHTTP] Content-Type. */
const types = { wbxml: ['application/vnd.ms-sync.wbxml', 'application/vnd.ms-sync'], rfc822: ['message/rfc822'] }

async function readBytes(request: Request, max: number): Promise<Uint8Array> {
  if (!request.body) return new Uint8Array()
  try {
    const bytes = await readBody(request, max)
    if (request.headers.get('content-encoding')?.toLowerCase() !== 'gzip') return bytes
    return await unzip(bytes, { maxOutputLength: max })
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    const large = (cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE'
    throw new Failure(large ? 'too-large' : 'malformed', 'the body broke off or is not compressed as it says', { cause })
  }
}
