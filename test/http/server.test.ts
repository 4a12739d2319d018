import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { readBody } from '../../src/base/body.ts'
import { Failure, type Kind } from '../../src/base/failure.ts'
import type { FrontRequest, Visit } from '../../src/base/front.ts'
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

describe('a request', () => {
  it('reaches the front that claims its path in any letter case', async () => {
    const { url } = await serve(front(request => new Response(request.url.search)))
    expect(await (await fetch(`${url}/FRONT?Cmd=Sync`)).text()).toBe('?Cmd=Sync')
    expect(await (await fetch(`${url}/other`)).text()).toBe('There is nothing here.\n')
  })

  it('brings method, headers, body, address and credentials', async () => {
    let seen: [FrontRequest, Visit, string] | undefined
    const { url } = await serve(front(async (request, visit) => {
      seen = [request, visit, String(await readBody(request, 1000))]
      return new Response()
    }))
    const headers = { authorization: `Basic ${btoa('ann:secret')}`, 'x-ms-policykey': '7' }
    await fetch(`${url}/front`, { method: 'POST', body: 'ünd', headers })
    const [request, visit, body] = seen!
    expect([request.method, request.headers.get('x-ms-policykey'), body]).toEqual(['POST', '7', 'ünd'])
    expect([visit.address, visit.credentials]).toEqual(['127.0.0.1', { kind: 'password', user: 'ann', password: 'secret' }])
  })

  it('may name the whole URL, as to a proxy', async () => {
    const { port } = await serve(front(request => new Response(request.url.href)))
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
      const { value } = await request.body![Symbol.asyncIterator]().next()
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
    client.write('HEAD /front HTTP/1.1\r\nHost: x\r\n\r\n')
    client.write('POST /front HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
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
    // About half a minute, so that those who were told at once do not come back at once.
    expect(response.headers.get('retry-after')).toEqual(status === 503 ? expect.stringMatching(/^(1[5-9]|2\d|3\d|4[0-5])$/) : null)
    const line = { front: 'test', http: status, failure: kind, why: 'said by the mail server' }
    expect(await log.line('request')).toMatchObject(line)
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

describe('the log', () => {
  it('has one line a request with what the front noted, and no secret', async () => {
    const { url, log } = await serve(front((_, { facts }) => {
      facts['command'] = 'Sync'
      return new Response()
    }))
    const headers = { authorization: `Basic ${btoa('ann:secret')}` }
    await fetch(`${url}/front?User=ann`, { method: 'POST', body: 'the content', headers })
    expect(await log.line('request')).toEqual({
      level: 'info', message: 'request', id: expect.any(String), address: '127.0.0.1', front: 'test', method: 'POST', http: 200,
      ms: expect.any(Number), command: 'Sync',
    })
    expect(log.lines).toHaveLength(1)
  })
})
