import { afterAll, beforeAll, expect, it } from 'vitest'
import { readRequest } from '../../src/autodiscover/pox.ts'
import { bodyOf } from '../../src/autodiscover/soap.ts'
import { Failure } from '../../src/base/failure.ts'
import { readXml } from '../../src/wire/xml-read.ts'
import { autodiscoverServer, basic, poxRequest, type AutodiscoverServer } from '../support/autodiscover.ts'
import { mutations } from '../support/fuzz.ts'

let server: AutodiscoverServer
beforeAll(async () => void (server = await autodiscoverServer()))
afterAll(async () => {
  await server.close(0)
  expect(server.bugs()).toBe(0)
})

const soap = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover"><s:Body>
<a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>anna@postern.test</a:Mailbox></a:User></a:Users>
<a:RequestedSettings><a:Setting>UserDN</a:Setting></a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></s:Body></s:Envelope>`
const pox = [poxRequest('anna@postern.test'), poxRequest('anna@postern.test', 'outlook')]
const samples = [...pox, soap].map(text => Buffer.from(text))

it('20,000 mutated requests are read as something, or are malformed', () => {
  let good = 0, bad = 0
  for (const octets of mutations(samples, 20_000, 11)) {
    const asked = readRequest(octets), body = bodyOf(octets)
    if ('schema' in asked || !('fault' in body)) good++
    try {
      readXml(octets)
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== 'malformed') throw error
      bad++
    }
  }
  expect(good).toBeGreaterThan(100)
  expect(bad).toBeGreaterThan(5000)
})

it('mutated requests and queries to the server are answered, and none is a bug', async () => {
  const headers = { authorization: basic('anna@postern.test') }
  const requests = mutations(samples, 600, 12), queries = mutations([
    Buffer.from('/autodiscover/autodiscover.json/v1.0/anna@postern.test?Protocol=ActiveSync'), Buffer.from('/email.mobileconfig?email=anna@postern.test'),
    Buffer.from('/mail/config-v1.1.xml?emailaddress=anna@postern.test'),
  ], 600, 13)
  const sent = async (path: string, request: RequestInit) => {
    const response = await fetch(`${server.url}${path}`, { ...request, redirect: 'manual' })
    await response.arrayBuffer()
    return response.status
  }
  const one = async () => {
    for (const body of requests) expect([200, 500]).toContain(await sent(body.length % 2 ? '/autodiscover/autodiscover.xml' : '/autodiscover/autodiscover.svc', { method: 'POST', body: body as Uint8Array<ArrayBuffer>, headers }))
    for (const octets of queries) expect([200, 400, 404]).toContain(await sent(`/${Buffer.from(octets).toString('latin1').replace(/^\/+/, '')}`, {}))
  }
  await Promise.all(Array.from({ length: 8 }, one))
})
