import { expect, it } from 'vitest'
import { addressReader } from '../../src/http/address.ts'

it.each([
  ['the socket', '192.0.2.1', undefined, '192.0.2.1'],
  ['the socket, whatever a stranger claims', '192.0.2.1', '198.51.100.9', '192.0.2.1'],
  ['an IPv4 address as such on an IPv6 socket', '::ffff:192.0.2.1', undefined, '192.0.2.1'],
  ['who came to the proxy', '10.0.0.1', '192.0.2.7', '192.0.2.7'],
  ['who came to the first of two proxies', '10.0.0.1', '192.0.2.7, 10.9.9.9', '192.0.2.7'],
  ['not who the client says it is', '10.0.0.1', '203.0.113.1, 192.0.2.7', '192.0.2.7'],
  ['the proxy that says nothing', '10.0.0.1', undefined, '10.0.0.1'],
  ['the proxy that says nonsense', '10.0.0.1', 'unknown', '10.0.0.1'],
  ['an IPv6 client behind an IPv6 proxy', 'fd00::1', '2001:db8::5', '2001:db8::5'],
  ['nobody', undefined, undefined, ''],
])('is %s', (_, socket, forwarded, address) => {
  expect(addressReader(['10.0.0.0/8', 'fd00::1'])(socket, forwarded)).toBe(address)
})

it('believes nobody when no proxy is trusted', () => {
  expect(addressReader([])('127.0.0.1', '192.0.2.7')).toBe('127.0.0.1')
})
