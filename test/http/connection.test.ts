import { once } from 'node:events'
import { connect } from 'node:tls'
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { readBody } from '../../src/base/body.ts'
import { connection, front, serve as start, type Served } from '../support/http.ts'
import { certificate } from './certificates.ts'

let servers: Served[] = []

const serve = async (...parameters: Parameters<typeof start>) => {
  const server = await start(...parameters)
  servers.push(server)
  return server
}

afterEach(async () => {
  const bugs = servers.reduce((sum, server) => sum + server.bugs(), 0)
  await Promise.all(servers.map(server => server.close(0)))
  expect(bugs).toBe(0)
  servers = []
})

/** Answers with what it was asked. */
const echo = front(async request => new Response(await readBody(request, 1e6) as Uint8Array<ArrayBuffer>))
const forEver = (signal: AbortSignal) => new Promise<never>((_, reject) => {
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
})

describe('a body', () => {
  it.each([
    ['with its length', 'Content-Length: 1001\r\n\r\n' + 'x'.repeat(1001)],
    ['in chunks', `Transfer-Encoding: chunked\r\n\r\n3e9\r\n${'x'.repeat(1001)}\r\n0\r\n\r\n`],
  ])('that is too large %s gets 413', async (_, rest) => {
    const { port } = await serve(front(async request => new Response(await readBody(request, 1000) as Uint8Array<ArrayBuffer>)))
    const client = connection(port)
    client.write(`POST /front HTTP/1.1\r\nHost: x\r\n${rest}`)
    expect(await client.until(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 413 /)
  })

  it('of which only half comes gets 408, and the front is told', async () => {
    const { port, log } = await serve(echo, { pace: { seconds: 0.1, octets: 100 } })
    const client = connection(port)
    client.write('POST /front HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf')
    expect(await client.end()).toMatch(/^HTTP\/1.1 408 /)
    expect(await log.line('request')).toMatchObject({ http: 408 })
  })

  it('that comes octet by octet gets 408', async () => {
    const { port } = await serve(echo, { pace: { seconds: 0.2, octets: 100 } })
    const client = connection(port)
    client.write('POST /front HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n')
    const drip = setInterval(() => client.write('x'), 10)
    expect(await client.end()).toMatch(/^HTTP\/1.1 408 /)
    clearInterval(drip)
  })

  it.each<[string, (client: ReturnType<typeof connection>) => void]>([
    ['breaks off', ({ socket }) => socket.resetAndDestroy()], ['ends too early', ({ socket }) => socket.end()], ['comes no further', () => {}],
  ])('that %s is no longer waited for by whoever reads it', async (_, end) => {
    let ended = ''
    const { port } = await serve(front(async request => {
      const read = readBody(request, 1e6).then(() => 'complete', () => 'broken off')
      void read.then(how => { ended = how })
      return new Response(await read)
    }), { pace: { seconds: 0.3, octets: 1000 } })
    const client = connection(port)
    client.write('POST /front HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n')
    client.write(new Uint8Array(500_000))
    await setTimeout(50)
    end(client)
    await expect.poll(() => ended).toBe('broken off')
  })

  it('that we are slow to read is waited for', async () => {
    const { port } = await serve(front(async request => {
      await setTimeout(500)
      return new Response(String((await readBody(request, 1e6)).length))
    }), { pace: { seconds: 0.1, octets: 1000 } })
    const client = connection(port)
    client.write('POST /front HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n')
    client.write(new Uint8Array(1_000_000))
    expect(await client.until(/1000000/)).toMatch(/^HTTP\/1.1 200 /)
  })

  it('that is complete may be answered as late as one likes', async () => {
    const { url } = await serve(front(async request => {
      await readBody(request, 100)
      await setTimeout(500)
      return new Response('done')
    }), { pace: { seconds: 0.1, octets: 100 } })
    expect(await (await fetch(`${url}/front`, { method: 'POST', body: 'x' })).text()).toBe('done')
  })

  it('that breaks off is no bug', async () => {
    const { port, log } = await serve(echo)
    const client = connection(port)
    client.write('POST /front HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf')
    await setTimeout(50)
    client.socket.destroy()
    expect(await log.line('request')).toMatchObject({ http: 400 })
    expect(log.lines).toHaveLength(1)
  })

  it('in broken chunks gets 400', async () => {
    const { port } = await serve(echo)
    const client = connection(port)
    client.write('POST /front HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n')
    expect(await client.end()).toMatch(/^HTTP\/1.1 400 /)
  })
})

describe('what is no request', () => {
  it.each([
    ['noise', '\x16\x03\x01\x02\0\x01\0\x01\xfc\r\n\r\n', 400],
    ['a head of 40 KiB', `GET /front HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(40 * 1024)}\r\n\r\n`, 431],
    ['half a head', 'GET /front HTTP/1.1\r\nHost: ', 408],
  ])('%s is refused with a line in the log', async (_, text, status) => {
    const { port, log } = await serve(echo, { headSeconds: 0.2 })
    const client = connection(port)
    client.write(Buffer.from(text, 'latin1'))
    expect(await client.end()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(await log.line('no request')).toMatchObject({ http: status })
  })

  it('silence is ended', async () => {
    const { port } = await serve(echo, { headSeconds: 0.2 })
    await connection(port).end()
  })
})

describe('a client that goes away', () => {
  it.each(['destroy', 'end'] as const)('by %s ends the wait at once', async way => {
    const waiting = Promise.withResolvers<AbortSignal>()
    const { port, log } = await serve(front((_, { signal }) => {
      waiting.resolve(signal)
      return forEver(signal)
    }))
    const client = connection(port)
    client.write('POST /front HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx')
    const signal = await waiting.promise
    const aborted = once(signal, 'abort')
    client.socket[way]()
    await aborted
    expect(await log.line('request')).toMatchObject({ http: 499 })
  })

  it('in the middle of an answer ends the making of it', async () => {
    const ended = Promise.withResolvers<void>()
    const { port, log } = await serve(front(() => new Response(ReadableStream.from((async function* () {
      try {
        for (;;) {
          yield Buffer.from('more')
          await setTimeout(5)
        }
      } finally {
        ended.resolve()
      }
    })()))))
    const client = connection(port)
    client.write('GET /front HTTP/1.1\r\nHost: x\r\n\r\n')
    await client.until(/more/)
    client.socket.destroy()
    await ended.promise
    expect(await log.line('request')).toMatchObject({ http: '200 cut' })
  })
})

describe('closing', () => {
  it('has waiting requests answered, takes no new ones and ends', async () => {
    const drained = Promise.withResolvers<void>()
    const waiting = Promise.withResolvers<void>()
    const server = await serve({
      passThrough: undefined,
      fronts: [{
        ...front(async () => {
          waiting.resolve()
          await drained.promise
          return new Response('nothing new')
        }),
        drain: () => drained.resolve(),
      }],
    })
    const idle = connection(server.port)
    idle.write('GET /other HTTP/1.1\r\nHost: x\r\n\r\n')
    await idle.until(/nothing here/)
    const client = connection(server.port)
    client.write('GET /front HTTP/1.1\r\nHost: x\r\n\r\n')
    await waiting.promise
    await server.close(10)
    expect(await client.end()).toMatch(/^HTTP\/1.1 200 [^]*connection: close[^]*nothing new/i)
    await idle.end()
    await expect(fetch(`${server.url}/front`)).rejects.toThrow()
  })

  it('may let a connection bring one more request, and says that it is the last one', async () => {
    const server = await serve(front(() => new Response('served')))
    const [busy, idle] = [connection(server.port), connection(server.port)]
    for (const client of [busy, idle]) {
      client.write('GET /front HTTP/1.1\r\nHost: x\r\n\r\n')
      await client.until(/served/)
    }
    const closed = server.close(10, 0.5)
    await expect(fetch(`${server.url}/front`)).rejects.toThrow()
    busy.write('GET /front HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await busy.end()).toMatch(/keep-alive[^]*served[^]*connection: close[^]*served/i)
    expect(idle.socket.destroyed).toBe(false)
    expect(await idle.end()).not.toMatch(/connection: close/i)
    await closed
  })

  it('is announced with each answer, while everybody is served', async () => {
    const server = await serve(front(() => new Response('served')))
    const kept = connection(server.port)
    kept.write('GET /front HTTP/1.1\r\nHost: x\r\n\r\n')
    await kept.until(/served/)
    server.part()
    kept.write('GET /front HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await kept.end()).toMatch(/connection: close\r\n[^]*served$/i)
    const fresh = await fetch(`${server.url}/front`)
    expect([fresh.status, fresh.headers.get('connection')]).toEqual([200, 'close'])
  })

  it('cuts what does not end in time', async () => {
    const waiting = Promise.withResolvers<void>()
    const server = await serve(front((_, { signal }) => {
      waiting.resolve()
      return forEver(signal)
    }))
    const client = connection(server.port)
    client.write('GET /front HTTP/1.1\r\nHost: x\r\n\r\n')
    await waiting.promise
    await server.close(0.1)
    expect(await client.end()).toBe('')
  })
})

describe('replacing the routes', () => {
  it('leaves those that wait where they are, and tells when the last of them is done', async () => {
    const go = Promise.withResolvers<void>()
    const waiting = Promise.withResolvers<void>()
    const server = await serve(front(async () => {
      waiting.resolve()
      await go.promise
      return new Response('old')
    }))
    const old = fetch(`${server.url}/front`)
    await waiting.promise
    let over = false
    const next = { fronts: [front(() => new Response('new'))], passThrough: undefined }
    const former = server.replace(next).then(() => void (over = true))
    expect(await (await fetch(`${server.url}/front`)).text()).toBe('new')
    expect(over).toBe(false)
    go.resolve()
    expect(await (await old).text()).toBe('old')
    await former
  })
})

describe('TLS', () => {
  it('takes another certificate without a restart', async () => {
    const server = await serve(front(request => new Response(request.url.href)), { tls: certificate('one.example') })
    const subject = async () => {
      const socket = connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      const { subject: { CN } } = socket.getPeerCertificate()
      socket.end('GET /front HTTP/1.1\r\nHost: mail.example\r\nConnection: close\r\n\r\n')
      let text = ''
      for await (const chunk of socket) text += String(chunk)
      expect(text).toContain('https://mail.example/front')
      return CN
    }
    expect(await subject()).toBe('one.example')
    server.secure(certificate('two.example'))
    expect(await subject()).toBe('two.example')
  })
})
