import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ListenBy } from '../../src/backend/imap-listener.ts'
import type { FolderId } from '../../src/model/folder.ts'
import { startHouse, type House } from '../support/live.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { letter, openStore, type Store } from './imap-store.ts'

/** A caller of watch, and what it was told. */
function watcher(store: Store, folders: readonly FolderId[]) {
  const end = new AbortController()
  const told: string[] = []
  const on = { ready: () => void told.push('ready'), changed: (id: FolderId) => void told.push(id), lost: () => void told.push('lost') }
  const done = store.mail.watch(folders, end.signal, on)
  return { told, done, end: () => end.abort() }
}

const servers: [string, string[], ListenBy][] = [
  ['what serves best', [], 'auto'], ['NOTIFY', [], 'notify'], ['IDLE and looking', [], 'idle'],
  ['IDLE where there is no NOTIFY', ['NOTIFY'], 'notify'], ['looking alone', ['NOTIFY', 'IDLE'], 'auto'],
]

describe('a watch that has nothing to tell', () => {
  it.each(['notify', 'idle'] as const)('says something now and then (%s), so that the server does not take it for gone', async by => {
    const house = await startHouse({ users: 1, exim: false }), proxy = await TcpProxy.start(house.imap, { delayDown: 1 })
    const store = await openStore(proxy, house.user(0), { watch: { by, renewSeconds: 0.2 } }), { id } = await store.mail.folderByRole('inbox')
    const { told, end } = watcher(store, [id])
    await vi.waitFor(() => expect(told).toContain('ready'))
    store.session.close()
    await sleep(100)
    proxy.take()
    await sleep(1100)
    const { turns, connections, bytesUp } = proxy.take()
    expect({ often: turns >= 3 && turns <= 6, short: bytesUp < turns * 24, connections }).toEqual({ often: true, short: true, connections: 0 })
    await house.seed(house.user(0), 'INBOX', [letter(1)])
    await vi.waitFor(() => expect(told.filter(each => each === id).length).toBe(1), { timeout: 5000 })
    end()
    store.close()
    await proxy.close()
    await house.stop()
  })
})

it.each(['auto', 'idle'] as const)('a watch (%s) of a folder that went just now says so', async by => {
  const house = await startHouse({ users: 1, exim: false }), store = await openStore(house.imap, house.user(0), { watch: { by } })
  const client = await house.imapClient(0)
  await client.mailboxCreate('Passing')
  const { id } = (await store.mail.folders()).find(({ name }) => name === 'Passing')!
  await client.mailboxDelete('Passing')
  await expect(watcher(store, [id]).done).rejects.toMatchObject({ kind: 'not-found' })
  store.close()
  await house.stop()
})

it('what a watch has heard of a name goes with the mailbox that had it', async () => {
  const house = await startHouse({ users: 1, exim: false }), store = await openStore(house.imap, house.user(0), { watch: { by: 'notify' } })
  const client = await house.imapClient(0)
  await client.mailboxCreate('Swapped')
  const [inbox, { id, uidNext, validity }] = await Promise.all([store.mail.folderByRole('inbox'), there()])
  expect(uidNext).toBe(1)
  const first = watcher(store, [id, inbox.id])
  await vi.waitFor(() => expect(first.told).toContain('ready'))
  await client.append('Swapped', letter(1))
  await vi.waitFor(() => expect(store.watch.heard(id)).toMatchObject({ validity, uidNext: 2 }), { timeout: 10_000 })
  await client.mailboxRename('Swapped', 'Elsewhere')
  await client.mailboxCreate('Swapped')
  for (const n of [2, 3, 4]) await client.append('Swapped', letter(n))
  await vi.waitFor(() => expect(store.watch.heard(id)).toMatchObject({ uidNext: 4 }), { timeout: 10_000 })
  await store.mail.folders()
  const second = watcher(store, [id, inbox.id])
  await vi.waitFor(() => expect(second.told).toContain('ready'))
  expect(store.watch.heard(id)).toBeUndefined()
  for (const each of [first, second]) each.end()
  store.close()
  await house.stop()

  async function there() {
    const { id } = (await store.mail.folders()).find(({ name }) => name === 'Swapped')!
    return { id, ...store.folders.told(id)! }
  }
})

