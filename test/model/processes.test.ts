// Processes that share nothing but their secret serve the same devices: any of them, request by request by turns, and workers.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DavUser } from '../support/dav-user.ts'
import { startHouse, type House } from '../support/live.ts'
import { linesOf, startPostern, type Postern, type PosternOptions } from '../support/postern.ts'
import type { Place } from './device.ts'
import { Dice } from './dice.ts'
import { MailboxUser } from './mailbox-user.ts'
import { contactModel, eventModel } from './object-models.ts'
import { runObjects } from './objects.ts'
import { run, wallClock, type Setting } from './run.ts'
import { seeds } from './variant.ts'

const folders = ['Work', 'Trash']
let house: House
beforeAll(async () => { house = await startHouse({ users: 100, radicale: true }) })
afterAll(() => house.stop())

/** Two processes on different ports; one that starts anew is killed first. */
async function twoProcesses(level: string): Promise<{ processes: Postern[]; instances: Place[] }> {
  const processes = await Promise.all([1, 2].map(() => startPostern(house, { settings: { log: { level } } })))
  const instances = processes.map(({ host, port, kill, start }) => ({
    url: `http://${host}:${port}`,
    restart: async () => {
      await kill()
      await start()
    },
  }))
  return { processes, instances }
}

/** A run with a mailbox of its own; what came of it. */
async function mailRun(seed: number, who: number, setting: Omit<Setting, 'seed' | 'user' | 'mailbox' | 'folders' | 'clock' | 'rest'>): Promise<void> {
  const user = house.user(who)
  const imap = await house.imapClient(user)
  const paths = new Map([['Inbox', 'INBOX'], ...folders.map(name => [name, name] as const)])
  for (const name of folders) await imap.mailboxCreate(name)
  const started = performance.now()
  const tally = await run({ seed, rest: 50, user, mailbox: new MailboxUser(imap, paths), folders: [...paths.keys()], clock: wallClock(), ...setting })
  console.log(`seed ${seed}, ${Math.round(performance.now() - started)} ms: ${JSON.stringify(tally)}`)
}

/** How many requests each of several had a part in. */
function share(of: readonly Record<string, unknown>[], by: (line: Record<string, unknown>) => unknown): number[] {
  const counts = new Map<unknown, number>()
  for (const line of of) counts.set(by(line), (counts.get(by(line)) ?? 0) + 1)
  return [...counts.values()]
}

describe('devices and two Postern processes', () => {
  it.each(seeds(1))('that are killed again and again hold the same as the mailbox in the end, seed %i', async seed => {
    const { processes, instances } = await twoProcesses('warn')
    try {
      await mailRun(seed, seed % 40, { steps: 200, instances, versions: ['16.1', '14.1'], faults: 0.3, restarts: 0.03, kill: true })
      for (const { log } of processes) expect(log()).not.toContain('"bug"')
    } finally {
      for (const { stop } of processes) await stop()
    }
  }, 300_000)

  it.each(seeds(1))('that serve each request by turns hold the same as the mailbox in the end, seed %i', async seed => {
    const { processes, instances } = await twoProcesses('info')
    try {
      await mailRun(seed, 40 + seed % 20, { steps: 300, instances, turns: true, versions: ['16.1', '12.1'], faults: 0.1, restarts: 0 })
      const [one = 0, other = 0] = processes.map(process => linesOf(process, 'request').filter(({ command }) => command === 'Sync').length)
      console.log(`Sync by turns: ${one} and ${other}`)
      expect(Math.abs(one - other)).toBeLessThan((one + other) / 10)
    } finally {
      for (const { stop } of processes) await stop()
    }
  }, 300_000)

  it.each([['contacts', contactModel], ['calendar', eventModel]] as const)('that serve each request by turns hold the same %s as the server', async (kind, model) => {
    const { processes, instances } = await twoProcesses('info')
    try {
      for (const seed of seeds(1)) {
        const user = house.user(60 + seed % 20)
        const dav = new DavUser(house.radicale.url, user.login, user.password, `/${user.login}/`)
        const started = performance.now()
        const counts = await runObjects({
          steps: 200, dice: new Dice(seed), model, user, davs: [dav], instances, turns: true, restarts: [0.005, 0.02], versions: ['16.1', '14.1'],
          open: () => dav.open(kind),
        })
        console.log(`seed ${seed}, ${Math.round(performance.now() - started)} ms: ${JSON.stringify(counts)}`)
      }
      const [one = 0, other = 0] = processes.map(process => linesOf(process, 'request').length)
      expect(Math.abs(one - other)).toBeLessThan((one + other) / 10)
      for (const { log } of processes) expect(log()).not.toContain('"bug"')
    } finally {
      for (const { stop } of processes) await stop()
    }
  }, 300_000)
})

describe('devices and workers', () => {
  it.each(seeds(1))('that get requests by turns, and die, hold the same as the mailbox in the end, seed %i', async seed => {
    const options: PosternOptions = { workers: 2, settings: { log: { level: 'info' } } }
    const postern = await startPostern(house, options)
    const place: Place = {
      url: `http://${postern.host}:${postern.port}`,
      restart: async () => {
        const deaths = () => linesOf(postern, 'worker ended, another one will be started').length
        const before = deaths(), ready = linesOf(postern, 'worker ready').length
        process.kill(postern.workers()[0]!, 'SIGKILL')
        await expect.poll(() => [deaths(), linesOf(postern, 'worker ready').length], { timeout: 40_000 }).toEqual([before + 1, ready + 1])
      },
    }
    try {
      // A connection of its own for each request, which comes to the next worker.
      await mailRun(seed, 80 + seed % 20, {
        steps: 300, instances: [place], headers: { connection: 'close' }, versions: ['16.1', '14.1'], faults: 0.1, restarts: 0.01,
        movesArrive: true,
      })
      const by = share(linesOf(postern, 'request').filter(({ command }) => command === 'Sync'), ({ worker }) => worker)
      console.log(`Sync by worker: ${by.join(', ')}`)
      expect(by.length).toBeGreaterThan(2)
      expect(postern.log()).not.toContain('"bug"')
    } finally {
      await postern.stop()
    }
  }, 300_000)
})
