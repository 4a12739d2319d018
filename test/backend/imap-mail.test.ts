import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FolderId } from '../../src/model/folder.ts'
import { startHouse, type House } from '../support/live.ts'
import { letter, letters, openStore, type Store } from './imap-store.ts'

// Dovecot says of a part that is not there that it is empty.
const nothing = (part: unknown): boolean => part === undefined || part === ''

// What an older or other server would not have; the contract is the same for all.
const servers: [string, string[]][] = [
  ['Dovecot with all it has', []],
  ['a server without QRESYNC', ['QRESYNC']],
  ['a server without CONDSTORE', ['QRESYNC', 'CONDSTORE', 'ENABLE']],
  ['a server without MOVE', ['MOVE']],
  ['a server without UIDPLUS', ['UIDPLUS']],
  ['a server with neither MOVE nor UIDPLUS', ['MOVE', 'UIDPLUS']],
  ['a server without ESEARCH, LIST-STATUS and LITERAL+', ['ESEARCH', 'LIST-STATUS', 'LIST-EXTENDED', 'LITERAL+', 'SASL-IR', 'UNSELECT']],
]

describe.each(servers)('a mail store on %s', (_, without) => {
  let house: House
  let store: Store
  let inbox: FolderId
  let trash: FolderId
  const plain = without.length === 0
  const condstore = !without.includes('CONDSTORE')

  beforeAll(async () => {
    house = await startHouse({ users: 2, exim: false, dovecot: { without } })
    await house.seed('anna', 'INBOX', letters(30))
    store = await openStore(house.imap, house.user('anna'))
    inbox = (await store.mail.folderByRole('inbox')).id
    trash = (await store.mail.folderByRole('trash')).id
  })
  afterAll(async () => {
    store?.close()
    await house?.stop()
  })

  const validity = async (folder = inbox): Promise<number> => (await store.mailbox.status([folder])).get(folder)!.validity
  const all = async (folder: FolderId): Promise<number[]> => {
    const { answers: [answer] } = await store.mailbox.ask(folder, undefined, [{ kind: 'search', uids: '1:*' }])
    return answer?.kind === 'search' ? answer.uids.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_each, n) => from + n)) : []
  }

  it('reads messages with flags, header and structure', async () => {
    const found = await store.mail.messages(inbox, await validity(), [1, 2, 999])
    expect(found.map(({ uid }) => uid).sort()).toEqual([1, 2])
    const [first] = found
    expect(Buffer.from(first!.header).toString()).toContain('Subject: Letter 1\r\n')
    expect(first!.structure).toMatchObject({ section: '1', type: 'text/plain', size: 'This is letter 1.\r\n'.length })
    expect(first!.size).toBe(letter(1).length)
    expect(Math.abs(first!.received.getTime() - Date.now())).toBeLessThan(600_000)
    expect(first!.modseq > 0n).toBe(condstore)
  })

  it('reads the heads of the newest messages, and none where the same messages are there', async () => {
    const { id } = await store.mail.createFolder(undefined, 'Heads')
    expect(await store.mail.heads(id, 3)).toMatchObject({ content: { messages: 0 }, heads: [] })
    for (let n = 1; n <= 5; n++) await store.mail.append(id, Buffer.from(letter(n, `Cc: c${n}@x.test\r\nIn-Reply-To: <a${n}@x>\r\n`)), [])
    const { content, heads } = await store.mail.heads(id, 3)
    expect(content).toMatchObject({ messages: 5, uidNext: 6 })
    expect(heads!.map(({ uid }) => uid)).toEqual([5, 4, 3])
    expect(Buffer.from(heads![0]!.header).toString().trim().split('\r\n').sort()).toEqual(['Cc: c5@x.test', 'In-Reply-To: <a5@x>', 'To: bob@postern.test'])
    expect(Math.abs(heads![0]!.received.getTime() - Date.now())).toBeLessThan(600_000)
    await store.mail.setFlags(id, content.validity, { uids: [5], add: ['\\Flagged'] })
    const trips = store.session.roundTrips
    expect(await store.mail.heads(id, 3, content)).toEqual({ content })
    expect(store.session.roundTrips - trips).toBe(1)
    await store.mail.remove(id, content.validity, [4])
    if (!without.includes('UIDPLUS')) expect((await store.mail.heads(id, 3, content)).heads!.map(({ uid }) => uid)).toEqual([5, 3, 2])
    expect((await store.mail.heads(id, 100)).heads!.length).toBe(without.includes('UIDPLUS') ? 5 : 4)
    await expect(store.mail.heads('nowhere' as FolderId, 3)).rejects.toMatchObject({ kind: 'not-found' })
  })

  it('reads parts in the order of the wishes, cut where wanted, undefined where nothing is', async () => {
    const parts = await store.mail.parts(inbox, await validity(), [
      { uid: 2, section: '1' }, { uid: 1, section: '1', offset: 0, length: 4 }, { uid: 1, section: '1', length: 7 }, { uid: 1, section: '7' },
      { uid: 999, section: '1' }, { uid: 3, section: '', offset: 6, length: 4 },
    ])
    expect(parts.map(part => part && Buffer.from(part).toString())).toEqual(['This is letter 2.\r\n', 'This', 'This is', expect.toSatisfy(nothing), undefined, 'Anna'])
  })

  it('refuses another UIDVALIDITY', async () => {
    const other = await validity() + 1
    await expect(store.mail.messages(inbox, other, [1])).rejects.toMatchObject({ kind: 'stale' })
    await expect(store.mail.setFlags(inbox, other, { uids: [1], add: ['\\Seen'] })).rejects.toMatchObject({ kind: 'stale' })
    await expect(store.mail.move(inbox, other, [1], trash)).rejects.toMatchObject({ kind: 'stale' })
    await expect(store.mail.remove(inbox, other, [1])).rejects.toMatchObject({ kind: 'stale' })
    const [untouched] = await store.mail.messages(inbox, await validity(), [1])
    expect([...untouched!.flags]).toEqual([])
  })

  it('sets flags, tells their MODSEQ, and what is missing', async () => {
    const result = await store.mail.setFlags(inbox, await validity(), { uids: [1, 2, 999], add: ['\\Seen', 'urgent'], remove: ['\\Flagged'] })
    expect(result.missing).toEqual([999])
    expect(result.modified).toEqual([])
    const found = await store.mail.messages(inbox, await validity(), [1, 2])
    expect(found.map(({ flags }) => [...flags].sort())).toEqual([['\\Seen', 'urgent'], ['\\Seen', 'urgent']])
    if (condstore) expect([...result.modseq].sort()).toEqual(found.map(({ uid, modseq }) => [uid, modseq]).sort())
    else expect(result.modseq.size).toBe(0)
  })

  it('sets flags of a message that arrived a moment ago, by somebody else', async () => {
    await store.mail.messages(inbox, await validity(), [1])
    await house.seed('anna', 'INBOX', [letter(31)])
    const client = await house.imapClient('anna')
    const uid = (await client.mailboxOpen('INBOX')).uidNext - 1
    expect((await store.mail.setFlags(inbox, await validity(), { uids: [uid], add: ['\\Seen'] })).missing).toEqual([])
    expect((await store.mail.parts(inbox, await validity(), [{ uid, section: '1' }]))[0]).toBeDefined()
  })

  it.runIf(condstore)('leaves alone what changed after the client looked', async () => {
    const [before] = await store.mail.messages(inbox, await validity(), [5])
    const other = await house.imapClient('anna')
    await other.mailboxOpen('INBOX')
    await other.messageFlagsAdd('5', ['\\Answered'], { uid: true })
    const result = await store.mail.setFlags(inbox, await validity(), { uids: [5, 6], add: ['\\Flagged'], remove: ['\\Answered'], unchangedSince: before!.modseq })
    expect(result.modified).toEqual([5])
    expect((await store.mail.messages(inbox, await validity(), [5]))[0]!.flags).toEqual(new Set(['\\Answered']))
    expect((await store.mail.messages(inbox, await validity(), [6]))[0]!.flags).toEqual(new Set(['\\Flagged']))
  })

  it('moves messages and knows their new UIDs', async () => {
    const moved = await store.mail.move(inbox, await validity(), [10, 11, 998], trash)
    expect(moved.validity).toBe(await validity(trash))
    expect([...moved.uids.keys()].sort()).toEqual([10, 11])
    const found = await store.mail.messages(trash, moved.validity, [...moved.uids.values()])
    const subjects = new Map(found.map(({ uid, header }) => [uid, /Subject: (.*)\r/.exec(Buffer.from(header).toString())![1]]))
    expect([10, 11].map(uid => subjects.get(moved.uids.get(uid)!))).toEqual(['Letter 10', 'Letter 11'])
    const left = await all(inbox)
    if (!without.includes('MOVE') || !without.includes('UIDPLUS')) expect(left.filter(uid => uid === 10 || uid === 11)).toEqual([])
  })

  it('removes for good, and nothing but what it was told to', async () => {
    await store.mail.setFlags(inbox, await validity(), { uids: [20], add: ['\\Deleted'] })
    await store.mail.remove(inbox, await validity(), [21, 22])
    const left = await all(inbox)
    expect(left).toContain(20)
    if (!without.includes('UIDPLUS')) expect(left.filter(uid => uid === 21 || uid === 22)).toEqual([])
    else expect((await store.mail.messages(inbox, await validity(), [21]))[0]!.flags.has('\\Deleted')).toBe(true)
  })

  it('appends a message of any size and finds it by a header field', async () => {
    const big = Buffer.from(letter(77, `X-Token: b/7 "x"\r\n`) + 'x'.repeat(70_000))
    const sent = (await store.mail.folderByRole('sent')).id
    const placed = await store.mail.append(sent, big, ['\\Seen'])
    if (without.includes('UIDPLUS')) expect(placed === undefined || placed.uid > 0).toBe(true)
    else expect(placed).toMatchObject({ validity: await validity(sent), uid: 1 })
    expect(await store.mail.findByHeader(sent, 'X-Token', 'b/7 "x"')).toEqual([1])
    expect(await store.mail.findByHeader(sent, 'X-Token', 'b/7')).toEqual([])
    expect(await store.mail.findByHeader(sent, 'Message-ID', '<77@postern.test>')).toEqual([1])
    const [back] = await store.mail.parts(sent, await validity(sent), [{ uid: 1, section: '' }])
    expect(Buffer.compare(back!, big)).toBe(0)
  })

  it('streams a large part while other requests go on', async () => {
    const body = Array.from({ length: 50_000 }, (_each, n) => `line ${n} of a long text`).join('\r\n')
    const sent = (await store.mail.folderByRole('sent')).id
    await store.mail.append(sent, Buffer.from(letter(78).replace(/\r\n\r\n[^]*$/, `\r\n\r\n${body}`)), [])
    const uid = (await store.mail.findByHeader(sent, 'Message-ID', '<78@postern.test>'))[0]!
    const ref = { folder: sent, validity: await validity(sent), uid }
    const chunks: Uint8Array[] = []
    for await (const chunk of store.mail.stream(ref, '1')) {
      chunks.push(chunk)
      expect(await store.mail.messages(inbox, await validity(), [1])).toHaveLength(1)
    }
    expect(chunks.length).toBeGreaterThan(1)
    expect(Buffer.concat(chunks).toString()).toBe(body)
    const some: Uint8Array[] = []
    for await (const chunk of store.mail.stream(ref, '1', { offset: 5, length: 600_000 })) some.push(chunk)
    expect(Buffer.concat(some).toString()).toBe(body.slice(5, 600_005))
    await expect(async () => { for await (const chunk of store.mail.stream({ ...ref, uid: 9999 }, '1')) void chunk }).rejects.toMatchObject({ kind: 'not-found' })
  })

  it('answers many requests at once, each its own', async () => {
    const mark = await validity()
    const uids = [1, 2, 3, 4, 5, 6, 7, 8]
    const texts = await Promise.all(uids.map(async uid => {
      const [[part], messages] = await Promise.all([
        store.mail.parts(inbox, mark, [{ uid, section: '1', offset: 0, length: 8 + uid }]), store.mail.messages(inbox, mark, [uid]),
        store.mail.parts(uid % 2 ? inbox : trash, uid % 2 ? mark : await validity(trash), [{ uid: 1, section: '1', offset: 0, length: 100 }]),
      ])
      return [Buffer.from(part!).toString(), messages.map(message => message.uid)]
    }))
    expect(texts).toEqual(uids.map(uid => [`This is letter ${uid}.`.slice(0, 8 + uid), [uid]]))
  })

  it.runIf(plain)('tells what vanished as ranges and what changed with the day', async () => {
    const { state } = await store.mailbox.ask(inbox, undefined, [])
    const other = await house.imapClient('anna')
    await other.mailboxOpen('INBOX')
    await other.messageDelete('23:25', { uid: true })
    await other.messageFlagsAdd('26', ['\\Seen'], { uid: true })
    const { answers: [answer], state: now } = await store.mailbox.ask(inbox, state.validity, [
      { kind: 'vanished+flags', uids: '1:4294967295', modseq: state.highestModseq },
    ])
    expect(answer).toMatchObject({ kind: 'vanished+flags', vanished: [{ from: 23, to: 25 }], flags: [{ uid: 26, flags: new Set(['\\Seen']) }] })
    expect(now.highestModseq).toBeGreaterThan(state.highestModseq)
    expect(answer?.kind === 'vanished+flags' && answer.flags[0]!.day).toBe(Math.floor(Date.now() / 86_400_000))
  })

  it('knows the state of a mailbox as it is now, selected or not', async () => {
    await store.mailbox.ask(inbox, undefined, [])
    const before = (await store.mailbox.status([inbox, trash])).get(inbox)!
    await house.seed('anna', 'INBOX', [letter(90)])
    const after = (await store.mailbox.status([inbox, trash])).get(inbox)!
    expect(after.uidNext).toBe(before.uidNext + 1)
    expect(after.messages).toBe(before.messages + 1)
    await house.seed('anna', 'INBOX', [letter(91)])
    expect((await store.mailbox.ask(inbox, undefined, [])).state.uidNext).toBe(before.uidNext + 2)
  })

  it('has no mail in Outbox and takes none', async () => {
    const { id } = await store.mail.folderByRole('outbox')
    const { state, answers } = await store.mailbox.ask(id, undefined, [{ kind: 'search', uids: '1:*' }])
    expect([state.messages, answers]).toEqual([0, [{ kind: 'search', uids: [] }]])
    await expect(store.mail.append(id, Buffer.from(letter(1)), [])).rejects.toMatchObject({ kind: 'denied' })
    await expect(store.mail.move(inbox, await validity(), [1], id)).rejects.toMatchObject({ kind: 'denied' })
  })

  it('says not-found for a folder that is not there', async () => {
    await expect(store.mail.messages('AAAAAAAAAAA' as FolderId, 1, [1])).rejects.toMatchObject({ kind: 'not-found' })
    expect((await store.mailbox.status(['AAAAAAAAAAA' as FolderId])).get('AAAAAAAAAAA' as FolderId)).toBeUndefined()
  })
})
