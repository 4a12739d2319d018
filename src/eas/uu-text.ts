import { cleanText, decodeText } from '../formats/charset.ts'
import { replacePart, type TextPiece } from '../formats/structure.ts'
import { decodedSize, decodeTransfer } from '../formats/transfer-encoding.ts'
import { mayHaveFiles, splitUu } from '../formats/uu-files.ts'
import type { Part } from '../model/message.ts'
import { shaped, virtual, type Inside } from './inside.ts'

/**
 * Octets, as they are stored, of a text that is read whole for the files in it. Of a longer one a list shows what begins within the octets that
 * were read for its text; it is told as cut, so that a phone asks for all of it.
 */
export const mostWithFiles = 1024 * 1024
/** Files of one text. */
const mostFiles = 100

/** Texts that may have files in them: plain ones that are no second form of anything. */
export const bareTexts = (texts: readonly TextPiece[]): readonly Part[] =>
  texts.flatMap(({ plain, rich }) => rich ? [] : plain ?? []).filter(({ type, children }) => type === 'text/plain' && children.length === 0)

/** Whether these octets of the part, as they are stored, tell of files. */
export function tellsOfFiles({ encoding }: Part, octets: Uint8Array): boolean {
  // Nearly all texts are done with here; quoted-printable leaves letters and spaces as they are.
  if (encoding !== 'base64' && !Buffer.from(octets.buffer, octets.byteOffset, octets.length).includes('begin ')) return false
  return mayHaveFiles(decodeTransfer(octets, encoding))
}

/**
 * The message with the files of that text as parts of their own: `1-1` is the text of part 1 without them, `1-2` the first file. `cut`: there is more of
 * the part than these octets. Undefined where there are no files.
 */
export function withoutFiles(inside: Inside, part: Part, stored: Uint8Array, cut: boolean): Inside | undefined {
  const decoded = decodeTransfer(stored, part.encoding)
  const { text, files } = splitUu(decoded)
  if (files.length === 0) return undefined
  const { parameters } = part
  const words = virtual(part, 1, 'text/plain', text, { parameters })
  const rest = cut ? Math.max(0, decodedSize(part.size, part.encoding) - decoded.length) : 0
  const found = files.slice(0, mostFiles).map(({ name, octets }, index) => {
    const filename = cleanText(decodeText(Buffer.from(name, 'latin1'), parameters['charset'])).trim()
    const missing = index === files.length - 1 ? decodedSize(rest, 'x-uuencode') : 0
    return virtual(part, index + 2, 'application/octet-stream', octets, { disposition: 'attachment', filename, size: octets.length + missing })
  })
  const opened = virtual(part, 0, 'multipart/mixed', new Uint8Array(), { children: [words.part, ...found.map(one => one.part)] })
  return {
    ...inside, cutShort: inside.cutShort || cut,
    ...shaped(replacePart(inside.structure, part.section, opened.part), new Map([...inside.octets, [words.part.section, words.octets]])),
  }
}
