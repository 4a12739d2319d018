// A Dovecot that puts connections in IDLE to sleep: their processes end.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { FolderId } from '../../src/model/folder.ts'
import { startHouse, type House } from '../support/live.ts'
import { letter, openStore, type Store } from './imap-store.ts'

let house: House, store: Store, inbox: FolderId, sent: FolderId
const open: (() => void)[] = []

beforeAll(async () => { house = await startHouse({ users: 6, exim: false, dovecot: { specialUse: 'created', hibernateSeconds: 1 } }) })
afterEach(() => open.splice(0).forEach(end => end()))
afterAll(() => house?.stop())

/** Processes of this house that serve IMAP connections which are awake. */
function awake(): number {
  const dovecot = readFileSync(join(house.dir, 'dovecot.pid'), 'utf8').trim()
  return readdirSync('/proc').filter(pid => {
    try {
      return /^\d+ \(imap\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] === dovecot
    } catch {
      return false
    }
  }).length
}

/** A watch of a user that nothing else is open for; what it was told. */
async function asleep(user: number, ...folders: ('inbox' | 'sent')[]): Promise<string[]> {
  store = await openStore(house.imap, house.user(user))
  inbox = (await store.mail.folderByRole('inbox')).id
  sent = (await store.mail.folderByRole('sent')).id
  const { told } = watch(folders.map(name => name === 'inbox' ? inbox : sent))
  open.push(store.close)
  await expect.poll(() => told).toContain('ready')
  store.session.close()
  await expect.poll(awake, { timeout: 10_000 }).toBe(0)
  return told
}

function watch(folders: readonly FolderId[]): { told: string[] } {
  const end = new AbortController(), told: string[] = []
  void store.mail.watch(folders, end.signal, { ready: () => void told.push('ready'), changed: id => void told.push(id), lost: () => void told.push('lost') })
  open.unshift(() => end.abort())
  return { told }
}

it('a watch of one folder sleeps, hears of a mail at once, and sleeps again', async () => {
  const told = await asleep(0, 'inbox')
  for (const n of [1, 2]) {
    const before = told.length
    await house.deliver(house.user(0).login, letter(n))
    await expect.poll(() => told.slice(before), { timeout: 5000, interval: 5 }).toContain(inbox)
    // What it heard says that there is more, so nobody has to ask.
    const { validity } = store.watch.heard(inbox)!
    expect(store.watch.heard(inbox)).toMatchObject({ uidNext: n + 1, messages: n })
    const cursor = { validity, top: n, modseq: 0n, since: 0, gaps: [], pass: undefined }, { connects } = store.session
    expect(await store.mail.changed(new Map([[inbox, { cursor, since: 0 }]]))).toEqual(new Set([inbox]))
    expect(store.session.connects).toBe(connects)
    await expect.poll(awake, { timeout: 10_000 }).toBe(0)
  }
})

it('begins its IDLE anew without waking up', async () => {
  const told = await asleep(1, 'inbox')
  store.watch.look('INBOX')
  store.watch.look('INBOX')
  await expect.poll(() => told).toContain(inbox)
  await sleep(300)
  expect(awake()).toBe(0)
  await house.deliver(house.user(1).login, letter(1))
  await expect.poll(() => store.watch.heard(inbox), { timeout: 5000, interval: 5 }).toMatchObject({ messages: 1 })
})

it('a watch that sleeps goes on to hear of more folders where somebody asks for them', async () => {
  const told = await asleep(2, 'inbox')
  const second = watch([sent])
  await expect.poll(() => second.told, { timeout: 5000 }).toContain('ready')
  await house.seed(house.user(2), 'Sent', [letter(1)])
  await expect.poll(() => second.told, { timeout: 5000 }).toContain(sent)
  const before = told.length
  await house.deliver(house.user(2).login, letter(2))
  await expect.poll(() => told.slice(before), { timeout: 5000 }).toContain(inbox)
  expect(told).not.toContain('lost')
})
