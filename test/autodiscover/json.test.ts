import { afterAll, beforeAll, expect, it } from 'vitest'
import { autodiscoverServer, get, type AutodiscoverServer } from '../support/autodiscover.ts'
import { connection } from '../support/http.ts'

let server: AutodiscoverServer
beforeAll(async () => void (server = await autodiscoverServer({ settings: { url: 'https://mail.{domain}' }, redirects: [
  { user: 'bob@postern.test', url: 'https://other.example.org/Microsoft-Server-ActiveSync' },
  { domain: 'moved.test', url: 'https://other.example.org/Microsoft-Server-ActiveSync' },
] })))
afterAll(async () => {
  await server.close(0)
  expect(server.bugs()).toBe(0)
})

const ask = async (query: string) => {
  const { status, text } = await get(server, `/autodiscover/autodiscover.json${query}`)
  return [status, JSON.parse(text) as unknown]
}
const eas = { Protocol: 'ActiveSync', Url: 'https://mail.postern.test/Microsoft-Server-ActiveSync' }
const v1 = { Protocol: 'AutodiscoverV1', Url: 'https://mail.postern.test/autodiscover/autodiscover.xml' }

it.each([
  ['?Email=anna%40postern.test&Protocol=ActiveSync&RedirectCount=1', eas],
  ['?email=anna@postern.test&protocol=activesync', eas],
  ['?Email=anna%40postern.test&Protocol=Autodiscoverv1&RedirectCount=1', v1],
  ['/v1.0/anna@postern.test?Protocol=ActiveSync', eas],
  ['/v1.0/anna%40postern.test?Protocol=AutodiscoverV1&RedirectCount=1', v1],
  ['/V1.0/anna@postern.test?Email=ignored&Protocol=ActiveSync', eas],
])('%s is answered without credentials', async (query, answer) => {
  expect(await ask(query)).toEqual([200, answer])
})

it('is the same for whoever is there, is not there, or has a rule of their own', async () => {
  for (const name of ['anna', 'nobody', 'bob']) expect(await ask(`?Email=${name}@postern.test&Protocol=ActiveSync`)).toEqual([200, eas])
})

it('sends a domain that is served elsewhere there', async () => {
  expect(await ask('?Email=x@moved.test&Protocol=ActiveSync')).toEqual([200, { Protocol: 'ActiveSync', Url: 'https://other.example.org/Microsoft-Server-ActiveSync' }])
  expect(await ask('?Email=x@moved.test&Protocol=AutodiscoverV1')).toEqual([200, { Protocol: 'AutodiscoverV1', Url: 'https://other.example.org/autodiscover/autodiscover.xml' }])
})

it.each([
  ['?Email=anna@postern.test&Protocol=Ews', 400, 'InvalidProtocol'],
  ['?Email=anna@postern.test&Protocol=MapiHttp', 400, 'InvalidProtocol'],
  ['?Email=anna@postern.test&Protocol=constructor', 400, 'InvalidProtocol'],
  ['?Email=anna@postern.test', 400, 'MandatoryParameterMissing'],
  ['?Protocol=ActiveSync', 400, 'MandatoryParameterMissing'],
  ['?Email=a%22b%3Cx&Protocol=ActiveSync', 400, 'InvalidEmail'],
  ['/v1.0/%E0%A4%A?Protocol=ActiveSync', 400, 'InvalidEmail'],
  ['?Email=anna@else.test&Protocol=ActiveSync', 404, 'UserNotFound'],
])('%s is refused with %i %s', async (query, status, code) => {
  expect(await ask(query)).toEqual([status, { ErrorCode: code, ErrorMessage: expect.any(String) as unknown }])
})

it('is not what a path only seems to be', async () => {
  for (const last of ['..', '%2e%2E', '.']) {
    const client = connection(server.port)
    client.socket.end(`GET /autodiscover/autodiscover.json/v1.0/${last}?Protocol=ActiveSync HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect(await client.end()).toMatch(/^HTTP\/1\.1 404 /)
  }
})

it('is asked by GET, at any letter case of its path', async () => {
  expect((await get(server, '/AutoDiscover/AutoDiscover.JSON?Email=anna@postern.test&Protocol=ActiveSync')).status).toBe(200)
  expect((await get(server, '/autodiscover/autodiscover.json?Email=anna@postern.test&Protocol=ActiveSync', { method: 'HEAD' })).status).toBe(200)
  expect((await get(server, '/autodiscover/autodiscover.json', { method: 'DELETE' })).status).toBe(405)
  expect((await get(server, '/autodiscover/autodiscover.json/v1.0/')).status).toBe(404)
})
