import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ImapConnection, type Login } from '../../src/backend/imap-connection.ts'
import { startHouse, type House } from '../support/live.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { MASTER } from '../support/users.ts'
import { letters, openStore } from './imap-store.ts'

let house: House
beforeAll(async () => {
  house = await startHouse({ users: 3, exim: false })
  await house.seed('anna', 'INBOX', letters(200))
})
afterAll(() => house?.stop())

const anna: Login = { kind: 'password', user: 'anna@postern.test', password: 'secret' }
const plain = () => ({ host: house.imap.host, port: house.imap.port, security: 'none' as const })

describe('the part of imapflow beyond its types', () => {
  it('is of the version this was written for', () => {
    expect((createRequire(import.meta.url)('imapflow/package.json') as { version: string }).version).toBe('2.10.2')
  })
})

describe('a connection', () => {
  it.each([
    ['TLS', () => ({ host: 'localhost', port: house.imap.tlsPort, security: 'tls' as const, ca: house.ca })],
    ['STARTTLS', () => ({ host: 'localhost', port: house.imap.port, security: 'starttls' as const, ca: house.ca })],
    ['TLS of a certificate nobody vouches for', () => ({ host: 'localhost', port: house.imap.tlsPort, security: 'tls' as const, rejectUnauthorized: false })],
    ['no encryption', plain],
  ])('logs in over %s', async (_, endpoint) => {
    const connection = await ImapConnection.open(endpoint(), anna)
    await expect(Promise.all(connection.send([{ line: 'NOOP' }]))).resolves.toHaveLength(1)
    connection.close()
  })

  it('does not trust a certificate nobody vouches for', async () => {
    await expect(ImapConnection.open({ host: 'localhost', port: house.imap.tlsPort, security: 'tls' }, anna)).rejects.toMatchObject({ kind: 'unavailable' })
  })

  it.each<[string, Login]>([
    ['an authzid', { kind: 'password', user: MASTER.name, password: MASTER.password, authzid: 'bob' }],
    ['a separator', { kind: 'password', user: `bob*${MASTER.name}`, password: MASTER.password }],
  ])('opens another user’s mailbox as master by %s', async (_, login) => {
    await house.seed('bob', 'Of Bob', letters(1))
    const connection = await ImapConnection.open(plain(), login)
    await expect(Promise.all(connection.send([{ line: 'SELECT "Of Bob"' }]))).resolves.toHaveLength(1)
    connection.close()
  })

  it('writes commands without waiting, and gives each its own answer', async () => {
    const connection = await ImapConnection.open(plain(), anna)
    const seen: string[][] = [[], [], []]
    const answers = await Promise.allSettled(connection.send([
      { line: 'SELECT INBOX', barrier: true, on: ({ name }) => void seen[0]!.push(name) },
      { line: 'UID SEARCH RETURN (ALL) UID 1:3', on: ({ name, values }, tag) => { if (name === 'ESEARCH' && String(values[0]).includes(tag)) seen[1]!.push(String(values.at(-1))) } },
      { line: 'UID FETCH 7 (UID NONSENSE)' },
      { line: 'UID SEARCH RETURN (ALL) UID 5:9', on: ({ name, values }, tag) => { if (name === 'ESEARCH' && String(values[0]).includes(tag)) seen[2]!.push(String(values.at(-1))) } },
    ]))
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    expect(seen[0]).toContain('EXISTS')
    expect(seen.slice(1)).toEqual([['1:3'], ['5:9']])
    connection.close()
  })

  it('carries no line that would be two', async () => {
    const connection = await ImapConnection.open(plain(), anna)
    expect(() => connection.send([{ line: 'NOOP\r\nx DELETE INBOX' }])).toThrow(expect.objectContaining({ kind: 'malformed' }))
    connection.close()
  })
})

describe('round trips over a slow line', () => {
  it('are one for whatever is asked together, and few to connect', async () => {
    const proxy = await TcpProxy.start(house.imap, { delayUp: 5, delayDown: 5 })
    const store = await openStore(proxy, house.user('anna'))
    // Greeting, login, and what is said once a connection.
    expect(proxy.take().turns).toBeLessThanOrEqual(3)
    const { id: inbox } = await store.mail.folderByRole('inbox')
    const { id: sent } = await store.mail.folderByRole('sent')
    proxy.take()

    const { state } = await store.mailbox.ask(inbox, undefined, [
      { kind: 'search', uids: '1:*' }, { kind: 'vanished+flags', uids: '1:100', modseq: 1n }, { kind: 'messages', uids: '1:100' },
    ])
    expect(proxy.take().turns).toBe(1)
    await store.mailbox.status([inbox, sent])
    expect(proxy.take().turns).toBe(1)
    const wishes = Array.from({ length: 100 }, (_, n) => ({ uid: n + 1, section: n % 2 ? '1' : '', offset: 0, length: 10 + n % 3 }))
    expect((await store.mail.parts(inbox, state.validity, wishes)).every(part => part)).toBe(true)
    expect(proxy.take().turns).toBe(1)
    await store.mail.setFlags(inbox, state.validity, { uids: [1, 2, 3], add: ['\\Seen'] })
    expect(proxy.take().turns).toBe(1)
    await store.mail.folders()
    expect(proxy.take().turns).toBeLessThanOrEqual(1)

    // Everybody at once, in different folders: nobody waits for another's answer.
    await Promise.all([inbox, sent, inbox, sent].map(folder => store.mailbox.ask(folder, undefined, [{ kind: 'search', uids: '1:*' }])))
    expect(proxy.take().turns).toBeLessThanOrEqual(2)
    store.close()
    await proxy.close()
  })
})

