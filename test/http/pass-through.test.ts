import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http, { type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { passThrough } from '../../src/http/pass-through.ts'
import { connection, front, keptLog, serve, type Served } from '../support/http.ts'

let stop: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const one of stop.reverse()) await one()
  stop = []
})

async function upstream(listener: RequestListener): Promise<http.Server & { url: string }> {
  const server = http.createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  stop.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  return Object.assign(server, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

async function inFrontOf(url: string): Promise<Served> {
  const server = await serve({ fronts: [front(() => new Response('ours'))], passThrough: passThrough(url, keptLog()) })
  stop.push(async () => {
    await server.close(0)
    expect(server.bugs()).toBe(0)
  })
  return server
}

describe('a path no front claims', () => {
  it('is answered by the upstream, which learns who asked', async () => {
    const seen: IncomingMessage[] = []
    const { url } = await upstream((req, res) => {
      seen.push(req)
      req.pipe(res.writeHead(207, { 'x-own': 'yes' }))
    })
    const server = await inFrontOf(url)
    const headers = { 'x-forwarded-for': '192.0.2.7' }
    const response = await fetch(`${server.url}/Dav/Ann?a=B`, { method: 'PROPFIND', body: '<propfind/>', headers })
    expect([response.status, response.headers.get('x-own'), await response.text()]).toEqual([207, 'yes', '<propfind/>'])
    expect(seen[0]!.url).toBe('/Dav/Ann?a=B')
    expect(seen[0]!.headers).toMatchObject({
      host: new URL(server.url).host, 'x-forwarded-for': '192.0.2.7,127.0.0.1', 'x-forwarded-proto': 'http',
      'x-forwarded-host': new URL(server.url).host,
    })
    expect(await server.log.line('request')).toMatchObject({ front: 'upstream', method: 'PROPFIND', http: 207 })
    expect(await (await fetch(`${server.url}/front`)).text()).toBe('ours')
  })

  it.each([
    ['postern-user=a', undefined], ['one=1; __Host-postern-user=a; two=2', 'one=1; two=2'], ['__Host-postern-admin=a;mine=b', 'mine=b'], ['not-postern-user=c', 'not-postern-user=c'],
  ])('does not tell the upstream who is signed in to our pages: %s', async (cookie, told) => {
    const seen: (string | undefined)[] = []
    const { url } = await upstream((req, res) => {
      seen.push(req.headers.cookie)
      res.end()
    })
    await fetch(`${(await inFrontOf(url)).url}/x`, { headers: { cookie } })
    expect(seen).toEqual([told])
  })

  it.each([
    ['before it is answered', () => {}],
    ['while it is answered', (res: http.ServerResponse) => void res.write('some')],
  ])('ends at the upstream when the client goes %s', async (_, answer) => {
    const asked = Promise.withResolvers<http.ServerResponse>()
    const { url } = await upstream((_, res) => {
      answer(res)
      asked.resolve(res)
    })
    const { port } = await inFrontOf(url)
    const client = connection(port)
    client.write('POST /other HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx')
    const ended = once(await asked.promise, 'close')
    await setTimeout(20)
    client.socket.destroy()
    await ended
  })

  it('gets 502 and a sentence when the upstream is down', async () => {
    const server = await inFrontOf('http://127.0.0.1:9')
    const response = await fetch(`${server.url}/other`)
    expect([response.status, await response.text()]).toEqual([502, 'The server behind this one does not answer.\n'])
  })

  it('is cut when the upstream breaks off', async () => {
    const { url } = await upstream((_, res) => {
      res.write('some', () => res.destroy())
    })
    const { port } = await inFrontOf(url)
    const client = connection(port)
    client.write('GET /other HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await client.end()).not.toContain('\r\n0\r\n')
  })

  it('needs no slow-body limit: the upstream has its own', async () => {
    const { url } = await upstream((req, res) => void req.pipe(res))
    const pace = { seconds: 0.05, octets: 1000 }
    const server = await serve({ fronts: [], passThrough: passThrough(url, keptLog()) }, { pace })
    stop.push(() => server.close(0))
    const client = connection(server.port)
    client.write('POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n')
    await setTimeout(300)
    client.write('at ease'.slice(0, 6))
    await client.until(/at eas/)
  })

  it('makes node warn of nothing', async () => {
    const warnings: Error[] = []
    const note = (warning: Error) => void warnings.push(warning)
    process.on('warning', note)
    const { url } = await upstream((_, res) => void res.end())
    await fetch(`${(await inFrontOf(url)).url}/other`)
    await setTimeout(10)
    process.off('warning', note)
    expect(warnings).toEqual([])
  })
})

describe('a WebSocket', () => {
  const hello = 'GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
    + 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

  /** Accepts and gives back every octet; RFC 6455, Server's Opening Handshake. */
  const echoing = async () => {
    const server = await upstream((_, res) => void res.end('no socket'))
    const sockets: Duplex[] = []
    server.on('upgrade', (req: IncomingMessage, socket) => {
      const key = `${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n')
      socket.write(`Sec-WebSocket-Accept: ${createHash('sha1').update(key).digest('base64')}\r\n\r\n`)
      socket.pipe(socket)
      sockets.push(socket)
    })
    return { server, sockets }
  }

  it('goes to the upstream and back', async () => {
    const { server: { url } } = await echoing()
    const { port } = await inFrontOf(url)
    const client = connection(port)
    client.write(hello)
    expect(await client.until(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 101 [^]*sec-websocket-accept: ICX\+Yqv66kxgM0FcWaLWlFLwTAI=/i)
    client.write('\x81\x05hello')
    await client.until(/hello/)
  })

  it('ends on either side when it ends on the other', async () => {
    const { server: { url }, sockets } = await echoing()
    const { port } = await inFrontOf(url)
    const [first, second] = [connection(port), connection(port)]
    first.write(hello)
    await first.until(/101/)
    second.write(hello)
    await second.until(/101/)
    const ended = once(sockets[0]!, 'close')
    first.socket.resetAndDestroy()
    await ended
    sockets[1]!.destroy()
    await second.end()
  })

  it('is refused on a path of ours, and where there is no upstream', async () => {
    const { server: { url } } = await echoing()
    const client = connection((await inFrontOf(url)).port)
    client.write(hello.replace('/socket', '/front'))
    expect(await client.end()).toMatch(/^HTTP\/1.1 404 /)
    const alone = await serve(front(() => new Response()))
    stop.push(() => alone.close(0))
    const other = connection(alone.port)
    other.write(hello)
    expect(await other.end()).toMatch(/^HTTP\/1.1 404 /)
  })

  it('gets 502 when the upstream is down', async () => {
    const client = connection((await inFrontOf('http://127.0.0.1:9')).port)
    client.write(hello)
    expect(await client.end()).toMatch(/^HTTP\/1.1 502 /)
  })

  it('is what an offer of HTTP/2 is not', async () => {
    const client = connection((await inFrontOf('http://127.0.0.1:9')).port)
    client.write('GET /front HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n')
    expect(await client.until(/ours/)).toMatch(/^HTTP\/1.1 200 /)
  })
})
