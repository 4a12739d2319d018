// The program as it is run, with a phone that waits while signals come.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { Phone } from '../support/eas-client.ts'
import { startHouse, type House } from '../support/live.ts'
import { startPostern, type Postern } from '../support/postern.ts'

let house: House
let postern: Postern

beforeAll(async () => {
  house = await startHouse({ redis: true })
  postern = await startPostern(house)
})
afterAll(() => house.stop())

const logged = async (message: string): Promise<void> => {
  while (!postern.log().includes(`"msg":"${message}"`)) await sleep(20)
}

it('a waiting phone stays through a reload with other settings and hears of mail, and is answered when the program ends', async () => {
  const { login, password } = house.user(0)
  const phone = new Phone({ url: `http://${postern.host}:${postern.port}`, user: login, password })
  await phone.folderSync()
  const inbox = phone.folder('Inbox')
  await phone.syncAll(inbox)
  const waiting = phone.ping([inbox], 600)
  await sleep(300)

  const settings = parse(readFileSync(postern.config, 'utf8')) as object
  writeFileSync(postern.config, stringify({ ...settings, sessions: { idleSeconds: 299 }, eas: { ceilings: [{ agent: 'Old*', version: '14.1' }] } }))
  process.kill(postern.pid, 'SIGHUP')
  await logged('configuration reloaded')
  const other = new Phone({ url: `http://${postern.host}:${postern.port}`, user: login, password, userAgent: 'OldPhone/1.0' })
  expect((await other.optionsRequest()).versions).toEqual(['2.5', '12.0', '12.1', '14.0', '14.1'])
  other.close()
  expect(await Promise.race([waiting, sleep(300)])).toBe(undefined)

  await house.deliver(login, 'Subject: news\r\n\r\nnews\r\n')
  expect(await waiting).toMatchObject({ status: '2', folders: [inbox] })
  await phone.syncAll(inbox)

  const last = phone.ping([inbox], 600)
  await sleep(300)
  const ended = postern.stop()
  expect(await last).toMatchObject({ status: '1' })
  expect(await ended).toBe(0)
  phone.close()
  expect(postern.log()).not.toContain('"msg":"bug"')
  expect(postern.log()).not.toContain(password)
})

it('postern check says in sentences what a user can do, and ends with 1 when that is not all', async () => {
  const { login, password } = house.user(1)
  const check = async (given: string, environment: Record<string, string> = {}) => {
    const child = spawn(
      process.execPath, ['src/cli.ts', 'check', '--config', postern.config, '--user', login, '--password-stdin'], { env: { ...process.env, ...environment } },
    )
    child.stdin.end(`${given}\n`)
    const [out, [status]] = await Promise.all([text(child.stdout), once(child, 'exit')])
    return { out, status: status as number }
  }
  const right = await check(password)
  expect(right.out).toContain(`IMAP at ${house.imap.host}:${house.imap.port}`)
  expect(right.out).toMatch(/QRESYNC is there/)
  expect([right.out.includes('!'), right.status]).toEqual([false, 0])
  expect(right.out).toMatch(/No shared cache is configured/)
  const { url } = house.redis
  const shared = await check(password, { POSTERN_CACHE__SHARED__URL: url, POSTERN_CACHE__SHARED__PASSWORD: house.redis.password })
  expect([shared.out.includes(`The shared cache at ${url} answers and keeps what it is given.`), shared.status]).toEqual([true, 0])
  const closed = await check(password, { POSTERN_CACHE__SHARED__URL: url, POSTERN_CACHE__SHARED__PASSWORD: 'not that one' })
  expect([/^! The shared cache at .* cannot be used: /m.test(closed.out), closed.out.includes('not that one'), closed.status]).toEqual([true, false, 1])
  const wrong = await check('not it')
  expect(wrong.out).toMatch(/^! IMAP at /m)
  expect(wrong.status).toBe(1)
})
