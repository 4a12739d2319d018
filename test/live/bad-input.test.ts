// What no client should send, against the running server with a real Dovecot behind it.
import http from 'node:http'
import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Log } from '../../src/base/log.ts'
import { child, children, decode, el, encodeSync, text, type Node, type Tag } from '../../src/wire/wbxml.ts'
import { Phone, type HttpAnswer } from '../support/eas-client.ts'
import { findGalNode, galNode, resolveNode } from '../support/eas-directory.ts'
import { mutations, randomBelow } from '../support/fuzz.ts'
import { compare, findNode, searchNode } from '../support/eas-search.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { bobDer } from '../support/memory-directory.ts'

/** Counts instead of keeping: the log of 20,000 requests is no part of what is measured. */
const counts = { request: 0, bug: [] as unknown[] }
const log: Log = {
  debug() {}, info: (_, message) => note(message, {}),
  warn: (facts, message) => note(message, facts), error: (facts, message) => note(message, facts),
}
function note(message: string, facts: object): void {
  if (message === 'request') counts.request++
  if (message === 'bug') counts.bug.push(facts)
}

let house: House
let postern: Instance
let anna: Phone, bob: Phone
let before: unknown
let inbox: string, work: string, bobsInbox: string
const idOf = (phone: Phone, folder: string): string => [...phone.held(folder).items.keys()][0]!

beforeAll(async () => {
  house = await startHouse()
  for (const who of ['anna', 'bob']) {
    for (const folder of ['INBOX', 'Work']) {
      await house.seed(who, folder, Array.from({ length: 20 }, (_, n) => `Subject: ${who} ${folder} ${n}\r\n\r\nA body of ${who}.\r\n`))
    }
  }
  postern = await startInstance(house, { log, settings: { maxRequest: 1024 * 1024, maxHeld: 1024 * 1024 } })
  ;[anna, bob] = [await phoneOf('anna'), await phoneOf('bob')]
  ;[inbox, work, bobsInbox] = [anna.folder('Inbox'), anna.folder('Work'), bob.folder('Inbox')]
  before = await state()
})

afterAll(async () => {
  anna.close()
  bob.close()
  await postern.close()
  await house.stop()
})

async function phoneOf(name: string): Promise<Phone> {
  const { login, password } = house.user(name)
  const phone = new Phone({ url: postern.url, user: login, password, deviceId: `BAD${name}` })
  await phone.folderSync('0')
  for (const folder of ['Inbox', 'Work']) await phone.syncAll(phone.folder(folder))
  return phone
}

/** All that IMAP tells of both mailboxes; a flag, a message, a folder more or less would show. */
async function state(): Promise<unknown> {
  const all: unknown[] = []
  for (const who of ['anna', 'bob']) {
    const imap = await house.imapClient(who)
    for (const { path, flags } of await imap.list()) {
      const items = { messages: true, uidNext: true, uidValidity: true, highestModseq: true, unseen: true }
      if (!flags.has('\\Noselect')) all.push([who, await imap.status(path, items)])
    }
    await imap.logout()
  }
  return all
}

/** The Status a client reads, wherever it stands, or the HTTP status. */
function statusOf({ status, bytes }: HttpAnswer, ...path: Tag[]): string {
  if (status !== 200) return `HTTP ${status}`
  if (bytes.length === 0) return 'empty'
  let at = decode(bytes)
  const own = (): string | undefined => at.children.find(({ tag }) => tag.endsWith(':Status'))?.text
  for (const tag of path) {
    const next = child(at, tag)
    if (!next) return own() ?? 'none'
    at = next
  }
  return own() ?? 'none'
}

const syncNode = (collection: readonly Node[], rest: readonly Node[] = []): Node =>
  el('AirSync:Sync', [el('AirSync:Collections', [el('AirSync:Collection', collection)]), ...rest])
const pingNode = (heartbeat: string, id: string): Node => el('Ping:Ping', [
  el('Ping:HeartbeatInterval', heartbeat), el('Ping:Folders', [el('Ping:Folder', [el('Ping:Id', id), el('Ping:Class', 'Email')])]),
])
const place = (key: string, id: string): Node[] => [el('AirSync:SyncKey', key), el('AirSync:CollectionId', id)]
const key = (phone = anna, folder = inbox): string => phone.held(folder).key
const altered = (good: string): string => `${good.slice(0, 8)}${good[8] === 'A' ? 'B' : 'A'}${good.slice(9)}`
const good = (): Uint8Array => encodeSync(syncNode(place(key(), inbox)))

