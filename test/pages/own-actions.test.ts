import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { DeviceStore, Orders } from '../../src/base/devices.ts'
import { Failure } from '../../src/base/failure.ts'
import { actions } from '../../src/http/admin-actions.ts'
import { ownActions } from '../../src/pages/own-actions.ts'
import { deviceFolder } from '../../src/state/device-file.ts'
import { deviceStore } from '../../src/state/device-store.ts'
import { keptLog } from '../support/http.ts'

const dir = mkdtempSync(join(tmpdir(), 'postern-own-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const log = keptLog()
const admin = { by: 'root@desk', accountOnly: false }
let count = 0

/** A device of ann's that has synced, after these steps: `admin.block`, `own.remove`, `told`, `done` ... */
async function after(steps: string, version = '16.1', lastSync = true) {
  const store = await deviceStore(await deviceFolder(join(dir, String(++count)), log), log)
  const key = { user: 'ann', id: 'PHONE1' }
  store.saw({ ...key, type: 'iPhone', agent: 'x', version, waits: false, at: 1000, command: lastSync ? 'Sync' : 'FolderSync', status: '1' })
  for (const step of steps.split(' ').filter(Boolean)) await take(store, key, step)
  const orders = store.orders(key)
  return { orders, async end() { await store.close() }, store, key }
}

async function take(store: DeviceStore, key: { user: string; id: string }, step: string): Promise<void> {
  const [who, what = ''] = step.split('.')
  if (who === 'own') await ownActions[what]!(store, key, 'ann')
  else if (who === 'admin') await actions[what]!(store, key, { ...admin, accountOnly: false })
  else if (who === 'pending') await store.change(key, now => ({ ...now ?? key, pending: { at: 1, mails: 1, told: true } }))
  else await store.change(key, now => ({ ...now!, wipe: { ...now!.wipe!, state: who as 'told' | 'done' } }))
}

/** In words: what keeps the device out, and by whom. */
function wordsOf(orders: Orders | undefined): string {
  const { decision, removed, wipe, pending } = orders ?? {}
  return [
    decision && `${decision.access} by ${decision.by}`, removed && `removed by ${removed.by}`,
    wipe && `${wipe.kind} wipe ${wipe.state} by ${wipe.by}${wipe.own ? ' (own)' : ''}`, pending && 'waits',
  ].filter(Boolean).join(', ')
}

const ends: [string, string, string][] = [
  ['a removed device has its account wiped', 'own.remove', 'removed by ann, account wipe ordered by ann (own)'],
  ['a removed device that is allowed again is as before', 'own.remove own.allow', ''],
  ['it is so after it was told', 'own.remove told own.allow', ''],
  ['it is so after it was wiped', 'own.remove done own.allow', ''],
  ['an erased device may come again', 'own.wipe done own.allow', ''],
  ['an erased device that never said so may come again', 'own.wipe told own.allow', ''],
  ['a device that was removed may be erased as well', 'own.remove own.wipe', 'removed by ann, full wipe ordered by ann (own)'],
  ['what is cancelled leaves it removed', 'own.remove own.wipe own.cancel', 'removed by ann'],
  ['an administrator\'s block stays when a removed device is allowed', 'admin.block own.remove own.allow', 'block by root@desk'],
  ['an administrator\'s allowance stays too', 'admin.allow own.remove own.allow', 'allow by root@desk'],
  ['a quarantine stays', 'pending own.remove own.allow', 'waits'],
  ['an administrator\'s wipe stays', 'admin.wipe own.remove own.allow', 'full wipe ordered by root@desk'],
  ['an administrator\'s wipe that is done stays', 'admin.wipe done own.remove own.allow', 'full wipe done by root@desk'],
  ['an administrator\'s wipe takes the place of the user\'s', 'own.remove told admin.wipe', 'removed by ann, full wipe ordered by root@desk'],
  ['an administrator lets in what a user removed', 'own.remove done admin.allow', 'allow by root@desk'],
  ['a block while an own wipe is under way stays after it', 'own.wipe told admin.block own.allow', 'block by root@desk'],
]

const refusals: [string, string, RegExp][] = [
  ['a device in quarantine', 'pending own.allow', /nothing of yours/],
  ['a device an administrator blocked', 'admin.block own.allow', /nothing of yours/],
  ['an administrator\'s wipe, to be cancelled', 'admin.wipe own.cancel', /administrator/],
  ['an administrator\'s wipe that is done, to be allowed', 'admin.wipe done own.allow', /nothing of yours/],
  ['a wipe in place of an administrator\'s', 'admin.wipe done own.wipe', /administrator/],
  ['a wipe that was told, to be cancelled', 'own.wipe told own.cancel', /may be erased by now/],
  ['a device that is to be erased, to be allowed', 'own.wipe own.allow', /cancel that first/],
  ['to erase twice', 'own.wipe own.wipe', /to be erased already/],
  ['to erase what is erased', 'own.wipe done own.wipe', /is erased already/],
  ['to remove twice', 'own.remove own.remove', /removed already/],
  ['to cancel nothing', 'own.cancel', /not to be erased/],
  ['an own wipe that an administrator replaced, to be cancelled', 'own.wipe admin.wipe own.cancel', /administrator/],
]

describe('what users order for their own devices', () => {
  it.each(ends)('%s', async (_, steps, words) => {
    const { orders, end } = await after(steps)
    expect(wordsOf(orders)).toBe(words)
    await end()
  })

  it.each(refusals)('it is refused: %s', async (_, steps, why) => {
    const all = steps.split(' '), last = all.pop()!
    const { store, key, orders, end } = await after(all.join(' '))
    const refused = await take(store, key, last).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Failure)
    expect(refused).toMatchObject({ kind: 'conflict', message: expect.stringMatching(why) })
    expect(store.orders(key)).toEqual(orders)
    await end()
  })

  it.each([['an older version', '14.1', true], ['one that has nothing', '16.1', false]] as const)('a removed device of %s is only kept out', async (_, version, synced) => {
    const { orders, end } = await after('own.remove', version, synced)
    expect(wordsOf(orders)).toBe('removed by ann')
    await end()
  })
})
