import { isIPv4, isIPv6 } from 'node:net'
import { Failure } from '../base/failure.ts'

/** What a proxy says in front of a connection: octets of it, and whose connection it is; nobody's where it speaks for itself. */
export type ProxyHeader = { readonly length: number; readonly source: string | undefined }

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
/** Octets of the text form with its line end, and of what may follow the head of the binary form: addresses and further fields. */
const longestText = 107, longestRest = 4096

/**
 * Reads what a connection began with; undefined where more has to come. Throws `malformed`.
 * The PROXY protocol, Human-readable header format (Version 1) and Binary header format (version 2).
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader | undefined {
  const begins = (with_: Buffer): boolean => bytes.subarray(0, with_.length).equals(with_.subarray(0, bytes.length))
  if (begins(signature)) return bytes.length < 16 ? undefined : readBinary(bytes)
  if (begins(Buffer.from('PROXY '))) return readText(bytes)
  throw new Failure('malformed', 'the connection of a proxy begins without the PROXY protocol')
}

function readText(bytes: Buffer): ProxyHeader | undefined {
  const end = bytes.subarray(0, longestText).indexOf('\r\n')
  if (end < 0) {
    if (bytes.length < longestText) return undefined
    throw new Failure('malformed', 'the line of the PROXY protocol does not end')
  }
  const [, family, source = '', target = '', ...rest] = bytes.toString('latin1', 0, end).split(' ')
  const length = end + 2
  if (family === 'UNKNOWN') return { length, source: undefined }
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : () => false
  if (isAddress(source) && isAddress(target) && rest.length === 2 && rest.every(isPort)) return { length, source }
  throw new Failure('malformed', 'the line of the PROXY protocol cannot be read')
}

const isPort = (text: string): boolean => /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) < 65536

function readBinary(bytes: Buffer): ProxyHeader | undefined {
  const [kind = 0, family = 0] = bytes.subarray(12), rest = bytes.readUInt16BE(14)
  if (kind !== 0x20 && kind !== 0x21 || family >> 4 > 3 || (family & 15) > 2) throw new Failure('malformed', 'the PROXY protocol is of a kind nobody knows')
  if (rest > longestRest) throw new Failure('malformed', 'the PROXY protocol says too much')
  const length = 16 + rest
  if (bytes.length < length) return undefined
  const octets = [0, 4, 16, 0][family >> 4]!
  // LOCAL, as a probe of the proxy itself is, or a family that has no address for us.
  if (kind === 0x20 || !octets) return { length, source: undefined }
  if (rest < 2 * octets + 4) throw new Failure('malformed', 'the PROXY protocol lacks an address')
  return { length, source: addressOf(bytes.subarray(16, 16 + octets)) }
}

function addressOf(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.')
  const words = Array.from({ length: 8 }, (_, n) => octets.readUInt16BE(2 * n).toString(16)).join(':')
  // As it is written everywhere else.
  return new URL(`http://[${words}]`).hostname.slice(1, -1)
}
