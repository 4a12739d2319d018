import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DovecotOptions } from '../support/dovecot.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { MailboxUser } from './mailbox-user.ts'
import { clock, run, type Setting, type Tally } from './run.ts'

export type Variant = {
  readonly name: string
  readonly dovecot?: DovecotOptions
  readonly instances: number
  readonly steps: number
  readonly seeds: number
  readonly more?: Partial<Setting>
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
  const { dovecot = {}, instances: count, steps, seeds: usual, more, expect: promise } = variant
  let house: House
  beforeAll(async () => { house = await startHouse({ users: 200, exim: false, dovecot: { idleSeconds: 1, ...dovecot } }) })
  afterAll(() => house.stop())

  it.each(seeds(usual))('hold the same in the end, seed %i', async seed => {
    const user = house.user(seed % 200)
    const imap = await house.imapClient(user)
    const prefix = dovecot.layout === 'inbox-prefix' ? 'INBOX.' : ''
    const paths = new Map([['Inbox', 'INBOX'], ...folders.map(name => [name, prefix + name] as const)])
    for (const name of folders) await imap.mailboxCreate(paths.get(name)!)
    const time = clock()
    const instances: Instance[] = []
    for (let n = 0; n < count; n++) instances.push(await startInstance(house, { now: () => time.now() }))
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
      for (const instance of instances) await instance.close()
    }
  }, 300_000)
})