/** `depth` elements around each other. */
function nested(depth: number): Uint8Array {
  let node = el('AirSync:Sync')
  for (let n = 1; n < depth; n++) node = el('AirSync:Sync', [node])
  return encodeSync(node)
}

describe('the body', () => {
  it.each<[string, () => Uint8Array, Record<string, string>, RegExp]>([
    ['cut off anywhere', () => good().subarray(0, 20), {}, /^102$/],
    ['without its last octet', () => good().subarray(0, -1), {}, /^102$/],
    ['that is no WBXML', () => Buffer.from('<Sync/>'), {}, /^102$/],
    ['of another command', () => encodeSync(el('Ping:Ping')), {}, /^(4|102|103)$/],
    ['of 66 levels', () => nested(66), {}, /^(HTTP 413|102|103)$/],
    ['of 64 levels', () => nested(64), {}, /^(4|13)$/],
    ['of a million elements', () => Buffer.concat([Buffer.from([3, 1, 0x6a, 0, 0x45]), Buffer.alloc(1_000_000, 5), Buffer.from([1])]), {},
      /^(HTTP 413|102|103)$/],
    ['beyond the limit', () => Buffer.alloc(1024 * 1024 + 1), {}, /^HTTP 413$/],
    ['that says it is XML', good, { 'content-type': 'text/xml' }, /^101$/],
    ['that says it is a message', good, { 'content-type': 'message/rfc822' }, /^101$/],
    ['that says it is compressed', good, { 'content-encoding': 'gzip' }, /^102$/],
    ['whose string table is longer than all of it', () => Buffer.from([3, 1, 0x6a, 0x8f, 0xff, 0xff, 0x7f, 0x45, 1]), {}, /^102$/],
  ])('%s gets a status', async (_, body, headers, expected) => {
    expect(statusOf(await anna.raw('Sync', body(), { headers }))).toMatch(expected)
  })
})

describe('a sync key', () => {
  it.each<[string, () => readonly Node[]]>([
    ['that is altered', () => place(altered(key()), inbox)],
    ['cut short', () => place(key().slice(0, -1), inbox)],
    ['of another folder', () => place(key(anna, work), inbox)],
    ['of another user', () => place(key(bob, bobsInbox), inbox)],
    ['of another server', () => place('{0A1B2C3D-0000-4444-8888-99AABBCCDDEE}17', inbox)],
    ['that is a number', () => place('1', inbox)],
  ])('%s is refused and a new start asked for', async (_, collection) => {
    expect(statusOf(await anna.raw('Sync', syncNode(collection())), 'AirSync:Collections', 'AirSync:Collection')).toBe('3')
  })

  it('works still after all of them', async () => {
    expect((await anna.sync({ collections: [{ id: inbox }] })).empty).toBe(true)
  })
})

describe('an id', () => {
  const foreign: [string, () => string][] = [
    ['of another folder', () => idOf(anna, work)],
    ['of another user', () => idOf(bob, bobsInbox)],
    ['of another UIDVALIDITY', () => idOf(anna, inbox).replace(/:[^:]+:/, ':1:')],
    ['of nothing', () => `${inbox}:zzzzzz:zzzzzz`],
    ['with a path in it', () => '../../etc/passwd'],
    ['with a line break', () => `${inbox}\r\nA1 LOGOUT`],
  ]
  it.each(foreign)('%s is neither changed nor deleted nor fetched', async (_, id) => {
    const { collections: [answer] } = await anna.sync({
      collections: [{ id: inbox, deletesAsMoves: false, commands: [
        { kind: 'Change', id: id(), read: true, flagged: true }, { kind: 'Fetch', id: id() }, { kind: 'Delete', id: id() },
      ] }],
    })
    expect(answer?.responses.filter(({ kind }) => kind !== 'Delete').map(({ status }) => status)).toEqual(['8', '8'])
    expect(answer?.responses.some(({ data }) => data)).toBe(false)
  })

  it.each(foreign)('%s is not moved', async (_, id) => {
    const answer = await anna.command('MoveItems', el('Move:MoveItems', [
      el('Move:Move', [el('Move:SrcMsgId', id()), el('Move:SrcFldId', inbox), el('Move:DstFldId', work)]),
    ]))
    expect(text(children(answer!, 'Move:Response')[0] ?? answer!, 'Move:Status')).toBe('1')
  })

  it.each(foreign.filter(([name]) => name !== 'of another folder'))('%s is not handed out', async (_, id) => {
    for (const { status, properties } of await anna.fetch([{ id: id(), folder: inbox }, { file: `${id()}:1` }])) {
      expect(Number(status)).toBeGreaterThan(1)
      expect(properties).toBeUndefined()
    }
  })

  it('of another user\'s folder is of no folder', async () => {
    expect(statusOf(await anna.raw('Sync', syncNode(place('0', bobsInbox))), 'AirSync:Collections', 'AirSync:Collection')).toBe('12')
    expect((await anna.ping([bobsInbox], 60)).status).toBe('7')
    expect((await anna.getItemEstimate([{ id: bobsInbox, key: key(bob, bobsInbox) }]))[0]?.status).toBe('2')
    expect((await anna.editFolder('Delete', { id: bobsInbox })).status).not.toBe('1')
  })
})

