import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mostLiteral, readLine } from '../../src/backend/managesieve-response.ts'
import { Failure } from '../../src/base/failure.ts'
import { mutations } from '../support/fuzz.ts'

const read = (text: string) => readLine(Buffer.from(text))
const words = (text: string): readonly string[] | undefined => read(text)?.words.map(({ kind, text: said }) => `${kind} ${said}`)

describe('a line of a ManageSieve server', () => {
  it.each<[string, string[]]>([
    ['OK\r\n', ['atom OK']],
    ['ok "Done."\r\n', ['atom OK', 'string Done.']],
    ['"SIEVE" "fileinto vacation"\r\n', ['string SIEVE', 'string fileinto vacation']],
    ['"my \\"own\\" \\\\ one" ACTIVE\r\n', ['string my "own" \\ one', 'atom ACTIVE']],
    ['{7}\r\nkeep;\r\n\r\nOK\r\n', ['string keep;\r\n']],
    ['{2+}\r\nä\r\n', ['string ä']],
    ['NO (QUOTA/MAXSIZE) "too large"\r\n', ['atom NO', 'code QUOTA/MAXSIZE', 'string too large']],
    ['BYE (REFERRAL "sieve://other") {3}\r\ngo!\r\n', ['atom BYE', 'code REFERRAL', 'code sieve://other', 'string go!']],
    ['\r\n', []],
    ['OK\n', ['atom OK']],
  ])('%j is read', (text, expected) => {
    expect(words(text)).toEqual(expected)
  })

  it.each(['', 'OK', 'OK\r', 'OK "not yet', '{', '{12', '{5}', '{5}\r', '{5}\r\nkeep', '{5}\r\nkeep;', 'NO (QUOTA'])('%j is not there yet', text => {
    expect(read(text)).toBeUndefined()
  })

  it.each([
    'OK\rX', ')\r\n', 'NO (QUOTA\r\n', '{x}\r\n0123456789abcdefgh', `{${mostLiteral + 1}}\r\n`, '\0\r\n',
    `"${'x'.repeat(70_000)}`, `${'x '.repeat(1001)}\r\n`, `${'x'.repeat(70_000)} x\r\n`,
  ])('%.20j is refused', text => {
    expect(() => read(text)).toThrow(expect.objectContaining({ name: 'Failure', kind: 'unavailable' }))
  })

  it('is the same however it is cut', () => {
    const line = Buffer.from('"ä\\"b" {9}\r\n12\r\n"4ab\n (QUOTA/MAXSIZE "x") ACTIVE\r\n')
    for (let end = 0; end < line.length; end++) expect(readLine(line.subarray(0, end))).toBeUndefined()
    expect(readLine(line)!.length).toBe(line.length)
  })

  it('brings any text as a string or a literal', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), text => {
      const quoted = `"${text.replace(/["\\]/g, '\\$&')}"`, literal = `{${Buffer.byteLength(text)}}\r\n${text}`
      expect(words(`${quoted} ${literal}\r\n`)).toEqual([`string ${text}`, `string ${text}`])
    }))
  })

  it('of 20,000 mutated ones is read, not there yet, or a failure', () => {
    const samples = [
      '"IMPLEMENTATION" "Dovecot"\r\n', 'NO (QUOTA/MAXSIZE "x (y)") "no"\r\n', '{12}\r\nkeep; "x"\r\n\r\nOK\r\n', '"a\\"b" ACTIVE\r\nOK (WARNINGS) {3}\r\nabc\r\n',
    ].map(text => Buffer.from(text))
    let good = 0
    for (const octets of mutations(samples, 20_000, 11)) {
      try {
        const line = readLine(Buffer.from(octets))
        if (line) good++
        expect(line?.length ?? 0).toBeLessThanOrEqual(octets.length)
      } catch (error) {
        expect(error).toBeInstanceOf(Failure)
      }
    }
    expect(good).toBeGreaterThan(5000)
  })
})
