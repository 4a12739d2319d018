import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeTransfer } from '../../src/formats/transfer-encoding.ts'
import { base64Lines, encodeText } from '../../src/formats/transfer-write.ts'

const shown = (text: string): [string, string] => {
  const { encoding, octets } = encodeText(text)
  return [encoding, Buffer.from(octets).toString('latin1')]
}

describe('text is written', () => {
  it.each<[string, string, [string, string]]>([
    ['as it is where it is ASCII', 'hello\nyou\r', ['7bit', 'hello\r\nyou\r\n']],
    ['quoted where a word is not', 'Grüße = a ', ['quoted-printable', 'Gr=C3=BC=C3=9Fe =3D a=20']],
    ['as base64 where it is a script of its own', 'שלום', ['base64', '16nXnNeV150=']],
    ['quoted where a line is too long', 'x'.repeat(999), ['quoted-printable', `${'x'.repeat(75)}=\r\n`.repeat(13) + 'x'.repeat(24)]],
    ['quoted where a mailbox file would see a new message, and a dot alone on a line', 'From me\n.\nü', ['quoted-printable', 'From me\r\n=2E\r\n=C3=BC']],
    ['quoted where there is a NUL', 'a\0b', ['quoted-printable', 'a=00b']],
  ])('%s', (_, text, expected) => expect(shown(text)).toEqual(expected))

  it('so that it can be read again, in lines nobody breaks', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), text => {
      const { encoding, octets } = encodeText(text)
      const read = Buffer.from(decodeTransfer(octets, encoding)).toString('utf8')
      expect(read).toBe(text.toWellFormed().replace(/\r\n|\r|\n/g, '\r\n'))
      for (const line of Buffer.from(octets).toString('latin1').split('\r\n')) {
        expect(line.length).toBeLessThanOrEqual(encoding === '7bit' ? 998 : 76)
        expect(line).toMatch(/^[\x01-\x7f]*$/)
      }
    }))
  })

  it('and octets as base64', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), octets => {
      const lines = Buffer.from(base64Lines(octets)).toString('latin1')
      expect(Buffer.from(lines, 'base64')).toEqual(Buffer.from(octets))
      for (const line of lines.split('\r\n')) expect(line.length).toBeLessThanOrEqual(76)
      expect(lines.endsWith('\n')).toBe(false)
    }))
  })
})