describe.each(servers)('a watch by %s', (_, without, by) => {
  let house: House
  let proxy: TcpProxy
  let store: Store
  let inbox: FolderId
  let sent: FolderId
  const open: (() => void)[] = []

  beforeAll(async () => {
    house = await startHouse({ users: 2, exim: false, dovecot: { without } })
    proxy = await TcpProxy.start(house.imap)
    store = await openStore(proxy, house.user('anna'), { watch: { by, pollSeconds: 0.3, lingerSeconds: 0.2 } })
    inbox = (await store.mail.folderByRole('inbox')).id
    sent = (await store.mail.folderByRole('sent')).id
  })
  afterEach(() => open.splice(0).forEach(end => end()))
  afterAll(async () => {
    store?.close()
    await proxy?.close()
    await house?.stop()
  })
  const watch = (folders: readonly FolderId[]) => {
    const made = watcher(store, folders)
    open.push(made.end)
    return made
  }
  const until = (told: string[], what: string, times = 1): Promise<unknown> =>
    vi.waitFor(() => expect(told.filter(each => each === what).length).toBeGreaterThanOrEqual(times), { timeout: 10_000, interval: 5 })

  it('tells of arrivals, flags and expunges in any of the folders, and of nothing else', async () => {
    const { told } = watch([inbox, sent])
    await until(told, 'ready')
    await house.seed('anna', 'Sent', [letter(1)])
    await until(told, sent)
    expect(told).not.toContain(inbox)
    await house.seed('anna', 'INBOX', [letter(2)])
    await until(told, inbox)
    const client = await house.imapClient('anna')
    for (const act of [() => client.messageFlagsAdd('1:*', ['\\Seen']), () => client.messageDelete('1:*')]) {
      await client.mailboxOpen('INBOX')
      await sleep(800)
      const before = told.filter(each => each === inbox).length
      await act()
      await until(told, inbox, before + 1)
    }
  })

  it('is one connection for all who watch, and ends some time after the last', async () => {
    await store.mailbox.status([inbox])
    await vi.waitFor(() => expect(proxy.open).toBe(1), { timeout: 5000 })
    const [a, b, c] = [watch([inbox]), watch([sent]), watch([inbox, sent])]
    await Promise.all([a, b, c].map(({ told }) => until(told, 'ready')))
    expect(proxy.open).toBeLessThanOrEqual(2)
    await house.seed('anna', 'Sent', [letter(3)])
    await Promise.all([b, c].map(({ told }) => until(told, sent)))
    expect(a.told).toEqual(['ready'])
    for (const each of [a, b, c]) each.end()
    await Promise.all([a, b, c].map(({ done }) => done))
    await vi.waitFor(() => expect(proxy.open).toBe(1), { timeout: 5000 })
  })

  it('says when it was lost and when it is there again', async () => {
    const { told } = watch([inbox])
    await until(told, 'ready')
    proxy.cut()
    await until(told, 'lost')
    await until(told, 'ready', 2)
    await house.seed('anna', 'INBOX', [letter(4)])
    await until(told, inbox)
  })

  it('passes over folders that are not there', async () => {
    const { told } = watch([inbox, 'AAAAAAAAAAA' as FolderId, (await store.mail.folderByRole('outbox')).id])
    await until(told, 'ready')
    await house.seed('anna', 'INBOX', [letter(5)])
    await until(told, inbox)
  })

  it('has nothing to tell whoever has left', async () => {
    const gone = watch([inbox])
    const stays = watch([inbox])
    await Promise.all([gone, stays].map(({ told }) => until(told, 'ready')))
    gone.end()
    await gone.done
    await house.seed('anna', 'INBOX', [letter(6)])
    await until(stays.told, inbox)
    expect(gone.told).toEqual(['ready'])
  })

  it('leaves no connection behind when it is closed while it connects', async () => {
    const own = await TcpProxy.start(house.imap)
    const other = await openStore(own, house.user('bob'))
    const { id } = await other.mail.folderByRole('inbox')
    own.link.delayDown = 100
    const ended = expect(watcher(other, [id]).done).rejects.toMatchObject({ kind: 'unavailable' })
    await vi.waitFor(() => expect(own.open).toBe(2), { interval: 5 })
    other.close()
    await ended
    await vi.waitFor(() => expect(own.open).toBe(0), { timeout: 5000 })
    await own.close()
  })
})
