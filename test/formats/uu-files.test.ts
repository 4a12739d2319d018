import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { mayHaveFiles, splitUu, UuReader, uuFile } from '../../src/formats/uu-files.ts'
import { mutations } from '../support/fuzz.ts'
import { uuencoded, uuLines } from '../support/uuencode.ts'

const file = (name: string, octets: string, end?: string): string => uuencoded(name, Buffer.from(octets, 'latin1'), end)
function split(text: string): { text: string; files: [string, string][] } {
  const found = splitUu(Buffer.from(text, 'latin1'))
  return {
    text: Buffer.from(found.text).toString('latin1'),
    files: found.files.map(({ name, octets }) => [name, Buffer.from(octets).toString('latin1')]),
  }
}
const long = 'All work and no play makes Jack a dull boy. '.repeat(9)

describe('a text', () => {
  it.each<[string, string, string, [string, string][]]>([
    ['with a file', `See:\r\n${file('a.txt', long)}Bye\r\n`, 'See:\r\nBye\r\n', [['a.txt', long]]],
    ['that is nothing but a file', file('a b.txt', 'Hello'), '', [['a b.txt', 'Hello']]],
    ['with several files', `1\n${file('a', 'A')}2\n${file('b', 'B')}${file('c', 'C')}3`, '1\n2\n3', [['a', 'A'], ['b', 'B'], ['c', 'C']]],
    ['with a file without its end', `See:\n${file('a.txt', long, '')}Regards, Bob\n`, 'See:\nRegards, Bob\n', [['a.txt', long]]],
    ['with a file that ends without a line of nothing', `${file('a.txt', long, 'end\n')}x\n`, 'x\n', [['a.txt', long]]],
    ['that breaks off inside a file', file('a.txt', long).slice(0, 90), '', [['a.txt', long.slice(0, 51)]]],
    ['with a file of nothing', 'begin 644 empty\r\n`\r\nend\r\nx', 'x', [['empty', '']]],
    ['whose lines have lost the spaces at their ends', `begin 644 z\n${uuLines(Buffer.from('A'.repeat(46) + '\0'.repeat(50)), ' ').replace(/ +\r\n/g, '\n')}\nend\nx`, 'x', [['z', 'A'.repeat(46) + '\0'.repeat(50)]]],
    ['with a check sum on each line', `${file('a.txt', long).replace(/^([M-Z0-9"-9].{4,})\r$/gm, '$1A\r')}x`, 'x', [['a.txt', long]]],
    ['with empty lines between all lines of data', `begin 644 a\n${uuLines(Buffer.from(long)).replaceAll('\r\n', '\n\n')}\`\n\nend\nx`, 'x', [['a', long]]],
    ['with a line that is shorter than it says', `begin 644 a\n${uuLines(Buffer.from(`${long.slice(0, 45)}\0${long.slice(45, 89)}`)).replace(/\r\nM(.{8}).*/, '\r\nM$1')}\`\nend\nx`, 'x', []],
    ['that only speaks of beginning', 'Please\nbegin 644 times\nand again\n', 'Please\nbegin 644 times\nand again\n', []],
    ['that ends where a file would begin', 'x\nbegin 644 a.txt\n', 'x\nbegin 644 a.txt\n', []],
    ['whose words have a number and a name, but no data', 'begin 100 GREAT WORKS\nTHEN REST\n', 'begin 100 GREAT WORKS\nTHEN REST\n', []],
    ['that quotes a file', `> ${file('a', 'A')}`.replaceAll('\r\n', '\r\n> '), `> ${file('a', 'A')}`.replaceAll('\r\n', '\r\n> '), []],
    ['in which a second file begins inside the first', `begin 644 a\n${uuLines(Buffer.from('A'))}${file('b', 'B')}x`, 'x', [['a', 'A'], ['b', 'B']]],
    ['without any', 'Just words.\r\n\r\nend\r\n', 'Just words.\r\n\r\nend\r\n', []],
    ['of nothing', '', '', []],
  ])('%s', (name, text, words, files) => {
    const found = split(text)
    if (name.includes('shorter')) {
      // What there is of the line: six octets of 45, and the ones before it.
      expect(found.files[0]![1]).toBe(`${long.slice(0, 45)}\0${long.slice(45, 50)}`)
      expect(found.text).toBe(words)
    } else expect(found).toEqual({ text: words, files })
    if (found.files.length) expect(mayHaveFiles(Buffer.from(text, 'latin1'))).toBe(true)
  })

  it('is the same in pieces of any size', () => {
    const text = Buffer.from(`Hello\r\n${file('a.txt', long)}and\n${file('b.txt', 'B', '')}\nRegards\n`, 'latin1')
    const whole = splitUu(text)
    for (let size = 1; size < 80; size++) {
      const reader = new UuReader()
      const words: Uint8Array[] = [], data: Uint8Array[] = []
      for (let at = 0; at <= text.length; at += size) {
        const events = at + size > text.length ? [...reader.push(text.subarray(at)), ...reader.finish()] : reader.push(text.subarray(at, at + size))
        for (const event of events) if (event.kind !== 'begin') (event.kind === 'text' ? words : data).push(event.octets)
      }
      expect(Buffer.concat(words)).toEqual(whole.text)
      expect(Buffer.concat(data)).toEqual(Buffer.concat(whole.files.map(({ octets }) => octets)))
    }
  })

  it('gives back any octets that were put into it', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom('`', ' '), fc.boolean(), (octets, zero, end) => {
      const found = splitUu(Buffer.from(`words\nbegin 600 x\n${uuLines(octets, zero)}${end ? `${zero}\nend\n` : ''}more words\n`, 'latin1'))
      fc.pre(octets.length > 0)
      expect(found.files.map(one => Buffer.from(one.octets))).toEqual([Buffer.from(octets)])
      expect(Buffer.from(found.text).toString()).toBe('words\nmore words\n')
    }))
  })

  it('is read as Perl writes it', () => {
    const octets = Buffer.from(Array.from({ length: 5000 }, (_, n) => n * 7 & 255))
    const lines = spawnSync('perl', ['-e', 'binmode STDIN; local $/; print pack("u", <STDIN>)'], { input: octets }).stdout
    expect(Buffer.from(splitUu(Buffer.concat([Buffer.from('begin 644 p\n'), lines, Buffer.from('`\nend\n')])).files[0]!.octets)).toEqual(octets)
  })

  it('never fails, whatever octets come, and makes no more of them than there are', () => {
    const sample = Buffer.from(`Hello\r\n${file('a.txt', long)}and\n${file('b.txt', 'B', '')}\nRegards\n`, 'latin1')
    for (const bytes of mutations([sample], 20_000, 11)) {
      const { text, files } = splitUu(bytes)
      // A line of spaces that was cut may stand for 45 octets.
      expect(text.length).toBeLessThanOrEqual(bytes.length)
      expect(files.reduce((sum, { octets }) => sum + octets.length, 0)).toBeLessThanOrEqual(45 * bytes.length)
    }
  })
})

describe('a file of a text', () => {
  const pieces = async function* (text: string, size: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size), 'latin1')
  }
  const read = async (chunks: AsyncIterable<Uint8Array>): Promise<string> => {
    const found: Uint8Array[] = []
    for await (const chunk of chunks) found.push(chunk)
    return Buffer.concat(found).toString('latin1')
  }

  it('is read by its number, as it comes', async () => {
    const text = `1\n${file('a', long)}2\n${file('b', 'B')}`
    for (const size of [1, 7, 64, 10_000]) {
      expect(await read(uuFile(pieces(text, size), 0))).toBe(long)
      expect(await read(uuFile(pieces(text, size), 1))).toBe('B')
      await expect(read(uuFile(pieces(text, size), 2))).rejects.toThrow(Failure)
    }
  })
})
