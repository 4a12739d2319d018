// The state of a mailbox, asked for by several at once: one question for all who ask before it is on its way, and never an older answer.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { FolderId } from '../../src/model/folder.ts'
import { startHouse, type House } from '../support/live.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { letter, letters, openStore, type Store } from './imap-store.ts'

let house: House, proxy: TcpProxy, store: Store, inbox: FolderId, sent: FolderId
let said: string
const asked = (): number => said.match(/ (STATUS|SELECT) /g)?.length ?? 0

beforeAll(async () => {
  house = await startHouse({ users: 3, exim: false })
  await house.seed('anna', 'INBOX', letters(3))
  proxy = await TcpProxy.start(house.imap, {
    rewriteUp(chunk) {
      said += chunk.toString('latin1')
      return chunk
    },
  })
  store = await openStore(proxy, house.user('anna'))
  inbox = (await store.mail.folderByRole('inbox')).id
  sent = (await store.mail.folderByRole('sent')).id
})
beforeEach(() => { said = '' })
afterAll(async () => {
  store?.close()
  await proxy?.close()
  await house?.stop()
})

describe('the state of a mailbox', () => {
  it('is asked for once by all who ask at the same time', async () => {
    const states = await Promise.all(Array.from({ length: 20 }, () => store.mailbox.stateOf(inbox)))
    expect(asked()).toBe(1)
    for (const state of states) expect(state).toEqual(states[0])
    expect(states[0]).toMatchObject({ messages: 3 })
  })

  it('is that of the mailbox that was asked for', async () => {
    const [one, other] = await Promise.all([store.mailbox.stateOf(inbox), store.mailbox.stateOf(sent), store.mailbox.stateOf(inbox)])
    expect(asked()).toBe(2)
    expect([one.messages, other.messages]).toEqual([3, 0])
  })

  it('is asked for anew by whoever comes when the question is on its way', async () => {
    proxy.link.delayDown = 30
    const first = store.mailbox.stateOf(inbox)
    await sleep(10)
    // The first answer, which is on its way, knows nothing of it.
    await house.deliver('anna', letter(4))
    const [before, after] = await Promise.all([first, store.mailbox.stateOf(inbox)])
    proxy.link.delayDown = 0
    expect(asked()).toBe(2)
    expect([before.messages, after.messages]).toEqual([3, 4])
  })

  it('is what it is after every change that was made before it was asked for', async () => {
    for (let n = 5; n < 15; n++) {
      await store.mail.append(inbox, Buffer.from(letter(n)), [])
      const states = await Promise.all([store.mailbox.stateOf(inbox), store.mailbox.stateOf(inbox)])
      expect(states.map(({ messages }) => messages)).toEqual([n, n])
    }
  })

  it('is told of the mailbox that is selected as well', async () => {
    await store.mailbox.ask(inbox, undefined, [{ kind: 'search', uids: '1:*' }])
    await house.deliver('anna', letter(15))
    const states = await Promise.all([store.mailbox.stateOf(inbox), store.mailbox.stateOf(inbox)])
    expect(states.map(({ messages }) => messages)).toEqual([15, 15])
  })

  it('of one that is not there is not found by any of them, and the next one asks again', async () => {
    const { id } = await store.mail.createFolder(undefined, 'Gone')
    await store.mailbox.stateOf(id)
    const other = await house.imapClient('anna')
    await other.mailboxDelete('Gone')
    const answers = await Promise.allSettled([store.mailbox.stateOf(id), store.mailbox.stateOf(id)])
    for (const answer of answers) expect(answer).toMatchObject({ status: 'rejected', reason: { kind: 'not-found' } })
    await other.mailboxCreate('Gone')
    await expect(store.mailbox.stateOf(inbox)).resolves.toMatchObject({ messages: 15 })
  })

  it('is asked for once more, by all of them, where a connection that was waiting is gone', async () => {
    proxy.cut()
    const states = await Promise.all([store.mailbox.stateOf(inbox), store.mailbox.stateOf(inbox), store.mailbox.stateOf(inbox)])
    expect(states.map(({ messages }) => messages)).toEqual([15, 15, 15])
    expect(asked()).toBeLessThanOrEqual(2)
  })
})

describe('a mailbox that is selected', () => {
  const verbs = (): string[] => [...said.matchAll(/^p\d+ (UID )?(\w+)/gm)].map(([, , verb]) => verb!)

  it('is left when nothing but its state is asked for, and selected again for what is done in it', async () => {
    const { state: { validity } } = await store.mailbox.ask(inbox, undefined, [{ kind: 'search', uids: '1:*' }])
    said = ''
    for (let n = 0; n < 4; n++) await store.mailbox.stateOf(inbox)
    expect(verbs()).toEqual(['SELECT', 'UNSELECT', 'STATUS', 'STATUS', 'STATUS'])
    said = ''
    await store.mail.setFlags(inbox, validity, { uids: [1], add: ['\\Flagged'] })
    expect(verbs()).toEqual(['SELECT', 'STORE', 'FETCH'])
  })

  it('stays selected while things are done in it between two looks', async () => {
    const { validity } = await store.mailbox.stateOf(inbox)
    await store.mail.setFlags(inbox, validity, { uids: [1], add: ['\\Flagged'] })
    for (let n = 0; n < 3; n++) {
      said = ''
      await store.mailbox.stateOf(inbox)
      await store.mail.setFlags(inbox, validity, { uids: [1], add: ['\\Flagged'] })
      expect(verbs()).toEqual(['SELECT', 'STORE', 'FETCH'])
    }
  })

  it('has the state it has, when it was just left', async () => {
    await store.mailbox.ask(inbox, undefined, [{ kind: 'search', uids: '1:*' }])
    for (let n = 16; n < 22; n++) {
      await house.deliver('anna', letter(n))
      await expect(store.mailbox.stateOf(inbox)).resolves.toMatchObject({ messages: n })
    }
  })
})
