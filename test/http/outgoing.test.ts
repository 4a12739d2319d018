import { once } from 'node:events'
import { request } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { createGunzip, gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { takesGzip } from '../../src/http/outgoing.ts'
import { connection, front, serve, type Served } from '../support/http.ts'

let server: Served | undefined
afterEach(async () => {
  await server?.close(0)
  expect(server?.bugs() ?? 0).toBe(0)
})

const get = async (accepted: string, response: () => Response) => {
  server = await serve(front(response))
  const client = connection(server.port)
  client.write(`GET /front HTTP/1.1\r\nHost: x\r\nAccept-Encoding: ${accepted}\r\nConnection: close\r\n\r\n`)
  const text = await client.end()
  const end = text.indexOf('\r\n\r\n') + 4
  return { head: text.slice(0, end).toLowerCase(), body: Buffer.from(text.slice(end), 'latin1') }
}
const answer = (type: string, length: number, headers = {}) => () =>
  new Response('text '.repeat(length / 5), { headers: { 'content-type': type, ...headers } })

describe('gzip', () => {
  it.each([
    ['a WBXML answer', 'application/vnd.ms-sync.wbxml'],
    ['a multipart answer', 'application/vnd.ms-sync.multipart'],
    ['text', 'text/plain; charset=utf-8'],
    ['XML', 'application/soap+xml'],
  ])('packs %s', async (_, type) => {
    const { head, body } = await get('gzip, deflate', answer(type, 5000))
    expect(head).toContain('content-encoding: gzip')
    expect(head).toContain(`content-length: ${body.length}`)
    expect(gunzipSync(body).toString()).toBe('text '.repeat(1000))
  })

  it.each([
    ['what the client does not take', 'identity', answer('text/plain', 5000)],
    ['a short answer', 'gzip', answer('text/plain', 1000)],
    ['a picture', 'gzip', answer('image/jpeg', 5000)],
    ['what is packed already', 'gzip', answer('text/plain', 5000, { 'content-encoding': 'br' })],
  ])('leaves %s', async (_, accepted, response) => {
    const { head, body } = await get(accepted, response)
    expect(head).not.toContain('content-encoding: gzip')
    expect(body.toString()).toMatch(/^(text )+$/)
  })

  it('packs a stream so that its first piece arrives before the second is made', async () => {
    const more = Promise.withResolvers<void>()
    server = await serve(front(() => new Response(ReadableStream.from((async function* () {
      yield Buffer.from('one')
      await setTimeout(10)
      yield Buffer.from('two')
      await more.promise
      yield Buffer.from('three')
    })()), { headers: { 'content-type': 'text/plain' } })))
    const asked = request(`${server.url}/front`, { headers: { 'accept-encoding': 'gzip' } }).end()
    const [response] = await once(asked, 'response') as [NodeJS.ReadableStream & { headers: Record<string, string> }]
    expect(response.headers['content-encoding']).toBe('gzip')
    const gunzip = response.pipe(createGunzip())
    let text = ''
    gunzip.on('data', chunk => void (text += String(chunk)))
    while (text !== 'onetwo') await once(gunzip, 'data')
    more.resolve()
    await once(gunzip, 'end')
    expect(text).toBe('onetwothree')
  })

  it('packs what is long and ready as a stream', async () => {
    const { head, body } = await get('gzip', answer('text/plain', 500_000))
    expect(head).toMatch(/content-encoding: gzip[^]*transfer-encoding: chunked/)
    expect(body.length).toBeLessThan(50_000)
  })
})

it.each([
  ['gzip', true],
  ['deflate, GZIP', true],
  ['gzip;q=0.5, *;q=0', true],
  ['x-gzip', true],
  [['br', 'gzip'], true],
  ['gzip;q=0', false],
  ['gzip; q=0.000, deflate', false],
  ['identity', false],
  ['notgzip', false],
  [undefined, false],
])('Accept-Encoding %j takes gzip: %s', (accepted, takes) => {
  expect(takesGzip(accepted)).toBe(takes)
})