describe('a number', () => {
  const collection = ['AirSync:Collections', 'AirSync:Collection'] as const
  it.each([
    ['0', /^(1|empty)$/], ['1', /^(1|empty)$/], ['512', /^(1|empty)$/], ['9999999999', /^(1|empty)$/],
    ['-1', /^4$/], ['1e3', /^4$/], ['abc', /^4$/], ['99999999999999999999999999', /^4$/],
  ])('WindowSize %s', async (value, expected) => {
    const size = el('AirSync:WindowSize', value)
    for (const tree of [syncNode([...place(key(), inbox), size]), syncNode(place(key(), inbox), [size])]) {
      expect(statusOf(await anna.raw('Sync', tree), ...collection)).toMatch(expected)
    }
  })

  it.each(['6', '9', '255', '-1', 'x', '99999999999'])('FilterType %s', async value => {
    const options = el('AirSync:Options', [el('AirSync:FilterType', value)])
    expect(statusOf(await anna.raw('Sync', syncNode([...place(key(), inbox), options])), ...collection)).toBe('4')
  })

  it.each([
    ['0', '14', '5'], ['-5', '4', '4'], ['999999999', '14', '5'], ['x', '4', '4'], ['99999999999999999999', '4', '4'],
  ])('HeartbeatInterval %s', async (value, ofSync, ofPing) => {
    expect(statusOf(await anna.raw('Sync', syncNode(place(key(), inbox), [el('AirSync:HeartbeatInterval', value)])))).toBe(ofSync)
    expect(statusOf(await anna.raw('Ping', pingNode(value, inbox)))).toBe(ofPing)
  })

  it.each(['5-1', 'x-y', '-', '0-99999999999999999999', '-5-3', '1', ''])('Range %s', async range => {
    const [answer] = await anna.fetch([{ file: `${idOf(anna, inbox)}:1`, range }])
    // A Range that is none is refused or left aside; what is handed out is never more than there is.
    const data = answer?.properties && text(answer.properties, 'ItemOperations:Data')
    expect(Buffer.from(data ?? '', 'base64').length).toBeLessThanOrEqual('A body of anna.\r\n'.length)
  })
})

/** Requests over keep-alive connections, their answers' statuses counted. */
class Flood {
  readonly statuses = new Map<number, number>()
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 12 })
  readonly #headers: Record<string, string>

  constructor() {
    const { login, password } = house.user('anna')
    this.#headers = {
      authorization: `Basic ${Buffer.from(`${login}:${password}`).toString('base64')}`, 'ms-asprotocolversion': '16.1',
      'content-type': 'application/vnd.ms-sync.wbxml',
    }
  }

  send(path: string, body: Uint8Array, headers: Record<string, string> = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const options = { method: 'POST', agent: this.#agent, headers: { ...this.#headers, ...headers } }
      const request = http.request(new URL(path, postern.url), options, response => {
        const status = response.statusCode ?? 0
        this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
        response.resume().on('end', resolve).on('error', reject)
      })
      request.on('error', reject).end(body)
    })
  }

  async all(requests: Iterable<() => Promise<void>>): Promise<void> {
    const waiting = requests[Symbol.iterator]()
    await Promise.all(Array.from({ length: 12 }, async () => {
      for (let next = waiting.next(); !next.done; next = waiting.next()) await next.value()
    }))
  }

  close(): void {
    this.#agent.destroy()
  }
}

