import { once } from 'node:events'
import { connect } from 'node:tls'
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { readBody } from '../../src/base/body.ts'
import { Failure, type Kind } from '../../src/base/failure.ts'
import type { Visit } from '../../src/base/front.ts'
import { connection, front, serve as start, type Served } from '../support/http.ts'

let servers: Served[] = []
let expectedBugs = 0

const serve = async (...parameters: Parameters<typeof start>) => {
  const server = await start(...parameters)
  servers.push(server)
  return server
}

afterEach(async () => {
  const bugs = servers.reduce((sum, server) => sum + server.bugs(), 0)
  await Promise.all(servers.map(server => server.close(0)))
  expect(bugs).toBe(expectedBugs)
  servers = []
  expectedBugs = 0
})

/** Answers with what it was asked. */
const echo = front(async request => new Response(await readBody(request, 1e6) as Uint8Array<ArrayBuffer>))
const forEver = (signal: AbortSignal) => new Promise<never>((_, reject) => {
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
})

describe('a request', () => {
  it('reaches the front that claims its path in any letter case', async () => {
    const { url } = await serve(front(request => new Response(new URL(request.url).search)))
    expect(await (await fetch(`${url}/FRONT?Cmd=Sync`)).text()).toBe('?Cmd=Sync')
    expect(await (await fetch(`${url}/other`)).text()).toBe('There is nothing here.\n')
  })

  it('brings method, headers, body, address and credentials', async () => {
    let seen: [Request, Visit, string] | undefined
    const { url } = await serve(front(async (request, visit) => {
      seen = [request, visit, await request.text()]
      return new Response()
    }))
    await fetch(`${url}/front`, { method: 'POST', body: 'ünd', headers: { authorization: `Basic ${btoa('ann:secret')}`, 'x-ms-policykey': '7' } })
    const [request, visit, body] = seen!
    expect([request.method, request.headers.get('x-ms-policykey'), body]).toEqual(['POST', '7', 'ünd'])
    expect([visit.address, visit.credentials]).toEqual(['127.0.0.1', { kind: 'password', user: 'ann', password: 'secret' }])
  })

  it('may name the whole URL, as to a proxy', async () => {
    const { port } = await serve(front(request => new Response(request.url)))
    const client = connection(port)
    client.write('GET http://elsewhere.example/Front?a HTTP/1.1\r\nHost: mail.example\r\n\r\n')
    expect(await client.until(/mail\.example/)).toContain('http://mail.example/Front?a')
  })

  it.each(['a b', 'a/b', 'evil@mail', 'a?b'])('with the host %j is malformed', async host => {
    const { port } = await serve(echo)
    const client = connection(port)
    client.write(`GET /front HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    expect(await client.end()).toMatch(/^HTTP\/1.1 400 /)
  })

  it('keeps its connection for the next one', async () => {
    const { port } = await serve(echo)
    const client = connection(port)
    for (const word of ['first', 'second']) {
      client.write(`POST /front HTTP/1.1\r\nHost: x\r\nContent-Length: ${word.length}\r\n\r\n${word}`)
      await client.until(new RegExp(`${word}$`))
    }
  })

  it('is read as it comes', async () => {
    const { port } = await serve(front(async request => {
      const reader = request.body!.getReader()
      const { value } = await reader.read()
      return new Response(value as Uint8Array<ArrayBuffer>)
    }))
    const client = connection(port)
    client.write('POST /front HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n')
    client.write('4\r\nlate\r\n0\r\n\r\n')
    expect(await client.until(/early/)).toMatch(/^HTTP\/1.1 200 /)
  })
})

describe('an answer', () => {
  it('starts before it is complete, and comes piece by piece', async () => {
    const { port, url } = await serve(front(() => {
      const { readable, writable } = new TransformStream<Uint8Array>()
      const writer = writable.getWriter()
      void (async () => {
        await setTimeout(20)
        await writer.write(Buffer.from('one'))
        await more.promise
        await writer.write(Buffer.from('two'))
        await writer.close()
      })()
      return new Response(readable)
    }))
    let more = Promise.withResolvers<void>()
    const client = connection(port)
    client.write('GET /front HTTP/1.1\r\nHost: x\r\n\r\n')
    await client.until(/\r\n\r\n/)
    expect(await client.until(/one/)).not.toContain('two')
    more.resolve()
    await client.until(/two\r\n0\r\n\r\n/)

    more = Promise.withResolvers<void>()
    const response = await fetch(`${url}/front`)
    more.resolve()
    expect(await response.text()).toBe('onetwo')
  })

  it('waits for a client that does not read', async () => {
    let made = 0
    const { port } = await serve(front(() => new Response(ReadableStream.from((async function* () {
      for (; made < 2000; made++) yield new Uint8Array(64 * 1024)
    })()))))
    const client = connection(port)
    client.socket.pause()
    client.write('GET /front HTTP/1.1\r\nHost: x\r\n\r\n')
    for (let before = -1; made !== before;) {
      before = made
      await setTimeout(100)
    }
    expect(made).toBeGreaterThan(0)
    expect(made).toBeLessThan(1000)
    client.socket.destroy()
  })

  it('is cut when its body breaks off, so that no client takes it for whole', async () => {
    const { port, log } = await serve(front(() => new Response(ReadableStream.from((async function* () {
      yield Buffer.from('one')
      await setTimeout(10)
      throw new Failure('unavailable', 'the mail server went away')
    })()))))
    const client = connection(port)
    client.write('GET /front HTTP/1.1\r\nHost: x\r\n\r\n')
    const text = await client.end()
    expect(text).toContain('one')
    expect(text).not.toContain('\r\n0\r\n')
    expect(await log.line('request')).toMatchObject({ http: '200 cut', failure: 'unavailable', why: 'the mail server went away' })
  })

  it('has no body to a HEAD, and a length when it is empty', async () => {
    const { port } = await serve(front(request => new Response(request.method === 'HEAD' ? 'words' : null)))
    const client = connection(port)
    client.write('HEAD /front HTTP/1.1\r\nHost: x\r\n\r\nPOST /front HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    const [head, post, rest] = (await client.end()).split('\r\n\r\n')
    expect(head).not.toContain('words')
    expect(post).toMatch(/content-length: 0/i)
    expect(rest).toBe('')
  })

  it('carries several cookies', async () => {
    const { url } = await serve(front(() => new Response(null, { headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2']] })))
    expect((await fetch(`${url}/front`)).headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  })
})

describe('what a front throws', () => {
  it.each<[Kind, number]>([
    ['auth', 401], ['denied', 403], ['not-found', 404], ['exists', 409], ['conflict', 409], ['stale', 409], ['malformed', 400],
    ['unsupported', 501], ['too-large', 413], ['quota', 507], ['busy', 503], ['unavailable', 503],
  ])('as %s is answered %i, and its words are for the log', async (kind, status) => {
    const { url, log } = await serve(front(() => {
      throw new Failure(kind, 'said by the mail server')
    }))
    const response = await fetch(`${url}/front`)
    expect(response.status).toBe(status)
    expect(await response.text()).not.toContain('mail')
    expect(response.headers.get('www-authenticate')).toBe(status === 401 ? 'Basic realm="Postern", charset="UTF-8"' : null)
    expect(response.headers.get('retry-after')).toBe(status === 503 ? '30' : null)
    expect(await log.line('request')).toMatchObject({ front: 'test', http: status, failure: kind, why: 'said by the mail server' })
  })

  it('says when to try again where that is known', async () => {
    const { url } = await serve(front(() => {
      throw new Failure('busy', 'slowed down', { retryAfter: 6.2 })
    }))
    expect((await fetch(`${url}/front`)).headers.get('retry-after')).toBe('7')
  })

  it('unexpectedly is a bug: 500 with an id that leads to the stack in the log', async () => {
    const { url, log } = await serve(front(() => {
      throw new TypeError('oops', { cause: Object.assign(new Error('below'), { password: 'secret' }) })
    }))
    const response = await fetch(`${url}/front`)
    const { id, stack } = await log.line('bug')
    expect(response.status).toBe(500)
    expect(await response.text()).toContain(id)
    expect(stack).toMatch(/TypeError: oops[^]*because of Error: below/)
    expect(JSON.stringify(log.lines)).not.toContain('secret')
    expectedBugs = 1
  })

  it('unexpectedly in the middle of an answer is a bug and cuts it', async () => {
    const { url, log } = await serve(front(() => new Response(ReadableStream.from((async function* () {
      yield Buffer.from('one')
      await setTimeout(10)
      throw new TypeError('oops')
    })()))))
    await expect(fetch(`${url}/front`).then(response => response.text())).rejects.toThrow()
    await log.line('bug')
    expectedBugs = 1
  })

  it('waits until the client has said all', async () => {
    const { port } = await serve(front(() => {
      throw new Failure('auth', 'no credentials')
    }))
    const client = connection(port)
    client.write('POST /front HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n')
    client.write(new Uint8Array(2_999_999))
    await setTimeout(100)
    expect(client.socket.bytesRead).toBe(0)
    client.write('x')
    expect(await client.until(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 401 /)
    client.write('POST /front HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx')
    expect((await client.end()).match(/HTTP\/1.1 401 /g)).toHaveLength(2)
  })

  it('does not wait for the end of what has none', async () => {
    const { port } = await serve(front(request => readBody(request, 1000).then(() => new Response())))
    const client = connection(port)
    client.write('POST /front HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
    const piece = Buffer.from(`100000\r\n${'x'.repeat(0x100000)}\r\n`)
    for (let i = 0; i < 40 && client.socket.writable; i++) {
      if (!client.socket.write(piece)) await client.flushed()
    }
    expect(client.socket.bytesWritten).toBeLessThan(40 * 0x100000)
    await client.end()
  })
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

describe('the log', () => {
  it('has one line a request with what the front noted, and no secret', async () => {
    const { url, log } = await serve(front((_, { facts }) => {
      facts['command'] = 'Sync'
      return new Response()
    }))
    await fetch(`${url}/front?User=ann`, { method: 'POST', body: 'the content', headers: { authorization: `Basic ${btoa('ann:secret')}` } })
    expect(await log.line('request')).toEqual({
      level: 'info', message: 'request', id: expect.any(String), address: '127.0.0.1', front: 'test', method: 'POST', http: 200,
      ms: expect.any(Number), command: 'Sync',
    })
    expect(log.lines).toHaveLength(1)
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
    const former = server.replace({ fronts: [front(() => new Response('new'))], passThrough: undefined }).then(() => void (over = true))
    expect(await (await fetch(`${server.url}/front`)).text()).toBe('new')
    expect(over).toBe(false)
    go.resolve()
    expect(await (await old).text()).toBe('old')
    await former
  })
})

describe('TLS', () => {
  it('takes another certificate without a restart', async () => {
    const { certificate } = await import('./certificates.ts')
    const server = await serve(front(request => new Response(request.url)), { tls: certificate('one.example') })
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
