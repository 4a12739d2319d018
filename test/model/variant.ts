import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DovecotOptions } from '../support/dovecot.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { Dice } from './dice.ts'
import { MailboxUser } from './mailbox-user.ts'
import { clock, run, type Setting, type Tally } from './run.ts'

export type Variant = {
  readonly name: string
  readonly dovecot?: DovecotOptions
  readonly instances: number
  readonly steps: number
  readonly seeds: number
  readonly more?: Partial<Setting>
  /** Instances share a cache that stays, or one that goes away and comes back empty all the time. */
  readonly cache?: 'stays' | 'goes'
  /** What only this variant can promise. */
  readonly expect?: (tally: Tally) => void
}

/** `POSTERN_SEED=5` repeats one, `POSTERN_SEEDS=100` tries that many in place of `usual`. */
export function seeds(usual: number): number[] {
  const { POSTERN_SEED: one, POSTERN_SEEDS: many } = process.env
  return one ? [Number(one)] : Array.from({ length: Number(many ?? usual) }, (_, n) => n + 1)
}

const folders = ['Work', 'Projekte ä', 'Trash']

/** Runs it, with each seed for a user of its own. */
export const tryOut = (variants: readonly Variant[]): void => describe.each(variants)('devices and a Dovecot with $name', variant => {
  const { dovecot = {}, instances: count, steps, seeds: usual, more, cache, expect: promise } = variant
  let house: House
  beforeAll(async () => { house = await startHouse({ users: 200, exim: false, redis: cache !== undefined, dovecot: { idleSeconds: 1, ...dovecot } }) })
  afterAll(() => house.stop())

  it.each(seeds(usual))('hold the same in the end, seed %i', async seed => {
    const user = house.user(seed % 200)
    const imap = await house.imapClient(user)
    const prefix = dovecot.layout === 'inbox-prefix' ? 'INBOX.' : ''
    const paths = new Map([['Inbox', 'INBOX'], ...folders.map(name => [name, prefix + name] as const)])
    for (const name of folders) await imap.mailboxCreate(paths.get(name)!)
    const time = clock()
    const instances: Instance[] = []
    const shared = cache && { shared: { url: house.redis.url, password: house.redis.password, prefix: `seed${seed}:` }, sharedPatience: cache === 'goes' ? 50 : 5000 }
    for (let n = 0; n < count; n++) instances.push(await startInstance(house, { now: () => time.now(), ...shared }))
    const trouble = cache === 'goes' ? comeAndGo(house, seed) : undefined
    try {
      const started = performance.now()
      const tally = await run({
        seed, steps, rest: 50, user, mailbox: new MailboxUser(imap, paths), folders: [...paths.keys()], instances, clock: time,
        versions: ['16.1', '12.1', '14.1'].slice(0, 1 + seed % 2), faults: 0.12, restarts: 0.04, ...more,
      })
      console.log(`seed ${seed}, ${Math.round(performance.now() - started)} ms: ${JSON.stringify(tally)}`)
      promise?.(tally)
      expect(instances.map(instance => instance.bugs())).toEqual(instances.map(() => 0))
    } catch (error) {
      console.log(house.dovecot.log().split('\n').filter(line => /Panic|Fatal|Error/.test(line)).slice(-5).join('\n'))
      console.log(instances.map(({ lines }) => lines.filter(({ failure, level }) => failure || level === 'error').slice(-3)))
      throw error
    } finally {
      await trouble?.end()
      for (const instance of instances) await instance.close()
    }
  }, 300_000)
})

/** The cache stops, freezes, and starts with nothing in it. */
function comeAndGo({ redis }: House, seed: number): { end(): Promise<void> } {
  const dice = new Dice(seed)
  let ended = false
  const going = (async () => {
    while (!ended) {
      await sleep(dice.between(50, 500))
      if (dice.chance(0.5)) {
        redis.pause()
        await sleep(dice.between(20, 300))
        redis.resume()
      } else {
        await redis.stop()
        await sleep(dice.between(0, 300))
        await redis.start()
      }
    }
  })()
  return {
    async end() {
      ended = true
      await going
    },
  }
}
