import { expect, it } from 'vitest'
import { addressReader, originReader } from '../../src/http/address.ts'

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

it.each<[sentence: string, socket: string, tls: boolean, headers: Record<string, string>, origin: string]>([
  ['the Host of the request', '192.0.2.1', false, { host: 'Mail.example.org' }, 'http mail.example.org'],
  ['the same over TLS, with its port', '192.0.2.1', true, { host: 'mail.example.org:8443' }, 'https mail.example.org:8443'],
  ['not what a stranger says', '192.0.2.1', false, { host: 'a', 'x-forwarded-host': 'b', 'x-forwarded-proto': 'https' }, 'http a'],
  ['what a proxy says', '10.0.0.1', false, { host: 'a', 'x-forwarded-host': 'b.org', 'x-forwarded-proto': 'https' }, 'https b.org'],
  ['what the first of several proxies says', '::ffff:10.0.0.1', true, { host: 'a', 'x-forwarded-host': 'b.org, c', 'x-forwarded-proto': 'http, https' }, 'http b.org'],
  ['the Host where a proxy says what is none', '10.0.0.1', false, { host: 'a', 'x-forwarded-host': 'x/y"' }, 'http a'],
  ['an address', '10.0.0.1', true, { host: '[2001:db8::1]:443' }, 'https [2001:db8::1]:443'],
  ['this host where nothing is said', '10.0.0.1', false, {}, 'http localhost'],
])('a client means %s', (_, socket, tls, headers, wanted) => {
  const { host, secure } = originReader(['10.0.0.0/8'])(socket, tls, headers)
  expect(`${secure ? 'https' : 'http'} ${host}`).toBe(wanted)
})
