// The PROXY protocol on a listener, by hand and by HAProxy's own words.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import net from 'node:net'
import { connect } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { readBody } from '../../src/base/body.ts'
import { freePorts, HOST, openGround, service } from '../support/house.ts'
import { connection, front, serve as start, servers } from '../support/http.ts'
import { certificate } from './certificates.ts'

const serve = servers({ trustedProxies: [HOST], proxyProtocol: true })

/** Tells whose request it is, and how long its body was. */
const whose = front(async (request, { address }) =>
  new Response(`from ${address}, ${(await readBody(request, 1e6)).length} octets, ${request.headers.get('x-forwarded-for')}`))
const line = 'PROXY TCP4 192.0.2.7 10.0.0.1 49152 443\r\n'
const post = 'POST /front HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody'

describe('a listener with the PROXY protocol', () => {
  it('takes the word of a proxy, in one piece with the request or octet by octet, for all requests of the connection', async () => {
    const { port } = await serve(whose)
    for (const pieces of [[line + post], [line, post], [...(line + post)], [line.slice(0, 20), line.slice(20) + post.slice(0, 30), post.slice(30)]]) {
      const client = connection(port)
      for (const piece of pieces) {
        client.write(piece)
        if (pieces.length < 10) await sleep(20)
      }
      expect(await client.until(/octets, [^]*$/)).toContain('from 192.0.2.7, 4 octets, 192.0.2.7')
      client.write(post)
      await client.until(/from 192\.0\.2\.7[^]*from 192\.0\.2\.7, 4 octets/)
      client.socket.destroy()
    }
  })

  it('takes it before TLS', async () => {
    const { port } = await serve(whose, { tls: certificate('mail.example') })
    for (const pause of [0, 50]) {
      const raw = net.connect(port, HOST)
      raw.write(line)
      await sleep(pause)
      const socket = connect({ socket: raw, rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      socket.write(post)
      const [answer] = await once(socket, 'data') as [Buffer]
      expect(answer.toString()).toContain('from 192.0.2.7')
      socket.destroy()
    }
  })

  it('believes X-Forwarded-For of a client that is a proxy itself, and of no other', async () => {
    const { port } = await serve(whose, { trustedProxies: [HOST, '10.9.0.0/16'] })
    const ask = async (source: string) => {
      const client = connection(port)
      client.write(`PROXY TCP4 ${source} 10.0.0.1 1 2\r\n${post.replace('Host', 'X-Forwarded-For: 198.51.100.4\r\nHost')}`)
      const text = await client.until(/octets/)
      client.socket.destroy()
      return /from \S+(?=,)/.exec(text)![0]
    }
    expect(await ask('192.0.2.7')).toBe('from 192.0.2.7')
    expect(await ask('10.9.8.7')).toBe('from 198.51.100.4')
  })

  it('serves whom it does not trust as what he is', async () => {
    const { port } = await serve(whose, { trustedProxies: ['192.0.2.99'] })
    const client = connection(port)
    client.write(post)
    expect(await client.until(/octets/)).toContain(`from ${HOST}`)
    const liar = connection(port)
    liar.write(line + post)
    expect(await liar.end()).toMatch(/^HTTP\/1.1 400 /)
  })

  it.each([
    ['a request without it', post], ['noise', '\x16\x03\x01\x02\0'], ['a line without end', `PROXY UNKNOWN ${'x'.repeat(2000)}`],
    ['half of it', 'PROXY TC'], ['silence', ''],
  ])('closes the connection of a proxy with %s, and says so', async (_, text) => {
    const { port, log } = await serve(whose, { headSeconds: 0.3 })
    const client = connection(port)
    client.write(Buffer.from(text, 'latin1'))
    expect(await client.end()).toBe('')
    expect(await log.line('no request')).toMatchObject({ why: expect.stringContaining('PROXY protocol') })
  })

  it('ends although a connection has not said anything', async () => {
    const server = await start(whose, { trustedProxies: [HOST], proxyProtocol: true })
    const client = connection(server.port)
    await once(client.socket, 'connect')
    await sleep(50)
    await server.close(0.1)
    expect(await client.end()).toBe('')
  })

  it.each(['send-proxy', 'send-proxy-v2', 'send-proxy-v2 proxy-v2-options unique-id'])('understands HAProxy that is told to %s', async how => {
    const { port } = await serve(whose)
    const ground = openGround()
    const [own = 0] = await freePorts(1), file = join(ground.dir, 'haproxy.cfg')
    writeFileSync(file, `defaults\n  mode http\n  timeout connect 5s\n  timeout client 5s\n  timeout server 5s\nfrontend f\n  bind ${HOST}:${own}\n` +
      `  unique-id-format %[uuid()]\n  default_backend b\nbackend b\n  server s ${HOST}:${port} ${how}\n`)
    await service(ground, { name: 'haproxy', command: 'haproxy', args: ['-db', '-f', file], port: own }).start()
    const socket = net.connect({ port: own, host: HOST, localAddress: '127.0.0.9' }).end(post.replace('Host', 'Connection: close\r\nHost'))
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    expect(text).toContain('from 127.0.0.9, 4 octets')
    await ground.close()
  })
})
