// Autodiscover as the program serves it: passwords proven by a real Dovecot, the rest of the port handed to a real upstream.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { get, poxRequest, post } from '../support/autodiscover.ts'
import { Phone } from '../support/eas-client.ts'
import { startHouse, type House } from '../support/live.ts'
import { linesOf, startPostern, type Postern } from '../support/postern.ts'

let house: House, postern: Postern, url: string
const upstream = http.createServer((req, res) => res.end(`upstream ${req.url}`))

beforeAll(async () => {
  house = await startHouse()
  await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
  postern = await startPostern(house, { settings: { upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, auth: { tries: 3 } } })
  url = `http://${postern.host}:${postern.port}`
})
afterAll(async () => {
  upstream.close()
  await postern.stop()
  expect(postern.log()).not.toContain('"msg":"bug"')
  await house.stop()
})

it('a phone that knows an address and a password finds the server, and syncs with it', async () => {
  const { login, address, password } = house.user('anna')
  const { status, text } = await post({ url }, poxRequest(address), { user: login, password })
  expect([status, text]).toEqual([200, expect.stringContaining(`<EMailAddress>${address}</EMailAddress>`)])
  const found = new URL(/<Url>(.*)<\/Url>/.exec(text)![1]!)
  expect([found.protocol, found.host, found.pathname]).toEqual(['https:', `${postern.host}:${postern.port}`, '/Microsoft-Server-ActiveSync'])
  const phone = new Phone({ url: `http://${found.host}`, user: login, password })
  expect((await phone.optionsRequest()).versions).toContain('16.1')
  expect((await phone.folderSync()).status).toBe('1')
  phone.close()
  expect(linesOf(postern, 'request').find(line => line['front'] === 'autodiscover')).toMatchObject({
    command: 'Autodiscover', form: 'pox', schema: 'mobilesync', user: login, asked: address, address: '127.0.0.1', http: 200,
  })
})

it('who guesses passwords has to wait, here and at ActiveSync', async () => {
  const { login, address, password } = house.user(1)
  const wrong = (guess: string) => post({ url }, poxRequest(address), { user: login, password: guess })
  for (const guess of ['a', 'b', 'c']) expect((await wrong(guess)).status).toBe(401)
  const { status, headers } = await wrong('d')
  expect([status, headers.get('retry-after')]).toEqual([503, '60'])
  const phone = new Phone({ url, user: login, password: 'e' })
  expect((await phone.raw('FolderSync', undefined)).status).toBe(503)
  phone.close()
  expect(postern.log()).toContain('"msg":"authentication failed"')
  for (const secret of [password, 'Basic ']) expect(postern.log()).not.toContain(secret)
})

it('other paths are the upstream\'s, and so are settings for programs where there are none', async () => {
  for (const path of ['/autodiscover/', '/autodiscover/autodiscover.svc/wssecurity', '/mail/config-v1.1.xml?emailaddress=x@y.z']) {
    expect((await get({ url }, path)).text).toBe(`upstream ${path}`)
  }
  const [, domain] = house.user(0).address.split('@')
  expect((await get({ url }, `/autodiscover/autodiscover.json?Email=x@${domain}&Protocol=ActiveSync`)).status).toBe(200)
})

it('an iPhone is asked how to log in, whatever it asks with', async () => {
  const answer = await get({ url }, '/Microsoft-Server-ActiveSync', { headers: { authorization: 'Bearer', 'x-user-identity': 'anna@x' } })
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="Postern", charset="UTF-8"'])
})
