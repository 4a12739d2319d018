import http from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { token } from '../support/admin.ts'
import { startHouse, type House } from '../support/live.ts'
import { passwords, people, send, startPaged, type Paged } from '../support/pages.ts'
import { startPostern } from '../support/postern.ts'

let house: House
let one: Paged, other: Paged
beforeAll(async () => {
  house = await startHouse({ redis: true, users: 1 })
  const settings = { cache: { shared: { url: house.redis.url, password: house.redis.password } } };
  [one, other] = await Promise.all([startPaged(house, 'site', settings), startPaged(house, 'site', settings)])
})
afterAll(async () => {
  await Promise.all([one?.kill(), other?.kill()])
  await house?.stop()
})
const signIn = (at: Paged, password: string, from: string) => send(at.url, 'api/session', { body: { name: 'bob', password }, headers: { 'x-forwarded-for': from } })

it('a session of one process is one of all of a site, until it is ended at any of them', async () => {
  const { cookie } = await signIn(one, passwords.bob, '192.0.2.1')
  expect((await send(other.url, 'api/session', { cookie })).said).toEqual({ name: 'bob', fresh: true })
  await send(other.url, 'api/session/end', { cookie, body: {} })
  expect((await send(one.url, 'api/session', { cookie })).said).toEqual({})
})

it('wrong passwords are counted together', async () => {
  const statuses: number[] = []
  for (let i = 0; i < 12; i++) statuses.push((await signIn(i % 2 ? one : other, 'guess', '192.0.2.2')).status)
  expect(statuses).toEqual([...Array(10).fill(401), 429, 429])
  expect((await signIn(one, passwords.bob, '192.0.2.2')).status).toBe(429)
})

it('at a Unix socket a proxy is believed', async () => {
  const socket = join(house.dir, 'admin.sock')
  const postern = await startPostern(house, { settings: { admin: { socket, token, people }, devices: { folder: join(house.dir, 'devices-socket') } } })
  const body = JSON.stringify({ name: 'ann', password: passwords.ann })
  const cookie = await new Promise<string>((resolve, reject) => {
    http.request({
      socketPath: socket, method: 'POST', path: '/api/session',
      headers: { host: 'x', 'x-forwarded-host': 'admin.example.org', 'x-forwarded-proto': 'https', origin: 'https://admin.example.org', 'content-type': 'application/json', 'x-postern-page': 'used' },
    }, response => {
      resolve(String(response.headers['set-cookie']))
      response.resume()
    }).on('error', reject).end(body)
  })
  expect(cookie).toMatch(/^__Host-postern-admin=.*; Secure$/)
  await postern.kill()
})
