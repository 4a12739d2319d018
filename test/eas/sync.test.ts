import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { el, text } from '../../src/wire/wbxml.ts'
import type { Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'

const day = 86_400_000
const mail = (subject: string): string => `From: bob@postern.test\r\nTo: anna@postern.test\r\nSubject: ${subject}\r\n\r\nHello.\r\n`

let server: EasServer
let phone: Phone
let inbox: string, trash: string

beforeEach(async () => {
  server = await easServer()
  inbox = server.account.id('Inbox')
  trash = server.account.id('Trash')
  phone = server.phone()
})
afterEach(() => server.stop())

const deliver = (count: number, from = 1): void => {
  for (let i = from; i < from + count; i++) server.account.deliver('Inbox', mail(`mail ${i}`))
}
const start = async (one = phone): Promise<void> => void (await one.sync({ collections: [{ id: inbox, key: '0' }] }))
/** All there is, from key 0 on. */
const filled = async (one = phone): Promise<void> => {
  await start(one)
  while ((await one.sync({ collections: [{ id: inbox }] })).collections[0]?.more);
}
const subjects = (one = phone): string[] => [...one.held(inbox).items.values()].map(({ subject }) => subject).sort()
const idOf = (subject: string): string => [...phone.held(inbox).items.values()].find(item => item.subject === subject)!.id
const one = async (wish: object = {}) => (await phone.sync({ collections: [{ id: inbox, ...wish }] })).collections[0]

describe('the first Sync of a collection', () => {
  it('gets a key and nothing else', async () => {
    deliver(3)
    const { collections: [answer] } = await phone.sync({ collections: [{ id: inbox, key: '0' }] })
    expect(answer).toMatchObject({ status: '1', more: false, adds: [], class: undefined })
    expect(answer!.key).toMatch(/^[A-Za-z0-9_-]{10,64}$/)
  })

  it('is told the Class in version 12.1 only', async () => {
    const old = server.phone({ version: '12.1' })
    expect((await old.sync({ collections: [{ id: inbox, key: '0' }] })).collections[0]).toMatchObject({ class: 'Email', status: '1' })
  })

  it('comes in windows, newest first, and new mail before the backlog', async () => {
    deliver(7)
    await start()
    expect(await one({ window: 3 })).toMatchObject({ more: true, adds: expect.objectContaining({ length: 3 }) })
    expect(subjects()).toEqual(['mail 5', 'mail 6', 'mail 7'])
    deliver(1, 8)
    await one({ window: 2 })
    expect(subjects()).toEqual(['mail 4', 'mail 5', 'mail 6', 'mail 7', 'mail 8'])
    expect(await one({ window: 9 })).toMatchObject({ more: false, adds: expect.objectContaining({ length: 3 }) })
  })
})

describe('a Sync', () => {
  it('without news is answered by nothing at all', async () => {
    deliver(2)
    await filled()
    expect(await phone.sync({ collections: [{ id: inbox }] })).toMatchObject({ http: 200, empty: true })
  })

  it('tells of arrivals, flags and expunges', async () => {
    deliver(3)
    await filled()
    server.account.flag('Inbox', 1, '\\Seen', true)
    server.account.flag('Inbox', 2, '\\Flagged', true)
    server.account.expunge('Inbox', 3)
    deliver(1, 4)
    expect(await one()).toMatchObject({ changes: { length: 2 }, deletes: { length: 1 }, adds: { length: 1 } })
    expect(subjects()).toEqual(['mail 1', 'mail 2', 'mail 4'])
    expect(phone.held(inbox).items.get(idOf('mail 1'))).toMatchObject({ read: true, flagged: false })
    expect(phone.held(inbox).items.get(idOf('mail 2'))).toMatchObject({ read: false, flagged: true })
  })

  it('does not get what it says it does not want, and gets it later', async () => {
    await filled()
    deliver(1)
    expect(await phone.sync({ collections: [{ id: inbox, getChanges: false }] })).toMatchObject({ empty: true })
    expect(await one()).toMatchObject({ adds: { length: 1 } })
  })

  it('shares one window among all collections, in their order', async () => {
    deliver(5)
    for (let i = 0; i < 5; i++) server.account.deliver('Trash', mail(`trash ${i}`))
    await phone.sync({ collections: [{ id: inbox, key: '0' }, { id: trash, key: '0' }] })
    const first = await phone.sync({ window: 6, collections: [{ id: inbox }, { id: trash }] })
    expect(first.collections.map(({ id, adds, more }) => [id, adds.length, more])).toEqual([[inbox, 5, false], [trash, 1, true]])
    const second = await phone.sync({ window: 6, collections: [{ id: inbox }, { id: trash }] })
    expect(second.collections.map(({ id, adds, more }) => [id, adds.length, more])).toEqual([[trash, 4, false]])
  })

  it('of several collections goes on where one of them fails', async () => {
    deliver(1)
    const answer = await phone.sync({ collections: [{ id: 'nowhere', key: '0' }, { id: trash, key: 'nonsense' }, { id: inbox, key: '0' }] })
    expect(answer.collections.map(({ status, key }) => [status, key === '0' || status])).toEqual([['12', true], ['3', true], ['1', '1']])
  })

  it.each([
    ['a key nobody made', () => 'abcdefghijklmnop', '3'],
    ['the key of another folder', async () => (await phone.sync({ collections: [{ id: trash, key: '0' }] })).collections[0]!.key, '3'],
    ['a key with a changed letter', async () => (await one({ key: '0' }))!.key.replace(/.$/, letter => letter === 'A' ? 'B' : 'A'), '3'],
  ])('with %s starts again', async (_, key, status) => {
    expect(await one({ key: await key() })).toMatchObject({ status, key: '0' })
  })

  it('whose mailbox was made anew starts again, and never takes one message for another', async () => {
    deliver(2)
    await filled()
    const id = idOf('mail 1')
    server = await restarted(2)
    server.account.deliver('Inbox', mail('another'))
    phone = phoneOf(phone)
    expect(await one({ commands: [{ kind: 'Delete', id }] })).toMatchObject({ status: '3' })
    expect(server.account.list('Inbox')).toHaveLength(1)
  })

  it('that cannot reach the mail server is told to try again, and nothing is deleted', async () => {
    deliver(2)
    await filled()
    server.account.outage = new Failure('unavailable', 'gone')
    const answer = await phone.sync({ collections: [{ id: inbox }] })
    expect(answer).toMatchObject({ status: '16', collections: [] })
    expect(subjects()).toHaveLength(2)
    server.account.outage = undefined
    expect(await phone.sync({ collections: [{ id: inbox }] })).toMatchObject({ empty: true })
  })

  /** The same house with a mailbox of another UIDVALIDITY, and the same keys in the phone. */
  async function restarted(validity: number): Promise<EasServer> {
    const { MemoryAccount } = await import('../support/memory.ts')
    await server.stop()
    return easServer({}, new MemoryAccount('anna@postern.test', { validity }))
  }

  function phoneOf(old: Phone): Phone {
    const anew = server.phone()
    anew.held(inbox).key = old.held(inbox).key
    return anew
  }
})

describe('what the phone changes', () => {
  it('reaches the server and does not come back', async () => {
    deliver(3)
    await filled()
    const id = idOf('mail 2')
    const answer = await phone.sync({ collections: [{ id: inbox, commands: [{ kind: 'Change', id, read: true, flagged: true }] }] })
    expect(answer).toMatchObject({ empty: true })
    expect(server.account.list('Inbox')[1]!.flags.sort()).toEqual(['\\Flagged', '\\Seen'])
    await phone.sync({ collections: [{ id: inbox, commands: [{ kind: 'Change', id, read: false, flagged: false }] }] })
    expect(server.account.list('Inbox')[1]!.flags).toEqual([])
  })

  it.each([
    ['goes to Trash', undefined, 1],
    ['goes to Trash when the phone says so', true, 1],
    ['is gone when the phone says so', false, 0],
  ])('when deleted %s', async (_, deletesAsMoves, kept) => {
    deliver(2)
    await filled()
    const wish = { commands: [{ kind: 'Delete' as const, id: idOf('mail 1') }], ...(deletesAsMoves === undefined ? {} : { deletesAsMoves }) }
    expect(await phone.sync({ collections: [{ id: inbox, ...wish }] })).toMatchObject({ empty: true })
    expect([server.account.list('Inbox').length, server.account.list('Trash').length]).toEqual([1, kept])
  })

  it('when deleted from Trash is gone', async () => {
    server.account.deliver('Trash', mail('old'))
    await phone.sync({ collections: [{ id: trash, key: '0' }] })
    const [id] = (await phone.sync({ collections: [{ id: trash }] })).collections[0]!.adds
    await phone.sync({ collections: [{ id: trash, commands: [{ kind: 'Delete', id: id! }] }] })
    expect(server.account.list('Trash')).toEqual([])
  })

  it.each([
    ['that is gone already succeeds', 'Delete', []],
    ['that is gone is refused as not found', 'Change', ['8']],
    ['that is gone is refused when fetched', 'Fetch', ['8']],
  ] as const)('an item %s', async (_, kind, statuses) => {
    deliver(1)
    await filled()
    const id = idOf('mail 1')
    server.account.expunge('Inbox', 1)
    const command = kind === 'Change' ? { kind, id, read: true } : { kind, id }
    const { collections: [answer] } = await phone.sync({ collections: [{ id: inbox, getChanges: false, commands: [command] }] })
    expect((answer?.responses ?? []).map(({ status }) => status)).toEqual(statuses)
  })

  it.each([
    ['the server wins, which is told', 1 as const, '7', []],
    ['the server wins by default', undefined, '7', []],
    ['the client wins, and nothing is told', 0 as const, undefined, ['\\Flagged']],
  ])('in conflict with what somebody else changed: %s', async (_, conflict, status, flags) => {
    deliver(1)
    await filled()
    server.account.flag('Inbox', 1, '\\Answered', true)
    const options = conflict === undefined ? {} : { conflict }
    const answer = await one({ options, commands: [{ kind: 'Change', id: idOf('mail 1'), flagged: true }] })
    expect(answer?.responses[0]?.status).toBe(status)
    expect(server.account.list('Inbox')[0]!.flags.filter(flag => flag !== '\\Answered')).toEqual(flags)
  })

  it('is no conflict when it already holds, nor ever for a read mark', async () => {
    deliver(2)
    await filled()
    server.account.flag('Inbox', 1, '\\Flagged', true)
    server.account.flag('Inbox', 2, '\\Answered', true)
    const answer = await one({ commands: [
      { kind: 'Change', id: idOf('mail 1'), flagged: true }, { kind: 'Change', id: idOf('mail 2'), read: true },
    ] })
    expect(answer?.responses).toEqual([])
    expect(server.account.list('Inbox').map(({ flags }) => flags.sort())).toEqual([['\\Flagged'], ['\\Answered', '\\Seen']])
  })

  it('of an item that makes no sense fails alone', async () => {
    deliver(2)
    await filled()
    const answer = await one({ commands: [
      { kind: 'Change', id: idOf('mail 1'), data: [el('Email:Read', 'maybe')] }, { kind: 'Change', id: idOf('mail 2'), read: true },
      { kind: 'Change', id: 'not an id', read: true }, { kind: 'Add', clientId: 'c1', data: [el('Email:Subject', 'x')] },
    ] })
    expect(answer!.responses.map(({ kind, status }) => `${kind} ${status}`).sort()).toEqual(['Add 6', 'Change 6', 'Change 8'])
    expect(server.account.list('Inbox')[1]!.flags).toEqual(['\\Seen'])
  })

  it('brings an item in whole when it asks for it', async () => {
    deliver(1)
    await start()
    await one({ options: { bodies: [{ type: 1, size: 2 }] } })
    expect(phone.held(inbox).items.get(idOf('mail 1'))!.body).toBe('He')
    const answer = await one({ options: { bodies: [{ type: 1 }] }, commands: [{ kind: 'Fetch', id: idOf('mail 1') }] })
    expect(answer!.responses[0]).toMatchObject({ kind: 'Fetch', status: '1' })
    expect(phone.held(inbox).items.get(idOf('mail 1'))!.body).toBe('Hello.\r\n')
  })
})

describe('a time filter', () => {
  const aged = (subject: string, days: number): void =>
    void server.account.deliver('Inbox', mail(subject), { received: new Date(Date.now() - days * day) })

  it('shows what is young enough, and more or less of it when it changes', async () => {
    for (const [subject, days] of [['today', 0], ['two', 2], ['five', 5], ['forty', 40]] as const) aged(subject, days)
    await start()
    await one({ options: { filter: 2 } })
    expect(subjects()).toEqual(['today', 'two'])
    expect(await one({ options: { filter: 1 } })).toMatchObject({ softDeletes: { length: 1 }, deletes: [] })
    expect(subjects()).toEqual(['today'])
    await one({ options: { filter: 3 } })
    expect(subjects()).toEqual(['five', 'today', 'two'])
    await one({ options: { filter: 0 } })
    expect(subjects()).toEqual(['five', 'forty', 'today', 'two'])
    expect(await phone.sync({ collections: [{ id: inbox }] })).toMatchObject({ empty: true })
  })

  it('stays what it was when the phone says nothing of it, also to a process without memory', async () => {
    aged('today', 0)
    aged('five', 5)
    await start()
    await one({ options: { filter: 2, bodies: [{ type: 1, size: 3 }] } })
    server.forget()
    aged('today too', 0)
    aged('six', 6)
    await one()
    expect(subjects()).toEqual(['today', 'today too'])
    expect(phone.held(inbox).items.get(idOf('today too'))!.body).toBe('Hel')
  })
})

describe('an answer that got lost', () => {
  it('is repeated to the octet', async () => {
    deliver(3)
    await start()
    const wish = { collections: [{ id: inbox }], lose: true }
    const [first, second] = [await phone.sync(wish), await phone.sync(wish)]
    expect(first.collections[0]!.adds).toHaveLength(3)
    expect(Buffer.from(second.bytes).equals(Buffer.from(first.bytes))).toBe(true)
  })

  it('costs nothing when memory is lost as well: the same key brings the same items, and the same wish is done once', async () => {
    deliver(3)
    await filled()
    deliver(1, 4)
    const wish = { collections: [{ id: inbox, commands: [{ kind: 'Delete' as const, id: idOf('mail 1') }] }] }
    await phone.sync({ ...wish, lose: true })
    server.forget()
    expect((await phone.sync(wish)).collections[0]).toMatchObject({ status: '1', adds: { length: 1 }, responses: [] })
    expect(subjects()).toEqual(['mail 2', 'mail 3', 'mail 4'])
    expect([server.account.list('Inbox').length, server.account.list('Trash').length]).toEqual([3, 1])
  })

  it('is not given to a phone that starts again', async () => {
    deliver(2)
    await filled()
    server.account.expunge('Inbox', 1)
    await filled()
    expect(subjects()).toEqual(['mail 2'])
  })
})

describe('a request that leaves something out', () => {
  it('altogether means what the last one said, after an answer without news', async () => {
    await filled()
    await phone.sync({ collections: [{ id: inbox }] })
    expect(await phone.sync({ collections: [], empty: true })).toMatchObject({ http: 200, empty: true })
    deliver(1)
    expect((await phone.sync({ collections: [], empty: true })).collections[0]).toMatchObject({ adds: { length: 1 } })
  })

  it('is asked for in full when nothing is known of it, or its keys may be old', async () => {
    expect(await phone.sync({ collections: [], empty: true })).toMatchObject({ status: '13' })
    deliver(1)
    await filled()
    expect(await phone.sync({ collections: [], empty: true, lose: true })).toMatchObject({ status: '13' })
    await phone.sync({ collections: [{ id: inbox }] })
    server.forget()
    expect(await phone.sync({ collections: [], empty: true })).toMatchObject({ status: '13' })
  })

  it('in part means the rest as it was', async () => {
    await phone.sync({ collections: [{ id: inbox, key: '0' }, { id: trash, key: '0' }] })
    await phone.sync({ collections: [{ id: inbox }, { id: trash }] })
    server.account.deliver('Trash', mail('thrown away'))
    const answer = await phone.sync({ partial: true, collections: [{ id: inbox }] })
    expect(answer.collections.map(({ id, adds }) => [id, adds.length])).toEqual([[trash, 1]])
  })
})

describe('a Sync that waits', () => {
  it('is answered as soon as something comes', async () => {
    await filled()
    const waiting = phone.sync({ heartbeat: 60, collections: [{ id: inbox }] })
    await expect.poll(() => server.account.watching).toBe(1)
    deliver(1)
    expect((await waiting).collections[0]).toMatchObject({ adds: { length: 1 } })
    await expect.poll(() => server.account.watching).toBe(0)
  })

  it('is answered at once when there is something, and by nothing when its time is over', async () => {
    await filled()
    expect(await phone.sync({ heartbeat: 1, collections: [{ id: inbox }] })).toMatchObject({ empty: true })
    deliver(1)
    expect((await phone.sync({ heartbeat: 60, collections: [{ id: inbox }] })).collections[0]).toMatchObject({ adds: { length: 1 } })
  })

  it('ends when the same device asks again, and when its socket closes', async () => {
    await filled()
    const first = phone.sync({ heartbeat: 60, collections: [{ id: inbox }] })
    await expect.poll(() => server.account.watching).toBe(1)
    const gone = new AbortController()
    const second = phone.sync({ heartbeat: 61, collections: [{ id: inbox }], overrides: { signal: gone.signal } })
    expect(await first).toMatchObject({ empty: true })
    await expect.poll(() => server.account.watching).toBe(1)
    gone.abort()
    await expect(second).rejects.toThrow()
    await expect.poll(() => server.account.watching).toBe(0)
  })

  it('is not woken by what the same device does', async () => {
    deliver(1)
    await filled()
    const waiting = phone.sync({ heartbeat: 2, collections: [{ id: inbox }] })
    await expect.poll(() => server.account.watching).toBe(1)
    const again = server.phone()
    again.held(inbox).key = phone.held(inbox).key
    await again.sync({ collections: [{ id: inbox, commands: [{ kind: 'Change', id: idOf('mail 1'), read: true }] }] })
    expect((await waiting).collections.flatMap(({ adds, deletes }) => [...adds, ...deletes])).toEqual([])
  })
})

describe('an item', () => {
  it('carries no Class, and what its version has', async () => {
    deliver(1)
    await filled()
    const { data } = phone.held(inbox).items.get(idOf('mail 1'))!
    expect(text(data!, 'Email:From')).toBe('bob@postern.test')
    expect(text(data!, 'Email:MessageClass')).toBe('IPM.Note')
  })
})
