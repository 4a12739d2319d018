// A certificate that was renewed on the disk, with one process and with workers: SIGHUP brings it, and a phone that waits is not disturbed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { certificate } from '../http/certificates.ts'
import { Phone } from '../support/eas-client.ts'
import { freePorts, HOST } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { configuration } from '../support/postern.ts'

let house: House
beforeAll(async () => { house = await startHouse({ dovecot: { specialUse: 'created' } }) })
afterAll(() => house.stop())

async function subject(port: number): Promise<string> {
  const socket = connect({ port, host: HOST, rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] })
  await once(socket, 'secureConnect')
  const { subject: { CN } } = socket.getPeerCertificate()
  // HTTP/2 stays off.
  expect(socket.alpnProtocol).toBe('http/1.1')
  socket.destroy()
  return String(CN)
}

it.each([['one process', undefined], ['workers', '2']])('%s: a renewed certificate is shown after SIGHUP', async (_, workers) => {
  const [port = 0] = await freePorts(1)
  const write = (name: string) => {
    const pair = certificate(name)
    for (const kind of ['cert', 'key'] as const) writeFileSync(join(house.dir, `renewed-${kind}.pem`), pair[kind])
  }
  write('former.example')
  const file = join(house.dir, `renewed-${port}.yaml`)
  const tls = { cert: '${file:renewed-cert.pem}', key: '${file:renewed-key.pem}' }
  writeFileSync(file, stringify({ ...configuration(house, HOST, port), listen: { host: HOST, port, tls } }))
  const child = spawn(process.execPath, ['src/cli.ts', 'serve', '--config', file, ...(workers ? ['--workers', workers] : [])], { stdio: ['ignore', 'pipe', 'inherit'] })
  let log = ''
  child.stdout.on('data', (chunk: Buffer) => void (log += chunk.toString()))
  await expect.poll(() => log, { timeout: 60_000 }).toContain('"msg":"ready"')
  expect(await subject(port)).toBe('former.example')

  const { login, password } = house.user(0)
  const phone = new Phone({ url: `https://${HOST}:${port}`, user: login, password })
  await phone.folderSync('0')
  await phone.syncAll(phone.folder('2'))
  const waiting = phone.ping([phone.folder('2')], 600)
  await sleep(300)

  write('renewed.example')
  child.kill('SIGHUP')
  // A worker that is replaced answers who waits there, as it does with any reload.
  await expect.poll(() => log, { timeout: 50_000 }).toContain('configuration reloaded')
  for (let n = 0; n < 4; n++) expect(await subject(port)).toBe('renewed.example')
  if (!workers) await house.deliver(0, 'Subject: news\r\n\r\nnews\r\n')
  expect((await waiting).status).toBe(workers ? '1' : '2')

  // Half of a pair is refused, and nothing changes.
  writeFileSync(join(house.dir, 'renewed-key.pem'), certificate('other.example').key)
  child.kill('SIGHUP')
  await expect.poll(() => log).toContain('must be a certificate and its own key')
  expect(await subject(port)).toBe('renewed.example')
  phone.close()
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
}, 180_000)
