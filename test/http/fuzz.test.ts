import { expect, it } from 'vitest'
import { readBody } from '../../src/base/body.ts'
import { connection, front, serve } from '../support/http.ts'
import { mutations } from '../support/fuzz.ts'

const samples = [
  'POST /front?Cmd=Sync HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YW5uOnNlY3JldA==\r\nContent-Length: 5\r\n\r\nhello',
  'POST /front HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'GET /front HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAccept-Encoding: gzip\r\n\r\n',
  'OPTIONS /other HTTP/1.1\r\nHost: [::1]:80\r\nX-Forwarded-For: 192.0.2.1, 10.0.0.1\r\nConnection: close\r\n\r\n',
].map(text => Buffer.from(text))

it('2,000 mutated requests are answered or cut, and none is a bug', async () => {
  const server = await serve(front(async request => new Response(await readBody(request, 100) as Uint8Array<ArrayBuffer>)))
  const requests = mutations(samples, 2000, 7)
  const one = async () => {
    for (const bytes of requests) {
      const client = connection(server.port)
      client.socket.end(bytes)
      expect(await client.end()).toMatch(/^$|^HTTP\/1\.1 \d{3} /)
    }
  }
  await Promise.all(Array.from({ length: 20 }, one))
  expect(await (await fetch(`${server.url}/front`, { method: 'POST', body: 'alive' })).text()).toBe('alive')
  await server.close(1)
  expect(server.bugs()).toBe(0)
})
