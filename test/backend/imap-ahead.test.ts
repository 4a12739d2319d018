import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mostAhead } from '../../src/backend/imap-ahead.ts'
import { budget } from '../../src/base/budget.ts'
import type { MailCursor } from '../../src/model/cursor.ts'
import type { FolderId } from '../../src/model/folder.ts'
import type { ChangesWish, MailChanges, PartWish } from '../../src/model/ports.ts'
import { startHouse, type House } from '../support/live.ts'
import { letter, letters, openStore, type Store } from './imap-store.ts'

const wish: ChangesWish = { window: 5, since: 0 }
const piecesOf = (adds: MailChanges['adds']): PartWish[] => adds.map(({ uid }) => ({ uid, section: '1', length: 4096 }))
const told = ({ adds, ...rest }: MailChanges): object => ({ ...rest, adds: adds.map(({ header, ...one }) => ({ ...one, header: Buffer.from(header).toString() })) })
const uidsOf = ({ adds }: MailChanges): number[] => adds.map(({ uid }) => uid)

describe('what is read ahead of a mailbox', () => {
  let house: House
  /** The one that reads ahead, and one that knows nothing and does everything else. */
  let store: Store, other: Store
  let inbox: FolderId

  beforeAll(async () => {
    house = await startHouse({ users: 1, exim: false })
    await house.seed('anna', 'INBOX', letters(40))
    other = await openStore(house.imap, house.user('anna'))
    inbox = (await other.mail.folderByRole('inbox')).id
  })
  afterAll(async () => {
    other?.close()
    await house?.stop()
  })

  /** A client that has its first window, while the second is read. */
  async function ahead(options: Parameters<typeof openStore>[2] = {}): Promise<MailCursor> {
    store?.close()
    store = await openStore(house.imap, house.user('anna'), options)
    const { next } = await store.mail.changes(inbox, undefined, wish)
    store.mail.foresee(inbox, next, wish, piecesOf)
    return next
  }
  /** Until it is read: what is asked for behind it comes after it. */
  async function read(): Promise<void> {
    for (let quiet = 0, before = -1; quiet < 5; quiet = store.session.roundTrips === before ? quiet + 1 : 0) {
      before = store.session.roundTrips
      await sleep(20)
    }
  }
  async function trips<T>(work: () => Promise<T>): Promise<[T, number]> {
    const before = store.session.roundTrips
    return [await work(), store.session.roundTrips - before]
  }
  const anew = (cursor: MailCursor, asked = wish): Promise<MailChanges> => other.mail.changes(inbox, cursor, asked)

  it('is answered with one look at the mailbox, and its texts with none', async () => {
    const cursor = await ahead()
    await read()
    const [found, looks] = await trips(() => store.mail.changes(inbox, cursor, wish))
    expect(told(found)).toEqual(told(await anew(cursor)))
    expect(looks).toBe(1)
    const [texts, more] = await trips(() => store.mail.parts(inbox, found.next.validity, piecesOf(found.adds)))
    expect(texts.map(text => Buffer.from(text!).toString())).toEqual(uidsOf(found).map(uid => `This is letter ${uid}.\r\n`))
    expect(more).toBe(0)
  })

  it('is the same where it is asked for while it is still being read', async () => {
    const cursor = await ahead()
    const found = await store.mail.changes(inbox, cursor, wish)
    expect(told(found)).toEqual(told(await anew(cursor)))
    const texts = await store.mail.parts(inbox, found.next.validity, piecesOf(found.adds))
    expect(texts.map(text => Buffer.from(text!).toString())).toEqual(uidsOf(found).map(uid => `This is letter ${uid}.\r\n`))
  })

  it('may be asked for twice, as by a phone whose answer was lost', async () => {
    const cursor = await ahead()
    await read()
    for (const _ of [1, 2]) {
      const found = await store.mail.changes(inbox, cursor, wish)
      expect(told(found)).toEqual(told(await anew(cursor)))
      const texts = await store.mail.parts(inbox, found.next.validity, piecesOf(found.adds))
      expect(texts.map(text => text?.length)).toEqual(uidsOf(found).map(uid => `This is letter ${uid}.\r\n`.length))
    }
  })

  const meanwhile: [string, (uids: readonly number[], validity: number) => Promise<unknown>][] = [
    ['a flag of a message in it is changed', ([uid], validity) => other.mail.setFlags(inbox, validity, { uids: [uid!], add: ['\\Flagged'] })],
    ['a flag of a message told before is changed', ([uid], validity) => other.mail.setFlags(inbox, validity, { uids: [uid! + 1], add: ['\\Seen'] })],
    ['a message in it is expunged', ([, uid], validity) => other.mail.remove(inbox, validity, [uid!])],
    ['a message is moved away', async ([, , uid], validity) => other.mail.move(inbox, validity, [uid!], (await other.mail.folderByRole('trash')).id)],
    ['a message is delivered', () => house.deliver('anna', letter(99))],
    ['the same user changes a flag over the same connection', ([uid], validity) => store.mail.setFlags(inbox, validity, { uids: [uid!], add: ['\\Answered'] })],
  ]
  it.each(meanwhile)('is thrown away where %s', async (_, happens) => {
    const cursor = await ahead()
    await read()
    const expected = await anew(cursor)
    await happens(uidsOf(expected), expected.next.validity)
    const found = await store.mail.changes(inbox, cursor, wish)
    expect(told(found)).toEqual(told(await anew(cursor)))
    expect(told(found)).not.toEqual(told(expected))
    // What happened is told in this answer or in the next.
    expect(told(await store.mail.changes(inbox, found.next, wish))).toEqual(told(await anew(found.next)))
  })

  it('is of no use to who asks for another window, or for less of the past', async () => {
    const cursor = await ahead()
    await read()
    for (const asked of [{ ...wish, window: 3 }, { ...wish, since: Math.floor(Date.now() / 86_400_000) - 1 }]) {
      expect(told(await store.mail.changes(inbox, cursor, asked))).toEqual(told(await anew(cursor, asked)))
    }
    const found = await anew(cursor)
    const [texts, looks] = await trips(() => store.mail.parts(inbox, found.next.validity, [{ uid: uidsOf(found)[0]!, section: '1', length: 4 }]))
    expect(Buffer.from(texts[0]!).toString()).toBe('This')
    expect(looks).toBe(1)
  })

  it('tells who waits for it why it could not be read', async () => {
    const cursor = await ahead()
    await read()
    expect(await store.mail.changes(inbox, { ...cursor, validity: cursor.validity + 1 }, wish).catch((error: unknown) => error)).toMatchObject({ kind: 'stale' })
    const wrong = { ...cursor, validity: cursor.validity + 1 }
    store.mail.foresee(inbox, wrong, wish, piecesOf)
    expect(await store.mail.changes(inbox, wrong, wish).catch((error: unknown) => error)).toMatchObject({ kind: 'stale' })
  })

  it('is held for a while only, gives back what it took, and is not read where there is no room', async () => {
    const room = budget('octets', { each: mostAhead, all: mostAhead })
    const cursor = await ahead({ ahead: { budget: room, seconds: 0.2 } })
    expect(room.used).toBe(mostAhead)
    store.mail.foresee(inbox, cursor, { ...wish, window: 6 }, piecesOf)
    await sleep(400)
    expect(room.used).toBe(0)
    const [found, looks] = await trips(() => store.mail.changes(inbox, cursor, { ...wish, window: 6 }))
    expect(told(found)).toEqual(told(await anew(cursor, { ...wish, window: 6 })))
    expect(looks).toBe(2)
  })

  it('gives back what it took when its last text is taken', async () => {
    const room = budget('octets', { each: mostAhead, all: mostAhead })
    const cursor = await ahead({ ahead: { budget: room } })
    const found = await store.mail.changes(inbox, cursor, wish)
    expect(room.used).toBe(mostAhead)
    await store.mail.parts(inbox, found.next.validity, piecesOf(found.adds))
    expect(room.used).toBe(0)
  })
})

describe('on a server without QRESYNC', () => {
  it('nothing is read ahead', async () => {
    const house = await startHouse({ users: 1, exim: false, dovecot: { without: ['QRESYNC'] } })
    try {
      await house.seed('anna', 'INBOX', letters(12))
      const room = budget('octets', { each: mostAhead, all: mostAhead })
      const store = await openStore(house.imap, house.user('anna'), { ahead: { budget: room } })
      const inbox = (await store.mail.folderByRole('inbox')).id
      const { next } = await store.mail.changes(inbox, undefined, wish)
      store.mail.foresee(inbox, next, wish, piecesOf)
      expect(room.used).toBe(0)
      store.close()
    } finally {
      await house.stop()
    }
  })
})
