import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { corpus } from '../support/corpus.ts'
import type { DovecotOptions } from '../support/dovecot.ts'
import type { House } from '../support/live.ts'
import { startHouse } from '../support/live.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { MASTER } from '../support/users.ts'

const message = (subject: string, size = 10) => `Subject: ${subject}\r\n\r\n${'x'.repeat(size)}\r\n`

describe('a house with every server', () => {
  let house: House
  beforeAll(async () => { house = await startHouse({ radicale: true, xandikos: true, exim: { sizeLimit: 100_000 } }) })
  afterAll(() => house.stop())

  const submit = (name: string, from: string, to: string[], text = 'hello') => {
    const { login, password } = house.user(name)
    const smtp = createTransport({ ...house.submission, auth: { user: login, pass: password }, tls: { ca: house.ca } })
    return smtp.sendMail({ from, to, subject: 'hello', text })
  }
  const count = async (client: ImapFlow, folder = 'INBOX') => (await client.status(folder, { messages: true }) || {}).messages

  it('delivers by LMTP what IMAP then shows', async () => {
    await house.deliver('carol', message('one'))
    expect(await count(await house.imapClient('carol'))).toBe(1)
  })

  it('carries a mail from anna through Exim into the INBOX of bob', async () => {
    await submit('anna', house.user('anna').address, [house.user('bob').address])
    const bob = await house.imapClient('bob')
    // STATUS may tell an old number for a while, SELECT does not.
    await expect.poll(async () => (await bob.mailboxOpen('INBOX')).exists).toBe(1)
    expect(await bob.fetchOne('*', { envelope: true })).toMatchObject({ envelope: { subject: 'hello' } })
  })

  it('lets anna send under her alias but not as bob', async () => {
    await expect(submit('anna', house.user('anna').alias, ['dave@postern.test'])).resolves.toMatchObject({ rejected: [] })
    await expect(submit('anna', 'bob@postern.test', ['dave@postern.test'])).rejects.toMatchObject({ responseCode: 550 })
  })

  it('refuses recipients one by one: unknown, elsewhere, not now', async () => {
    const bad = ['nobody@postern.test', 'someone@elsewhere.test', 'tempfail@postern.test']
    const sent = await submit('anna', house.user('anna').address, ['dave@postern.test', ...bad])
    expect(sent.rejected).toEqual(bad)
    expect(sent.rejectedErrors?.map(error => error.responseCode)).toEqual([550, 550, 451])
  })

  it('refuses a message above the size limit', async () => {
    const { address } = house.user('anna')
    await expect(submit('anna', address, [address], 'x\n'.repeat(100_000))).rejects.toMatchObject({ responseCode: 552 })
  })

  it('refuses more than the quota of `full`', async () => {
    await house.deliver('full', message('fits'))
    await expect(house.deliver('full', message('does not', 50_000))).rejects.toMatchObject({ responseCode: 552 })
    await expect(house.seed('full', 'INBOX', [message('neither', 50_000)])).rejects.toThrow('OVERQUOTA')
  })

  it('opens a mailbox to the master user, over TLS', async () => {
    await house.deliver('erin', message('one'))
    const { host, tlsPort } = house.imap
    const auth = { user: `${house.user('erin').login}*${MASTER.name}`, pass: MASTER.password }
    const client = new ImapFlow({ host, port: tlsPort, secure: true, auth, tls: { ca: house.ca }, logger: false })
    await client.connect()
    expect(await count(client)).toBe(1)
    await client.logout()
  })

  it('seeds messages as they are, with flags and dates', async () => {
    const messages = [...corpus({ count: 40 })]
    expect(await house.seed('frank', 'Entwürfe & mehr', messages)).toBe(40)
    const frank = await house.imapClient('frank')
    await frank.mailboxOpen('Entwürfe & mehr')
    const stored = await frank.fetchAll('1:*', { source: true, flags: true, internalDate: true })
    expect(stored.map(({ source }) => source)).toEqual(messages.map(({ raw }) => raw))
    expect(stored.map(({ internalDate }) => internalDate)).toEqual(messages.map(({ date }) => date))
    expect(stored.map(({ flags }) => flags?.has('\\Seen'))).toEqual(messages.map(({ flags }) => flags?.includes('\\Seen')))
  })

  it.each(['radicale', 'xandikos'] as const)('answers a principal search in %s', async name => {
    const { login, password } = house.user('anna')
    const authorization = `Basic ${Buffer.from(`${login}:${password}`).toString('base64')}`
    const body = '<propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>'
    const answer = await fetch(house[name].url, { method: 'PROPFIND', headers: { authorization, depth: '0', 'content-type': 'application/xml' }, body })
    expect(answer.status).toBe(207)
    expect(await answer.text()).toContain('anna')
  })

  it('counts round trips, delays and breaks connections in its proxy', async () => {
    const proxy = await TcpProxy.start(house.imap, { delayUp: 2, delayDown: 2 })
    const { login, password } = house.user('grace')
    const auth = { user: login, pass: password }
    const client = new ImapFlow({ host: proxy.host, port: proxy.port, doSTARTTLS: false, secure: false, auth, logger: false })
    const broken = new Promise(resolve => client.once('close', resolve))
    client.on('error', () => {})
    await client.connect()
    expect(proxy.take()).toMatchObject({ connections: 1 })
    await client.noop()
    await client.noop()
    expect(proxy.take()).toMatchObject({ connections: 0, turns: 2 })
    proxy.cut()
    await broken
    await proxy.close()
  })
})

