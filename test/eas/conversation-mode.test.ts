import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { text } from '../../src/wire/wbxml.ts'
import { descend, type Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { MemoryAccount } from '../support/memory.ts'

let server: EasServer
let phone: Phone
let inbox: string
let today: Date
beforeEach(async () => {
  today = new Date('2026-11-23T12:00:00Z')
  server = await easServer({}, new MemoryAccount(), () => today)
  phone = server.phone()
  await phone.folderSync('0')
  inbox = phone.folder('Inbox')
})
afterEach(() => server.stop())

const deliver = (subject: string, day: number, own: string, ...references: string[]): number => server.account.deliver('inbox',
  `Subject: ${subject}\nMessage-ID: <${own}>\n${references.length ? `References: ${references.map(one => `<${one}>`).join(' ')}\n` : ''}\n` +
  `${'text '.repeat(10)}\n`, { received: new Date(Date.UTC(2026, 10, day, 10)) })

/** A filter of three days, in windows of two. */
const sync = async (conversations: string | undefined = '1'): Promise<void> => void await phone.syncAll(inbox, {
  window: 2, options: { filter: 2, bodies: [{ type: 1, preview: 20 }] }, ...(conversations === undefined ? {} : { conversations }),
})
const subjects = (): string[] => [...phone.held(inbox).items.values()].map(({ subject }) => subject ?? '').toSorted()

describe('ConversationMode with a time filter', () => {
  beforeEach(() => {
    deliver('first', 1, '1@x')
    deliver('old', 2, '9@x')
    deliver('second', 3, '2@x', '1@x')
    deliver('third', 22, '3@x', '1@x', '2@x')
    deliver('news', 22, '8@x')
    deliver('fourth', 23, '4@x', '1@x', '2@x', '3@x')
  })

  it('shows the whole of each conversation that has a message within the filter, and each message once', async () => {
    await sync()
    expect(subjects()).toEqual(['first', 'fourth', 'news', 'second', 'third'])
    expect(phone.held(inbox).duplicates).toEqual([])
    deliver('fifth', 23, '5@x', '1@x')
    await sync()
    expect(subjects()).toEqual(['fifth', 'first', 'fourth', 'news', 'second', 'third'])
    expect(phone.held(inbox).duplicates).toEqual([])
  })

  it('shows of messages before the filter what a preview shows', async () => {
    await sync()
    const item = [...phone.held(inbox).items.values()].find(({ subject }) => subject === 'second')!
    const body = descend(item.data, 'AirSyncBase:Body')
    expect([text(body, 'AirSyncBase:Data'), text(body, 'AirSyncBase:Preview')]).toEqual([undefined, 'text text text text '])
  })

  it('tells of messages before the filter the part that is wished for', async () => {
    await phone.syncAll(inbox, { conversations: '1', options: { filter: 2, part: { size: 9 } } })
    const item = [...phone.held(inbox).items.values()].find(({ subject }) => subject === 'second')!
    const part = descend(item.data, 'AirSyncBase:BodyPart')
    expect([text(part, 'AirSyncBase:Status'), text(part, 'AirSyncBase:Truncated'), text(part, 'AirSyncBase:Data')?.length]).toEqual(['1', '1', 9])
    expect(item.body).toBeUndefined()
  })

  it('an answer to an old conversation brings it', async () => {
    await sync()
    deliver('answer', 23, '10@x', '9@x')
    await sync()
    expect(subjects()).toEqual(['answer', 'first', 'fourth', 'news', 'old', 'second', 'third'])
  })

  it('nothing of a conversation ages before its newest message has', async () => {
    await sync()
    today = new Date('2026-11-26T12:00:00Z')
    await sync()
    expect(subjects()).toEqual(['first', 'fourth', 'second', 'third'])
    today = new Date('2026-11-27T12:00:00Z')
    await sync()
    expect(subjects()).toEqual([])
  })

  it('what is left of a conversation whose newest messages go stays until others age, and ages off then', async () => {
    await sync()
    server.account.expunge('inbox', 4, 6)
    await sync()
    expect(subjects()).toEqual(['first', 'news', 'second'])
    today = new Date('2026-11-24T12:00:00Z')
    await sync()
    expect(subjects()).toEqual(['news'])
    expect(await phone.sync({ collections: [{ id: inbox, conversations: '1' }] })).toMatchObject({ empty: true })
    // An answer brings it back.
    deliver('fifth', 24, '5@x', '1@x')
    await sync()
    expect(subjects()).toEqual(['fifth', 'first', 'news', 'second'])
  })

  it('so does what stayed beyond its time because of a message that is gone by then', async () => {
    await sync()
    today = new Date('2026-11-26T12:00:00Z')
    await sync()
    expect(subjects()).toEqual(['first', 'fourth', 'second', 'third'])
    server.account.expunge('inbox', 6)
    deliver('young', 26, '20@x')
    await sync()
    expect(subjects()).toEqual(['first', 'second', 'third', 'young'])
    today = new Date('2026-11-27T12:00:00Z')
    await sync()
    expect(subjects()).toEqual(['young'])
  })

  it('what goes is told again to a device whose answer got lost', async () => {
    await sync()
    server.account.expunge('inbox', 4, 6)
    await sync()
    today = new Date('2026-11-24T12:00:00Z')
    const { key } = phone.held(inbox)
    const ask = async () => (await phone.sync({ collections: [{ id: inbox, key, conversations: '1', window: 9 }] })).collections[0]!.softDeletes
    const first = await ask()
    expect(first).toHaveLength(2)
    server.account.flag('inbox', 5, '\\Seen', true)
    expect(await ask()).toEqual(first)
  })

  it.each([['0'], [undefined]])('%s: the filter alone decides', async mode => {
    if (mode === undefined) await phone.syncAll(inbox, { options: { filter: 2 } })
    else await sync(mode)
    expect(subjects()).toEqual(['fourth', 'news', 'third'])
  })

  it('empty means yes, and without a filter it changes nothing', async () => {
    await sync('')
    expect(subjects()).toHaveLength(5)
    const other = server.phone({ deviceId: 'OTHER' })
    await other.folderSync('0')
    server.account.calls.length = 0
    await other.syncAll(inbox, { conversations: '1', options: { filter: 0 } })
    expect(other.held(inbox).items.size).toBe(6)
    expect(server.account.calls).not.toContain('search')
  })

  it('is estimated as it is told', async () => {
    await phone.sync({ collections: [{ id: inbox, key: '0' }] })
    const estimate = async (mode: string) => (await phone.getItemEstimate([{ id: inbox, filter: 2, conversations: mode }]))[0]
    expect([await estimate('0'), await estimate('1'), await estimate('')].map(one => one!.estimate)).toEqual([3, 5, 5])
    await sync()
    expect(await estimate('1')).toMatchObject({ status: '1', estimate: 0 })
    today = new Date('2026-11-26T12:00:00Z') // of three messages before the filter two belong to a conversation that goes on
    expect([await estimate('0'), await estimate('1')].map(one => one!.estimate)).toEqual([2, 1])
    expect(await estimate('2')).toMatchObject({ status: '103' })
  })

  it('must be a boolean', async () => {
    const { status } = await phone.sync({ collections: [{ id: inbox, conversations: '2' }] })
    expect(status).toBe('4')
  })
})
