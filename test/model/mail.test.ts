import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DovecotOptions } from '../support/dovecot.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { ImapUser } from './mailbox-user.ts'
import { clock, run, type Setting, type Tally } from './run.ts'
import { seeds } from './seeds.ts'

type Variant = {
  readonly name: string
  readonly dovecot?: DovecotOptions
  readonly instances: number
  readonly steps: number
  readonly seeds: number
  readonly more?: Partial<Setting>
  /** What only this variant can promise. */
  readonly expect?: (tally: Tally) => void
}

const variants: readonly Variant[] = [
  { name: 'plain names, one Postern', instances: 1, steps: 2000, seeds: 2 },
  { name: 'names below INBOX., two Posterns by turns', dovecot: { layout: 'inbox-prefix', storage: 'maildir' }, instances: 2, steps: 2000, seeds: 2 },
  {
    name: 'nothing going wrong', instances: 1, steps: 600, seeds: 1, more: { faults: 0, restarts: 0, filters: [0], window: 512 },
    // Then nothing the phone holds is added again, not even what it moved itself.
    expect: ({ addsOfHeld }) => expect(addsOfHeld).toBe(0),
  },
  { name: 'phones and mailbox users at once', instances: 2, steps: 600, seeds: 1, more: { together: true } },
  { name: 'CONDSTORE alone', dovecot: { without: ['QRESYNC'] }, instances: 1, steps: 600, seeds: 1 },
  { name: 'neither CONDSTORE nor QRESYNC', dovecot: { without: ['QRESYNC', 'CONDSTORE'] }, instances: 1, steps: 600, seeds: 1 },
  { name: 'no MOVE', dovecot: { without: ['MOVE'] }, instances: 2, steps: 600, seeds: 1 },
]

const folders = ['Work', 'Projekte ä', 'Trash']

describe.each(variants)('devices and a Dovecot with $name', ({ dovecot = {}, instances: count, steps, seeds: usual, more, expect: promise }) => {
  let house: House
  beforeAll(async () => { house = await startHouse({ users: 40, exim: false, dovecot: { idleSeconds: 1, ...dovecot } }) })
  afterAll(() => house.stop())

  it.each(seeds(usual))('hold the same in the end, seed %i', async seed => {
    const user = house.user(seed % 40)
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
        seed, steps, rest: 50, user, mailbox: new ImapUser(imap, paths), folders: [...paths.keys()], instances, clock: time,
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
