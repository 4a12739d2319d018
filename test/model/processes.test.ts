import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHouse, type House } from '../support/live.ts'
import { startPostern } from '../support/postern.ts'
import { MailboxUser } from './mailbox-user.ts'
import { run, wallClock } from './run.ts'
import { seeds } from './variant.ts'

const folders = ['Work', 'Trash']

describe('devices and two Postern processes that are killed again and again', () => {
  let house: House
  beforeAll(async () => { house = await startHouse({ users: 40 }) })
  afterAll(() => house.stop())

  it.each(seeds(1))('hold the same as the mailbox in the end, seed %i', async seed => {
    const user = house.user(seed % 40)
    const imap = await house.imapClient(user)
    const paths = new Map([['Inbox', 'INBOX'], ...folders.map(name => [name, name] as const)])
    for (const name of folders) await imap.mailboxCreate(name)
    const processes = await Promise.all([1, 2].map(() => startPostern(house, { settings: { log: { level: 'warn' } } })))
    const instances = processes.map(({ host, port, kill, start }) => ({
      url: `http://${host}:${port}`,
      restart: async () => {
        await kill()
        await start()
      },
    }))
    try {
      const started = performance.now()
      const tally = await run({
        seed, steps: 200, rest: 50, user, mailbox: new MailboxUser(imap, paths), folders: [...paths.keys()],
        instances, clock: wallClock(), versions: ['16.1', '14.1'], faults: 0.3, restarts: 0.03, kill: true,
      })
      console.log(`seed ${seed}, ${Math.round(performance.now() - started)} ms: ${JSON.stringify(tally)}`)
      for (const { log } of processes) expect(log()).not.toContain('"bug"')
    } finally {
      for (const { stop } of processes) await stop()
    }
  }, 120_000)
})
