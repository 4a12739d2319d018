import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { addressesOf, isCurrent, isForEncryption, isForMail, isForMessages, readCertificate } from '../../src/formats/certificate.ts'
import { readCrl } from '../../src/formats/crl.ts'
import { bitsOf, elementsOf, oidOf, readDer, timeOf } from '../../src/formats/der.ts'
import { mailWithin, nameWithin } from '../../src/formats/general-names.ts'
import { mutations } from '../support/fuzz.ts'
import { bobDer } from '../support/memory-directory.ts'

/** X.690, definite lengths: the way back. */
function der(tag: number, content: Uint8Array): Uint8Array {
  const digits: number[] = []
  for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256)
  return Buffer.concat([Buffer.of(tag, ...(content.length < 0x80 ? [content.length] : [0x80 | digits.length, ...digits])), content])
}
const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('DER', () => {
  it('is read as it is written', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 5 }), parts => {
      const read = readDer(der(0x30, Buffer.concat(parts.map(part => der(0x04, part)))))
      expect([...elementsOf(read)].map(({ tag, content }) => [tag, Buffer.from(content)])).toEqual(parts.map(part => [0x04, Buffer.from(part)]))
    }))
  })

  it.each<[string, string]>([
    ['nothing', ''], ['a tag alone', '30'], ['less than it says', '3003 0101'], ['a length that comes later', '3080 0000'], ['a length of five octets', '3085 0000000001'],
    ['a tag of several octets', '1f81 00'], ['a length beyond all', '3084 ffffffff'],
  ])('refuses %s', (_, octets) => {
    expect(() => readDer(hex(octets))).toThrow(expect.objectContaining({ kind: 'malformed' }))
  })

  it.each([['06062a864886f70d', '1.2.840.113549'], ['0603551d0f', '2.5.29.15'], ['0603883703', '2.999.3'], ['060100', '0.0']])('%s is the object %s', (octets, oid) => {
    expect(oidOf(readDer(hex(octets)))).toBe(oid)
  })

  it.each([
    ['the last century', 0x17, '991231235959Z', '1999-12-31T23:59:59.000Z'], ['this century', 0x17, '490101000000Z', '2049-01-01T00:00:00.000Z'],
    ['four digits of a year', 0x18, '20500101000000Z', '2050-01-01T00:00:00.000Z'],
  ])('a time of %s', (_, tag, text, time) => {
    expect(timeOf(readDer(der(tag, Buffer.from(text)))).toISOString()).toBe(time)
  })

  it.each([[0x17, '20500101000000Z'], [0x18, '500101000000Z'], [0x17, '991331000000Z'], [0x17, 'yesterday']])('no time: %s %s', (tag, text) => {
    expect(() => timeOf(readDer(der(tag, Buffer.from(text))))).toThrow(Failure)
  })

  it('has bits from the left', () => {
    expect([...bitsOf(readDer(hex('0302 05a0')))]).toEqual([0, 2])
    expect([...bitsOf(readDer(hex('0303 070680')))]).toEqual([5, 6, 8])
    expect([...bitsOf(readDer(hex('0300')))]).toEqual([])
  })
})

describe('a certificate', () => {
  it('tells what it is for, and whom', () => {
    const bob = readCertificate(bobDer)
    expect([isForMail(bob), isForMessages(bob), isForEncryption(bob), bob.unknown, bob.pathLength]).toEqual([true, true, true, false, undefined])
    expect(addressesOf(bob)).toEqual(['bob@postern.test'])
    expect([isCurrent(bob, new Date('2030-01-01')), isCurrent(bob, new Date('2020-01-01')), isCurrent(bob, new Date('2130-01-01'))]).toEqual([true, false, false])
  })

  it('is one, or a failure, whatever the octets are', () => {
    let good = 0
    for (const octets of mutations([bobDer], 20_000, 7)) {
      try {
        readCertificate(octets)
        good++
      } catch (error) {
        if (!(error instanceof Failure)) throw error
      }
    }
    expect(good).toBeGreaterThan(100)
  })
})

