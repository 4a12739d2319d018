// The head of a request is read once for as long as a connection says the same, and never longer.
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { headReader } from '../../src/http/head.ts'

const authorization = (secret: string): string => `Basic ${btoa(`ann:${secret}`)}`
const usual = { Host: 'mail.example', Authorization: authorization('secret'), 'MS-ASProtocolVersion': '14.1', 'X-Forwarded-For': '192.0.2.1' }
const socket = {} as Socket

function message(change: { url?: string; method?: string; fields?: Record<string, string>; socket?: Socket }): IncomingMessage {
  const pairs = Object.entries({ ...usual, ...change.fields })
  return {
    method: 'POST', url: '/front?Cmd=Sync', socket, ...change,
    rawHeaders: pairs.flat(), headers: Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value])),
  } as unknown as IncomingMessage
}

const reader = () => headReader('https', ({ headers }) => ({
  address: String(headers['x-forwarded-for']), origin: { host: headers.host ?? '', secure: true },
}))

describe('the head of a request', () => {
  it('is the same object while a connection says the same', () => {
    const { read } = reader()
    const first = read(message({}))
    expect(read(message({}))).toBe(first)
    expect(first).toMatchObject({
      path: '/front', address: '192.0.2.1', credentials: { user: 'ann', password: 'secret' }, url: new URL('https://mail.example/front?Cmd=Sync'),
    })
  })

  it.each([
    ['another password', { fields: { Authorization: authorization('another') } }, { credentials: { user: 'ann', password: 'another' } }],
    ['no credentials', { fields: { Authorization: '' } }, { credentials: undefined }],
    ['another user in the query', { url: '/front?Cmd=Sync&User=bob' }, { url: new URL('https://mail.example/front?Cmd=Sync&User=bob') }],
    ['another path', { url: '/other' }, { path: '/other' }],
    ['another host', { fields: { Host: 'other.example' } }, { origin: { host: 'other.example', secure: true } }],
    ['another client of the same proxy', { fields: { 'X-Forwarded-For': '192.0.2.2' } }, { address: '192.0.2.2' }],
    ['one more field', { fields: { 'Accept-Encoding': 'gzip' } }, { gzip: true }],
    ['another connection', { socket: {} as Socket }, { address: '192.0.2.1' }],
    ['another method', { method: 'OPTIONS' }, { path: '/front' }],
  ])('is read anew for %s, and again for what was there before', (_, change, said) => {
    const { read } = reader()
    const first = read(message({}))
    const other = read(message(change))
    expect(other).not.toBe(first)
    expect(other).toMatchObject(said)
    if (!('socket' in change)) expect(read(message({}))).not.toBe(first)
    expect(read(message({}))).toMatchObject({ path: '/front', credentials: { user: 'ann', password: 'secret' }, address: '192.0.2.1' })
  })

  it('is forgotten for a connection that waits', () => {
    const { read, forget } = reader()
    const first = read(message({}))
    forget(socket)
    expect(read(message({}))).not.toBe(first)
  })
})
