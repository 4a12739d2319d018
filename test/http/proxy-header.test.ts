import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { readProxyHeader } from '../../src/http/proxy-header.ts'
import { mutations } from '../support/fuzz.ts'

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** The binary form, from octets. */
function binary(kind: number, family: number, rest: Uint8Array): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(rest.length)
  return Buffer.concat([signature, Buffer.of(kind, family), length, rest])
}
const v4 = Buffer.from([192, 0, 2, 7, 10, 0, 0, 1, 0xc0, 0x00, 0x01, 0xbb])
const v6 = Buffer.from('20010db8000000000000000000000007' + '20010db8000000000000000000000001' + 'c00001bb', 'hex')
const more = Buffer.from([0x03, 0x00, 0x04, 1, 2, 3, 4])

describe('the PROXY protocol', () => {
  it.each<[string, string | Buffer, string | undefined]>([
    ['TCP over IPv4', 'PROXY TCP4 192.0.2.7 10.0.0.1 49152 443\r\n', '192.0.2.7'],
    ['TCP over IPv6', 'PROXY TCP6 2001:db8::7 2001:db8::1 49152 443\r\n', '2001:db8::7'],
    ['a proxy that does not know', 'PROXY UNKNOWN\r\n', undefined],
    ['a proxy that does not know, and says so at length', 'PROXY UNKNOWN ffff:f...f:ffff ffff 65535 65535\r\n', undefined],
    ['the longest line', `PROXY TCP6 ${Array(2).fill(Array(8).fill('ffff').join(':')).join(' ')} 65535 65535\r\n`, Array(8).fill('ffff').join(':')],
    ['binary, IPv4', binary(0x21, 0x11, v4), '192.0.2.7'],
    ['binary, IPv6', binary(0x21, 0x21, v6), '2001:db8::7'],
    ['binary with further fields', binary(0x21, 0x11, Buffer.concat([v4, more])), '192.0.2.7'],
    ['binary, a probe of the proxy', binary(0x20, 0x00, Buffer.alloc(0)), undefined],
    ['binary, a probe with an address', binary(0x20, 0x11, v4), undefined],
    ['binary, a local socket', binary(0x21, 0x31, Buffer.alloc(216)), undefined],
  ])('is read: %s', (_, header, source) => {
    const bytes = Buffer.from(header)
    const all = Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\n')])
    expect(readProxyHeader(all)).toEqual({ length: bytes.length, source })
    for (let cut = 0; cut < bytes.length; cut++) expect(readProxyHeader(bytes.subarray(0, cut))).toBe(undefined)
  })

  it.each<[string, string | Buffer]>([
    ['a request', 'GET / HTTP/1.1\r\n'],
    ['TLS', Buffer.from([0x16, 3, 1])],
    ['no address', 'PROXY TCP4 example.org 10.0.0.1 1 2\r\n'],
    ['an address of the other family', 'PROXY TCP4 2001:db8::7 10.0.0.1 1 2\r\n'],
    ['a port that is none', 'PROXY TCP4 192.0.2.7 10.0.0.1 65536 2\r\n'],
    ['a port with a sign', 'PROXY TCP4 192.0.2.7 10.0.0.1 +1 2\r\n'],
    ['too few words', 'PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n'],
    ['too many words', 'PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3\r\n'],
    ['small letters', 'proxy TCP4 192.0.2.7 10.0.0.1 1 2\r\n'],
    ['a line without end', `PROXY UNKNOWN ${'x'.repeat(100)}`],
    ['another version', binary(0x11, 0x11, v4)],
    ['another command', binary(0x22, 0x11, v4)],
    ['another family', binary(0x21, 0x41, v4)],
    ['half an address', binary(0x21, 0x11, v4.subarray(0, 8))],
    ['too many further fields', binary(0x21, 0x11, Buffer.alloc(4097))],
  ])('is refused: %s', (_, header) => {
    expect(() => readProxyHeader(Buffer.from(header))).toThrow(Failure)
  })

  it('says any address in both forms', () => {
    fc.assert(fc.property(fc.ipV4(), fc.nat(65535), (address, port) => {
      const octets = Buffer.from([...address.split('.').map(Number), 127, 0, 0, 1, port >> 8, port & 255, 0, 80])
      expect(readProxyHeader(binary(0x21, 0x11, octets))?.source).toBe(address)
      expect(readProxyHeader(Buffer.from(`PROXY TCP4 ${address} 127.0.0.1 ${port} 80\r\n`))?.source).toBe(address)
    }))
    fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), octets => {
      const { source = '' } = readProxyHeader(binary(0x21, 0x21, Buffer.concat([octets, octets, Buffer.alloc(4)])))!
      expect(readProxyHeader(Buffer.from(`PROXY TCP6 ${source} ::1 1 2\r\n`))?.source).toBe(source)
    }))
  })

  it('of 20,000 spoiled headers gives an answer or a failure, and never reads beyond its bounds', () => {
    const samples = ['PROXY TCP4 192.0.2.7 10.0.0.1 49152 443\r\n', 'PROXY TCP6 2001:db8::7 2001:db8::1 49152 443\r\n'].map(text => Buffer.from(text))
    for (const bytes of mutations([...samples, binary(0x21, 0x11, v4), binary(0x21, 0x21, Buffer.concat([v6, more]))], 20_000, 6)) {
      try {
        const header = readProxyHeader(Buffer.from(bytes))
        if (header) expect(header.length).toBeLessThanOrEqual(bytes.length)
        else expect(bytes.length).toBeLessThan(16 + 4096)
      } catch (error) {
        expect(error).toBeInstanceOf(Failure)
      }
    }
  })
})
