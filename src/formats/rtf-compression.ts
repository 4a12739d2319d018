import { Failure } from '../base/failure.ts'

// [MS-OXRTFCP] Dictionary: what it holds before the first octet
const beginning = Buffer.from(
  '{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbol'
  + 'ArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx', 'latin1')
const compressed = 0x75465a4c, uncompressed = 0x414c454d
const headerLength = 16
/** Octets of RTF that are unpacked; seventeen times what was sent at most. */
const most = 8 * 1024 * 1024

/** [MS-OXRTFCP] Decompressing Input. What breaks off is as long as it goes. Throws `malformed` for another format. */
export function decompressRtf(bytes: Uint8Array): Uint8Array {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (input.length < headerLength) throw new Failure('malformed', 'compressed RTF without a header')
  const size = input.readUInt32LE(4), kind = input.readUInt32LE(8)
  if (kind === uncompressed) return input.subarray(headerLength, headerLength + Math.min(size, most))
  if (kind !== compressed) throw new Failure('malformed', 'RTF compressed in another way')
  return unpack(input, Math.min(size, most))
}

function unpack(input: Buffer, size: number): Uint8Array {
  const dictionary = Buffer.alloc(4096)
  beginning.copy(dictionary)
  let write = beginning.length, at = headerLength
  const out: number[] = []
  const put = (octet: number): void => {
    out.push(octet)
    dictionary[write] = octet
    write = (write + 1) % dictionary.length
  }
  while (at < input.length) {
    const control = input[at++]!
    for (let bit = 0; bit < 8 && at < input.length; bit++) {
      if (out.length >= size) return Uint8Array.from(out)
      if (!(control >> bit & 1)) {
        put(input[at++]!)
        continue
      }
      if (at + 2 > input.length) return Uint8Array.from(out)
      const token = input.readUInt16BE(at), offset = token >> 4
      at += 2
      if (offset === write) return Uint8Array.from(out)
      for (let n = 0; n < (token & 15) + 2; n++) put(dictionary[(offset + n) % dictionary.length]!)
    }
  }
  return Uint8Array.from(out)
}

/** [MS-OXRTFCP] Compressing with COMPTYPE UNCOMPRESSED: the form every reader knows, without a search for repetitions. */
export function packRtf(rtf: Uint8Array): Uint8Array {
  const header = Buffer.alloc(headerLength)
  header.writeUInt32LE(rtf.length + headerLength - 4, 0)
  header.writeUInt32LE(rtf.length, 4)
  header.writeUInt32LE(uncompressed, 8)
  return Buffer.concat([header, rtf])
}
