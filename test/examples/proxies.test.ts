// The examples for proxies, each as the program itself runs it between a phone and a Postern with real servers.
import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import https, { type RequestOptions } from 'node:https'
import net, { type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Phone } from '../support/eas-client.ts'
import { freePorts, HOST } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { linesOf, startPostern, type Postern } from '../support/postern.ts'
import { proxyNames, startProxy } from '../support/proxies.ts'
import { sendSlowly } from '../support/traffic.ts'

const mib = 1024 * 1024
let house: House
let postern: Postern
/** Behind Postern, and behind the proxies: they tell what they were asked. */
let behind: Witness
let webmail: Witness

beforeAll(async () => {
  house = await startHouse({ dovecot: { specialUse: 'created' }, exim: { sizeLimit: 40 * mib } })
  behind = await witness()
  webmail = await witness()
  const [port = 0] = await freePorts(1)
  postern = await startPostern(house, { port, settings: {
    listen: { host: HOST, port, trustedProxies: [HOST] },
    upstream: `http://${HOST}:${behind.port}`, eas: { heartbeat: { min: 1 } }, auth: { tries: 100 },
  } })
})
afterAll(async () => {
  expect(postern.log()).not.toContain('"bug"')
  await postern.stop()
  behind.server.close()
  webmail.server.close()
  await house.stop()
})

type Seen = http.IncomingHttpHeaders
type Witness = { readonly server: http.Server; readonly port: number; readonly seen: Seen[] }

async function witness(): Promise<Witness> {
  const seen: Seen[] = []
  const server = http.createServer((req, res) => {
    seen.push(req.headers)
    res.end(`${req.method} ${req.url}`)
  })
  server.listen(0, HOST)
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port, seen }
}

/** In place of Postern, for its HTTP (that of node) does not know these verbs: hears octets of one connection, and answers at once. */
async function listener() {
  let heard = '', peer: net.Socket | undefined
  const say = (piece: string): void => void peer!.write(`${piece.length.toString(16)}\r\n${piece}\r\n`)
  const server = net.createServer(socket => {
    socket.on('error', () => {}).on('data', chunk => {
      heard += chunk.toString('latin1')
      if (peer) return
      peer = socket
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/rpc\r\nTransfer-Encoding: chunked\r\n\r\n')
      say('first answer')
    })
  }).listen(0, HOST)
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, heard: () => heard, say, close: () => server.close() }
}

const ask = (url: string, options: RequestOptions): http.ClientRequest => https.request(url, { rejectUnauthorized: false, agent: false, ...options })
const answerOf = async (request: http.ClientRequest): Promise<IncomingMessage> => (await once(request, 'response') as [IncomingMessage])[0]

function phoneOf(url: string, user: number, deviceId = 'PROXIED'): Phone {
  const { login, password } = house.user(user)
  return new Phone({ url, user: login, password, deviceId })
}

/** What a phone that waits hears: of a message after so many milliseconds, where it comes. */
async function waits(url: string, user: number, heartbeat: number, after?: number): Promise<string> {
  const phone = phoneOf(url, user)
  try {
    await phone.folderSync('0')
    const inbox = phone.folder('2')
    await phone.syncAll(inbox)
    const waiting = phone.ping([inbox], heartbeat).then(({ status }) => status, (error: unknown) => (error as Error).message)
    if (after !== undefined) {
      await sleep(after)
      await house.deliver(user, 'Subject: news\r\n\r\nnews\r\n')
    }
    return await waiting
  } finally {
    phone.close()
  }
}