const path = (command: string): string => `/Microsoft-Server-ActiveSync?Cmd=${command}&User=anna&DeviceId=BADanna&DeviceType=Test`

/** Good requests that change nothing, and requests to change what is not the sender's. */
function samples(): { readonly command: string; readonly body: Uint8Array }[] {
  const foreign = idOf(bob, bobsInbox), own = idOf(anna, inbox)
  const trees: [string, Node][] = [
    ['Sync', syncNode(place(key(), inbox))],
    ['Sync', syncNode([...place(key(), inbox), el('AirSync:WindowSize', '25'), el('AirSync:Options', [
      el('AirSync:FilterType', '0'),
      el('AirSyncBase:BodyPreference', [el('AirSyncBase:Type', '2'), el('AirSyncBase:TruncationSize', '500')]),
    ])])],
    ['Sync', syncNode([...place(key(), inbox), el('AirSync:Commands', [
      el('AirSync:Change', [el('AirSync:ServerId', foreign), el('AirSync:ApplicationData', [el('Email:Read', '1')])]),
      el('AirSync:Delete', [el('AirSync:ServerId', foreign)]), el('AirSync:Fetch', [el('AirSync:ServerId', own)]),
    ])])],
    ['Sync', syncNode(place(altered(key()), inbox), [el('AirSync:HeartbeatInterval', '99999')])],
    ['FolderSync', el('FolderHierarchy:FolderSync', [el('FolderHierarchy:SyncKey', anna.folderKey)])],
    ['FolderSync', el('FolderHierarchy:FolderSync', [el('FolderHierarchy:SyncKey', '0')])],
    ['FolderCreate', el('FolderHierarchy:FolderCreate', [
      el('FolderHierarchy:SyncKey', bob.folderKey), el('FolderHierarchy:ParentId', bobsInbox),
      el('FolderHierarchy:DisplayName', 'x'), el('FolderHierarchy:Type', '12'),
    ])],
    ['FolderDelete', el('FolderHierarchy:FolderDelete', [
      el('FolderHierarchy:SyncKey', bob.folderKey), el('FolderHierarchy:ServerId', bobsInbox),
    ])],
    ['GetItemEstimate', el('GetItemEstimate:GetItemEstimate', [el('GetItemEstimate:Collections', [
      el('GetItemEstimate:Collection', [el('AirSync:SyncKey', key()), el('GetItemEstimate:CollectionId', inbox)]),
    ])])],
    ['MoveItems', el('Move:MoveItems', [
      el('Move:Move', [el('Move:SrcMsgId', foreign), el('Move:SrcFldId', bobsInbox), el('Move:DstFldId', bobsInbox)]),
    ])],
    ['ItemOperations', el('ItemOperations:ItemOperations', [
      el('ItemOperations:Fetch', [el('ItemOperations:Store', 'Mailbox'), el('AirSync:CollectionId', inbox), el('AirSync:ServerId', own)]),
      el('ItemOperations:Fetch', [el('ItemOperations:Store', 'Mailbox'), el('AirSyncBase:FileReference', `${own}:1`)]),
    ])],
    ['Settings', el('Settings:Settings', [el('Settings:UserInformation', [el('Settings:Get')])])],
    ['Ping', pingNode('99999', bobsInbox)],
    ['Provision', el('Provision:Provision', [el('Provision:Policies', [
      el('Provision:Policy', [el('Provision:PolicyType', 'MS-EAS-Provisioning-WBXML')]),
    ])])],
    ['SendMail', el('ComposeMail:SendMail', [
      el('ComposeMail:ClientId', 'x'), el('ComposeMail:Mime', Buffer.from('Subject: to nobody\r\n\r\nx\r\n')),
    ])],
    ['Search', searchNode({
      query: [el('Search:FreeText', 'a AND "b c" -d'), compare('GreaterThan', '2026-01-01T00:00:00.000Z')], folders: [inbox], classes: ['Email'],
      range: '0-9', rebuild: true, deep: true, options: [el('AirSyncBase:BodyPreference', [el('AirSyncBase:Type', '1')])],
    })],
    ['Find', findNode({ query: '(from:bob OR subject:"x y") received:today', folder: inbox, range: '0-9', deep: true })],
    ['Search', galNode({ query: 'anna b', range: '0-9', picture: { size: 100, count: 2 } })],
    ['Find', findGalNode({ query: 'anna b', range: '0-9', picture: {} })],
    ['ResolveRecipients', resolveNode({
      to: ['anna@postern.test', 'Bob'], certificates: 2, mostAmbiguous: 3, availability: { start: '2026-01-01T00:00:00.000Z' }, picture: { size: 9 },
    })],
    ['ValidateCert', el('ValidateCert:ValidateCert', [
      el('ValidateCert:Certificates', [el('ValidateCert:Certificate', bobDer.toString('base64'))]), el('ValidateCert:CheckCRL', '1'),
    ])],
    ['ItemOperations', el('ItemOperations:ItemOperations', [el('ItemOperations:Move', [
      el('ItemOperations:ConversationId', Buffer.alloc(16)), el('ItemOperations:DstFldId', bobsInbox),
      el('ItemOperations:Options', [el('ItemOperations:MoveAlways')]),
    ])])],
  ]
  return trees.map(([command, tree]) => ({ command, body: encodeSync(tree) }))
}