it('leaves nothing behind when the process that opened a house is killed', async () => {
  const script = `import { startHouse } from './test/support/live.ts'
    const house = await startHouse()
    console.log(JSON.stringify([house.dir, house.imap.port, house.submission.port]))
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data') as [Buffer]
  const [dir, ...ports] = JSON.parse(line.toString()) as [string, number, number]
  expect(existsSync(dir)).toBe(true)
  child.kill('SIGKILL')
  await expect.poll(() => existsSync(dir)).toBe(false)
  // One that is ending may take a connection and reset it afterwards.
  const refuses = (port: number) => new Promise<boolean>(resolve => {
    const socket = connect(port, 'localhost', () => {
      resolve(false)
      socket.destroy()
    })
    socket.on('error', () => resolve(true))
  })
  for (const port of ports) await expect.poll(() => refuses(port)).toBe(true)
})

describe('a Dovecot', () => {
  const houses: House[] = []
  const start = async (dovecot?: DovecotOptions) => {
    const house = await startHouse({ exim: false, ...dovecot && { dovecot } })
    houses.push(house)
    return house
  }
  afterAll(() => Promise.all(houses.map(house => house.stop())))

  it.each([
    ['plain', '/', 'A/B'],
    ['inbox-prefix', '.', 'INBOX.A.B'],
  ] as const)('has the %s layout', async (layout, separator, path) => {
    const house = await start({ layout })
    const anna = await house.imapClient('anna')
    await anna.mailboxCreate(['A', 'B'])
    const box = (await anna.list()).find(({ name }) => name === 'B')
    expect(box).toMatchObject({ path, delimiter: separator })
  })

  it.each([
    ['stock', []],
    ['created', ['\\Drafts', '\\Junk', '\\Sent', '\\Trash']],
    ['localized', ['\\Drafts', '\\Junk', '\\Sent', '\\Trash']],
    ['none', []],
  ] as const)('has special folders as asked: %s', async (specialUse, marks) => {
    const anna = await (await start({ specialUse })).imapClient('anna')
    const boxes = (await anna.list()).filter(({ path }) => path !== 'INBOX')
    expect(boxes.map(box => String(box.specialUse)).sort()).toEqual(marks)
    expect(boxes.some(({ name }) => name === 'Entwürfe')).toBe(specialUse === 'localized')
  })

  it('keeps silent about capabilities it shall not have, and offers all others', async () => {
    const without = ['QRESYNC', 'CONDSTORE', 'MOVE', 'UIDPLUS', 'NOTIFY', 'ESEARCH', 'LITERAL+', 'SPECIAL-USE', 'LIST-STATUS']
    const names = async (house: House) => [...(await house.imapClient('anna')).capabilities.keys()].sort()
    const stock = await names(await start())
    const old = await names(await start({ without }))
    expect(stock).toEqual(expect.arrayContaining(without))
    expect(old).toEqual(stock.filter(name => !without.includes(name)))
  })

  it('stops, starts and pauses on the same port with its mail in place', async () => {
    const house = await start({ storage: 'maildir' })
    await house.deliver('anna', message('one'))
    const before = await house.imapClient('anna')
    const closed = new Promise(resolve => before.once('close', resolve))
    await house.dovecot.stop()
    await closed
    await expect(house.imapClient('anna')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await house.dovecot.start()
    const after = await house.imapClient('anna')
    house.dovecot.pause()
    const answer = after.status('INBOX', { messages: true })
    await expect(Promise.race([answer, new Promise(resolve => setTimeout(resolve, 50, 'silence'))])).resolves.toBe('silence')
    house.dovecot.resume()
    expect(await answer).toMatchObject({ messages: 1 })
  })

  it('pushes news of folders that are not selected', async () => {
    const house = await start()
    const anna = await house.imapClient('anna')
    const heard = new Promise(resolve => { Object.assign(anna, { untaggedHandlers: { STATUS: resolve } }) })
    const exec = (anna as unknown as { exec(command: string, ...rest: unknown[]): Promise<{ next(): void }> }).exec.bind(anna)
    const raw = (value: string) => ({ type: 'ATOM', value })
    const response = await exec('NOTIFY', [raw('SET'), [raw('personal'), [raw('MessageNew'), raw('MessageExpunge')]]])
    response.next()
    await house.seed('anna', 'Elsewhere', [message('one')])
    await heard
  })
})