describe.each(proxyNames.map((name, user) => [name, user] as const))('%s as in the example', (name, user) => {
  let proxy: Awaited<ReturnType<typeof startProxy>>
  const sides = () => ({ postern: postern.port, webmail: webmail.port })
  beforeAll(async () => { proxy = await startProxy(house, name, sides()) })
  afterAll(() => proxy?.stop())

  it('speaks HTTP/1.1 over TLS with who offers HTTP/2 as well', async () => {
    const socket = connect({ host: HOST, port: proxy.port, rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] })
    await once(socket, 'secureConnect')
    expect([false, 'http/1.1']).toContain(socket.alpnProtocol)
    socket.destroy()
  })

  it('has a phone wait, and brings it the news at once', async () => {
    expect(await waits(proxy.url, user, 60, 500)).toBe('2')
    expect(await waits(proxy.url, user, 1)).toBe('1')
  })

  it('tells Postern whose address it is, whatever the client claims', async () => {
    const before = linesOf(postern, 'authentication failed').length
    const request = ask(`${proxy.url}/Microsoft-Server-ActiveSync?Cmd=FolderSync&User=x&DeviceId=D&DeviceType=T`, {
      method: 'POST', localAddress: '127.0.0.9', auth: `${house.user(user).login}:wrong`,
      headers: { 'x-forwarded-for': '192.0.2.1', 'ms-asprotocolversion': '16.1' },
    }).end()
    const response = await answerOf(request)
    response.resume()
    expect(response.statusCode).toBe(401)
    await expect.poll(() => linesOf(postern, 'authentication failed').slice(before)).toMatchObject([{ address: '127.0.0.9', user: house.user(user).login }])
  })

  it('lets 30 MiB of a message flow through while they come', async () => {
    const before = linesOf(postern, 'request').length
    expect(await sendSlowly(proxy.url, house.user(user), `through ${name}`, 30 * mib, 3000)).toBe('HTTP 200, 0 octets')
    // One that came in one go would have been there for a moment only.
    await expect.poll(() => linesOf(postern, 'request').slice(before).filter(line => line['command'] === 'SendMail'))
      .toMatchObject([{ ms: expect.toSatisfy((ms: number) => ms > 2300) }])
  }, 60_000)

  it('passes on RPC_IN_DATA, which is said to be 1 GiB long, piece by piece, and so the answer to RPC_OUT_DATA', async () => {
    const servers = [await listener(), await listener()] as const
    for (const [n, method] of (['RPC_IN_DATA', 'RPC_OUT_DATA'] as const).entries()) {
      const server = servers[n]!
      const other = await startProxy(house, name, { ...sides(), postern: server.port })
      const request = ask(`${other.url}/rpc/rpcproxy.dll?host:6001`, { method, headers: { 'content-length': n ? '11' : String(1024 * mib) } })
      request.on('error', () => {})
      const answer = answerOf(request)
      answer.catch(() => {})
      for (const [piece, all] of [['first', /first$/], ['second', /firstsecond$/]] as const) {
        request.write(piece)
        await expect.poll(() => server.heard()).toMatch(all)
      }
      expect(server.heard()).toMatch(new RegExp(`^${method} /rpc/rpcproxy\\.dll\\?host:6001 HTTP/1\\.1\r\n`))
      if (n) {
        const heard: string[] = []
        ;(await answer).on('error', () => {}).on('data', (chunk: Buffer) => void heard.push(chunk.toString()))
        await expect.poll(() => heard.join('')).toBe('first answer')
        server.say(', second answer')
        await expect.poll(() => heard.join('')).toBe('first answer, second answer')
      }
      request.destroy()
      await other.stop()
      server.close()
    }
  })

  it('takes bodies of 150 MiB', async () => {
    const status = async (octets: number) => {
      const request = ask(`${proxy.url}/Microsoft-Server-ActiveSync?Cmd=SendMail`, { method: 'POST', headers: { 'content-length': String(octets), expect: '100-continue' } })
      request.on('error', () => {})
      const how = await Promise.race([once(request, 'continue').then(() => 100), answerOf(request).then(({ statusCode }) => statusCode)])
      request.destroy()
      return how
    }
    // Without a password Postern wants none of it.
    expect([100, 401]).toContain(await status(150 * mib))
    if (name === 'nginx') expect(await status(151 * mib)).toBe(413)
  })

  it('brings all other paths to the webmail', async () => {
    const request = ask(`${proxy.url}/webmail/?page=2`, { localAddress: '127.0.0.9', headers: { host: 'mail.example.org' } }).end()
    expect(await text(await answerOf(request))).toBe('GET /webmail/?page=2')
    expect(webmail.seen.at(-1)!['x-forwarded-for']).toMatch(/^127\.0\.0\.9$/)
    const exchange = ask(`${proxy.url}/OAB/list/oab.xml`, {}).end()
    expect(await text(await answerOf(exchange))).toBe('GET /OAB/list/oab.xml')
    expect(behind.seen.at(-1)!['x-forwarded-proto']).toContain('https')
  })

  it('would not let a phone wait if its time limits were not in the example', async () => {
    const limits = { nginx: [/61m/g, '1s'], Apache: [/3660/g, '1'], HAProxy: [/timeout server 61m/, 'timeout server 1s'], Caddy: [/dial_timeout 3s/, 'dial_timeout 3s\n\t\t\t\tread_timeout 1s'] } as const
    const short = await startProxy(house, name, sides(), given => {
      const [what, by] = limits[name]
      const other = given.replace(what, by)
      expect(other).not.toBe(given)
      return other
    })
    expect(await waits(short.url, user, 4)).toMatch(/HTTP 50[24]|socket hang up/)
    await short.stop()
  })
})

// Takes nine minutes, so it is run on wish: LONG_WAITS=1.
it.runIf(process.env['LONG_WAITS'])('a phone waits for five minutes behind each of them at the same time, and then for news', async () => {
  const times = await Promise.all(proxyNames.map(async (name, user) => {
    const proxy = await startProxy(house, name, { postern: postern.port, webmail: webmail.port })
    try {
      const begun = performance.now()
      expect([name, await waits(proxy.url, user, 300)]).toEqual([name, '1'])
      const seconds = (performance.now() - begun) / 1000
      expect(seconds).toBeGreaterThan(300)
      expect(seconds).toBeLessThan(320)
      expect([name, await waits(proxy.url, user, 600, 240_000)]).toEqual([name, '2'])
      return `${name} ${seconds.toFixed(1)} s`
    } finally {
      await proxy.stop()
    }
  }))
  console.log(`Ping of 300 s: ${times.join(', ')}`)
}, 600_000)