/** A server that says what it is told to, where a real one would not. */
async function scripted(answer: (line: string, tag: string) => string): Promise<{ server: Server; port: number }> {
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {})
    socket.write('* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN ENABLE CONDSTORE QRESYNC ESEARCH UIDPLUS MOVE LITERAL+] ready\r\n')
    let rest = ''
    socket.on('data', data => {
      const lines = (rest + data.toString('latin1')).split('\r\n')
      rest = lines.pop()!
      for (const line of lines) {
        const [tag = '', ...words] = line.split(' ')
        const said = words.join(' ')
        if (/^(AUTHENTICATE|ENABLE|NAMESPACE)/.test(said)) socket.write(`${said.startsWith('ENABLE') ? '* ENABLED QRESYNC\r\n' : ''}${tag} OK done\r\n`)
        else socket.write(answer(said, tag))
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port }
}

// RFC 7628, and the older form that some servers know only
describe('a token', () => {
  it.each([
    ['OAUTHBEARER', 'n,a=anna@postern.test,\x01host=127.0.0.1\x01port=PORT\x01auth=Bearer t.o-k\x01\x01'],
    ['XOAUTH2', 'user=anna@postern.test\x01auth=Bearer t.o-k\x01\x01'],
  ])('is handed on by %s', async (mechanism, expected) => {
    let said = ''
    const server = createServer(socket => {
      socket.on('error', () => {})
      socket.write(`* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=${mechanism}] ready\r\n`)
      socket.on('data', data => {
        const [tag, verb, ...rest] = data.toString().trim().split(' ')
        if (verb === 'AUTHENTICATE') said = rest.join(' ')
        socket.write(`${tag} OK [CAPABILITY IMAP4rev1 IDLE] done\r\n`)
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const connection = await ImapConnection.open({ host: '127.0.0.1', port, security: 'none' }, { kind: 'bearer', user: 'anna@postern.test', token: 't.o-k' })
    expect(said.split(' ')[0]).toBe(mechanism)
    expect(Buffer.from(said.split(' ')[1]!, 'base64').toString()).toBe(expected.replace('PORT', String(port)))
    connection.close()
    server.close()
  })
})

describe('a hostile server', () => {
  const selected = '* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 4] x\r\n* OK [HIGHESTMODSEQ 9] x\r\n'
  const list = '* LIST () "/" INBOX\r\n* LIST () "/" Drafts\r\n* LIST () "/" Sent\r\n* LIST () "/" Trash\r\n* LIST () "/" Junk\r\n'
  const serve = (fetch: string) => scripted((line, tag) => {
    const body = line.startsWith('LIST') ? list : line.startsWith('SELECT') ? selected : line.startsWith('UID FETCH') ? fetch : ''
    return `${body}${tag} OK done\r\n`
  })

  async function ask(fetch: string, kind: 'vanished+flags' | 'messages') {
    const { server, port } = await serve(fetch)
    const store = await openStore({ host: '127.0.0.1', port }, house.user('anna'))
    try {
      const { id } = await store.mail.folderByRole('inbox')
      const { answers } = await store.mailbox.ask(id, 7, [{ kind, uids: '1:4294967295', modseq: 1n }])
      return answers[0]
    } finally {
      store.close()
      server.close()
    }
  }

  it('cannot make a range longer than its two ends', async () => {
    expect(await ask('* VANISHED (EARLIER) 1:4294967295\r\n', 'vanished+flags')).toMatchObject({ vanished: [{ from: 1, to: 4294967295 }] })
  })

  it('that tells very much at once leaves others their turns', async () => {
    const row = `* 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (9) X-FILL "${'x'.repeat(60)}")\r\n`
    const { server, port } = await scripted((line, tag) => line.startsWith('UID FETCH') ? `${row.repeat(40_000)}${tag} OK done\r\n` : `${tag} OK done\r\n`)
    const connection = await ImapConnection.open({ host: '127.0.0.1', port, security: 'none' }, anna)
    let rows = 0, all = 0, most = 0, over = false
    const turn = (): void => {
      most = Math.max(most, rows)
      rows = 0
      if (!over) setImmediate(turn)
    }
    turn()
    await Promise.all(connection.send([{ line: 'UID FETCH 1:* (FLAGS)', on: () => { rows++; all++ } }]))
    over = true
    expect(all).toBe(40_000)
    expect(most * row.length).toBeLessThan(256 * 1024)
    connection.close()
    server.close()
  })

  it('cannot pass off nonsense for a set', async () => {
    await expect(ask('* VANISHED (EARLIER) 1:2:x\r\n', 'vanished+flags')).rejects.toMatchObject({ kind: 'unavailable' })
  })

  it('sends a structure of any depth or breadth, and gets a message out of it', async () => {
    const row = (structure: string): string =>
      `* 1 FETCH (UID 1 FLAGS () INTERNALDATE " 1-Jan-2026 00:00:00 +0000" RFC822.SIZE 5 MODSEQ (9) BODYSTRUCTURE ${structure} BODY[HEADER.FIELDS (X)]<0> {2}\r\n\r\n)\r\n`
    for (const structure of ['('.repeat(50_000) + ')'.repeat(50_000), `(${'("text" "plain" () NIL NIL "7bit" 1 1)'.repeat(20_000)} "mixed")`, 'NIL', '()', '(NIL NIL)', '"x"']) {
      const answer = await ask(row(structure), 'messages')
      expect(answer?.kind === 'messages' && answer.messages.map(({ uid, structure: { type } }) => [uid, type.includes('/')])).toEqual([[1, true]])
    }
  })

  it('that breaks off within an answer is unavailable, never empty', async () => {
    const { server, port } = await scripted((line, tag) =>
      line.startsWith('LIST') ? `${list}${tag} OK done\r\n` : line.startsWith('SELECT') ? `${selected}${tag} OK done\r\n* BYE enough\r\n` : `${tag} OK done\r\n`)
    const store = await openStore({ host: '127.0.0.1', port }, house.user('anna'))
    const { id } = await store.mail.folderByRole('inbox')
    await expect(store.mailbox.ask(id, 7, [{ kind: 'messages', uids: '1:3' }])).rejects.toMatchObject({ kind: 'unavailable' })
    store.close()
    server.close()
  })
})

describe('outages', () => {
  it.each(['cut', 'stop', 'stall'] as const)('a server that is gone (%s) is unavailable, and used again when it is back', async how => {
    const proxy = await TcpProxy.start(house.imap)
    const store = await openStore(proxy, house.user('anna'), { session: { timeoutSeconds: 1 } })
    const { id: inbox } = await store.mail.folderByRole('inbox')
    const ask = () => store.mailbox.ask(inbox, undefined, [{ kind: 'messages', uids: '1:50' }])
    const { state } = await ask()
    if (how === 'cut') proxy.link.cutAfter = 3000
    if (how === 'stop') await house.dovecot.stop()
    if (how === 'stall') proxy.link.stalled = true
    await expect(ask()).rejects.toMatchObject({ kind: 'unavailable' })
    if (how !== 'cut') await expect(store.mail.setFlags(inbox, state.validity, { uids: [1], add: ['\\Seen'] })).rejects.toMatchObject({ kind: 'unavailable' })
    if (how === 'stop') await house.dovecot.start()
    Object.assign(proxy.link, { cutAfter: Infinity, stalled: false })
    const { answers: [answer] } = await ask()
    expect(answer?.kind === 'messages' && answer.messages).toHaveLength(50)
    store.close()
    await proxy.close()
  })

  it('a connection that went away while nobody used it is not noticed', async () => {
    const proxy = await TcpProxy.start(house.imap)
    const store = await openStore(proxy, house.user('anna'))
    const { id: inbox } = await store.mail.folderByRole('inbox')
    const { state } = await store.mailbox.ask(inbox, undefined, [])
    proxy.cut()
    expect((await store.mailbox.ask(inbox, state.validity, [{ kind: 'messages', uids: '1:2' }])).answers).toMatchObject([{ messages: [{}, {}] }])
    proxy.cut()
    await sleep(50)
    expect((await store.mail.setFlags(inbox, state.validity, { uids: [1], add: ['\\Seen'] })).missing).toEqual([])
    expect(store.session.connects).toBe(3)
    store.close()
    await proxy.close()
  })
})

describe('credentials', () => {
  it('that are wrong are told from a server that is not there', async () => {
    // A house of its own: Dovecot slows down all logins from an address after a wrong one.
    const other = await startHouse({ users: 1, exim: false })
    const wrong: Login = { ...anna, password: 'ä"\\\\{3}' }
    await expect(ImapConnection.open({ ...plain(), port: other.imap.port }, wrong)).rejects.toMatchObject({ kind: 'auth' })
    await other.stop()
    await expect(ImapConnection.open({ ...plain(), port: other.imap.port }, wrong)).rejects.toMatchObject({ kind: 'unavailable' })
  })
})
