import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { el, encodeSync } from '../../src/wire/wbxml.ts'
import { easServer } from '../support/eas-server.ts'

it('a request that waits does not hold what it came with', async () => {
  setFlagsFromString('--expose_gc')
  const collect = runInNewContext('gc') as () => void
  const used = async (): Promise<number> => {
    for (let n = 0; n < 3; n += 1) {
      collect()
      await sleep(20)
    }
    return process.memoryUsage().heapUsed
  }
  const server = await easServer({ heartbeat: { min: 1, max: 3600 } }), count = 20, size = 500_000
  const phones = Array.from({ length: count }, (_, n) => server.phone({ deviceId: `HELD${n}` }))
  for (const phone of phones) await phone.folderSync('0')
  const inbox = phones[0]!.folder('Inbox'), before = await used()
  const body = encodeSync(el('Ping:Ping', [
    el('Ping:HeartbeatInterval', '3000'), el('Ping:Folders', [el('Ping:Folder', [el('Ping:Id', inbox), el('Ping:Class', 'x'.repeat(size))])]),
  ]))
  const waits = phones.map(phone => phone.raw('Ping', body).catch(() => undefined))
  await expect.poll(() => server.account.watching, { timeout: 20_000 }).toBe(count)
  expect(await used() - before).toBeLessThan(count * size / 4)
  for (const phone of phones) phone.close()
  await Promise.all(waits)
  await server.stop()
})