/** Octets in use when nothing is left to collect. */
async function inUse(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  for (let n = 0; n < 3; n++) {
    gc()
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

describe('the server', () => {
  it('survives 20,000 mutated requests, with its memory where it was', async () => {
    const flood = new Flood(), seen = counts.request
    const kinds = samples()
    const below = randomBelow(1)
    const each = (count: number, seed: number) => kinds.flatMap(({ command, body }, n) =>
      [...mutations([body], Math.ceil(count / kinds.length), seed + n)].map(octets => () => flood.send(path(command), octets)))
    function* mixed(count: number, seed: number) {
      const all = each(count, seed)
      for (let left = count; left > 0; left--) yield all.splice(below(all.length), 1)[0]!
    }
    await flood.all(mixed(2000, 1))
    const then = await inUse()
    await flood.all(mixed(18_000, 1000))
    flood.close()
    const statuses = JSON.stringify(Object.fromEntries(flood.statuses))
    console.log(`20,000 mutated requests: ${statuses}, ${((await inUse() - then) / 2 ** 20).toFixed(1)} MiB more in use`)
    expect([...flood.statuses.keys()].filter(status => status >= 500 && status !== 501)).toEqual([])
    expect(counts.request - seen, 'a log line each').toBe(20_000)
    // What the last of them set going may still be under way.
    await expect.poll(async () => await inUse() - then, { timeout: 30_000, interval: 500 }).toBeLessThan(16 * 2 ** 20)
  }, 300_000)

  it('survives 8 MiB of noise, as bodies, as queries and instead of HTTP', async () => {
    const flood = new Flood(), below = randomBelow(7)
    const noise = (length: number): Uint8Array => Uint8Array.from({ length }, () => below(256))
    await flood.all(samples().flatMap(({ command }) => Array.from({ length: 4 }, () => () => flood.send(path(command), noise(112 * 1024)))))
    await flood.all(Array.from({ length: 300 }, () => () =>
      flood.send(`/Microsoft-Server-ActiveSync?${Buffer.from(noise(1 + below(80))).toString('base64')}`, noise(below(200)))))
    flood.close()
    expect([...flood.statuses.keys()].filter(status => status >= 500 && status !== 501 && status !== 505)).toEqual([])
    for (let n = 0; n < 16; n++) {
      await new Promise<void>(resolve => {
        const socket = connect(postern.port, '127.0.0.1').on('error', () => undefined).on('close', () => resolve())
        socket.end(noise(64 * 1024))
        socket.resume()
      })
    }
  }, 120_000)

  it('has met no bug, changed nothing and serves its users', async () => {
    expect(counts.bug).toEqual([])
    expect(postern.bugs()).toBe(0)
    expect(await state()).toEqual(before)
    expect((await anna.sync({ collections: [{ id: inbox }] })).empty).toBe(true)
    await house.deliver('anna', 'Subject: after all\r\n\r\nx\r\n')
    await expect.poll(async () => (await anna.sync({ collections: [{ id: inbox }] })).collections[0]?.adds.length ?? 0).toBe(1)
  })
})