describe('a revocation list', () => {
  const name = der(0x30, der(0x31, der(0x30, Buffer.concat([hex('0603550403'), der(0x0c, Buffer.from('Root'))]))))
  const algorithm = hex('300a06082a8648ce3d040302')
  const time = (text: string): Uint8Array => der(0x17, Buffer.from(text))
  const list = (serials: readonly string[], more: Uint8Array = Buffer.alloc(0)): Uint8Array => der(0x30, Buffer.concat([
    der(0x30, Buffer.concat([
      hex('020101'), algorithm, name, time('260101000000Z'), time('270101000000Z'),
      ...(serials.length > 0 ? [der(0x30, Buffer.concat(serials.map(serial => der(0x30, Buffer.concat([der(2, hex(serial)), time('260101000000Z')])))))] : []), more,
    ])), algorithm, hex('030100'),
  ]))
  const extension = (oid: string, critical: boolean, value: Uint8Array): Uint8Array =>
    der(0xa0, der(0x30, der(0x30, Buffer.concat([hex(oid), ...(critical ? [hex('0101ff')] : []), der(4, value)]))))

  it('names the serial numbers that are revoked', () => {
    const crl = readCrl(list(['01', '00ff', '7f00']))
    expect(['01', '00ff', '7f00', 'ff', '00'].map(serial => crl.isRevoked(hex(serial)))).toEqual([true, true, true, false, false])
    expect([crl.nextUpdate?.getUTCFullYear(), crl.scope, crl.unusable, readCrl(list([])).isRevoked(hex('01'))]).toEqual([2027, 'all', false, false])
  })

  it.each<[string, Uint8Array, unknown]>([
    ['of users', extension('0603551d1c', true, hex('3003 8101ff')), ['users', false]],
    ['of authorities', extension('0603551d1c', true, hex('3003 8201ff')), ['authorities', false]],
    ['indirect', extension('0603551d1c', true, hex('3003 8401ff')), ['all', true]],
    ['of some reasons', extension('0603551d1c', true, hex('3004 83020640')), ['all', true]],
    ['of changes only', extension('0603551d1b', true, hex('020101')), ['all', true]],
    ['of something unknown', extension('06032a0304', true, hex('0500')), ['all', true]],
    ['of something unknown that does not matter', extension('06032a0304', false, hex('0500')), ['all', false]],
    ['with a number', extension('0603551d14', true, hex('020101')), ['all', false]],
  ])('%s', (_, more, expected) => {
    const crl = readCrl(list(['01'], more))
    expect([crl.scope, crl.unusable]).toEqual(expected)
  })

  it('is one, or a failure, whatever the octets are', () => {
    const samples = [list(['01', '00ff', '7f00']), list(['01'], extension('0603551d1c', true, hex('3003 8101ff')))]
    const { publicKey } = readCertificate(bobDer).x509
    let good = 0
    for (const octets of mutations(samples, 20_000, 8)) {
      try {
        const crl = readCrl(octets)
        crl.isRevoked(hex('05'))
        expect(crl.isSignedBy(publicKey)).toBe(false)
        good++
      } catch (error) {
        if (!(error instanceof Failure)) throw error
      }
    }
    expect(good).toBeGreaterThan(100)
  })
})

describe('name constraints', () => {
  it.each([
    ['ann@example.org', 'ANN@example.org', true], ['ann@example.org', 'bob@example.org', false], ['ann@example.org', 'example.org', true],
    ['ann@a.example.org', 'example.org', false], ['ann@a.example.org', '.example.org', true], ['ann@example.org', '.example.org', false],
    ['ann@badexample.org', '.example.org', false],
  ])('%s is within %s: %s', (address, constraint, expected) => {
    expect(mailWithin(address, constraint)).toBe(expected)
  })

  it('of distinguished names compare whole parts', () => {
    const part = (text: string): Uint8Array => der(0x31, der(0x0c, Buffer.from(text)))
    const name = (...parts: string[]): Uint8Array => der(0x30, Buffer.concat(parts.map(part)))
    expect([nameWithin(name('a', 'b'), name('a')), nameWithin(name('a'), name('a', 'b')), nameWithin(name('ab'), name('a')), nameWithin(name('a'), name())])
      .toEqual([true, false, false, true])
  })
})
