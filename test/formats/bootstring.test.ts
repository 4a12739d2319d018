import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { decodeBootstring, encodeBootstring } from '../../src/formats/bootstring.ts'
import { mutations } from '../support/fuzz.ts'

describe('a name as letters and digits', () => {
  it.each([
    ['Work', 'Work-'], ['To do', 'Todo-ca'], ['Büro', 'Bro-gza'], ['a-b', 'a-b-'], ['', '-'], [' ', '-a'], ['50 % [*] (x) "y" \\z', '50xyz-caaabbub6a7bqm64f2aj'],
    ['Командировки', undefined], ['出張の旅費精算', undefined], ['😀', undefined],
  ])('%j is %s', (name, encoded) => {
    const actual = encodeBootstring(name)
    if (encoded !== undefined) expect(actual).toBe(encoded)
    expect(actual).toMatch(/^[A-Za-z0-9._-]*$/)
    expect(decodeBootstring(actual)).toBe(name)
  })

  it('is short: half a sentence of Russian or Chinese is no longer than forty octets', () => {
    expect(encodeBootstring('Командировки и поездки').length).toBeLessThanOrEqual(40)
    expect(encodeBootstring('出張の旅費精算に関する書類').length).toBeLessThanOrEqual(40)
  })

  it('is the same again, whatever it was, and whatever becomes of the case of what was added', () => {
    const printable = fc.string({ unit: 'binary', maxLength: 60 }).filter(text => !/\p{Cc}|\p{Cs}/u.test(text))
    fc.assert(fc.property(printable, name => {
      const encoded = encodeBootstring(name), border = encoded.lastIndexOf('-') + 1
      expect(decodeBootstring(encoded)).toBe(name)
      expect(decodeBootstring(encoded.slice(0, border) + encoded.slice(border).toUpperCase())).toBe(name)
    }))
  })

  it('is none with control characters or half of a character', () => {
    for (const name of ['a\nb', '\0', '\ud83d']) expect(() => encodeBootstring(name)).toThrow(Failure)
  })

  it('is a name or a failure, whatever comes', () => {
    const samples = ['Bro-gza', 'Todo-ca', '50xyz-bcac', encodeBootstring('Командировки 😀')].map(text => Buffer.from(text))
    for (const bytes of mutations(samples, 5000, 11)) {
      try {
        const name = decodeBootstring(Buffer.from(bytes).toString('latin1'))
        expect(name.isWellFormed()).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(Failure)
      }
    }
    expect(() => decodeBootstring('99999999999999999999999')).toThrow(Failure)
    expect(() => decodeBootstring(`a-${'9'.repeat(100)}`)).toThrow(Failure)
  })
})
