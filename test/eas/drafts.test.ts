import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { child, children, decode, el, encodeSync, text, type Element, type Node } from '../../src/wire/wbxml.ts'
import { printXml } from '../../src/wire/xml.ts'
import type { Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import type { CollectionResult, PhoneCommand } from '../support/eas-sync.ts'
import { golden } from '../support/golden.ts'
import { anyTree } from '../support/wbxml-trees.ts'

let server: EasServer
let phone: Phone
let drafts: string
beforeEach(async () => {
  server = await easServer()
  phone = server.phone()
  await phone.folderSync('0')
  drafts = phone.folder('Drafts')
  await phone.syncAll(drafts, { options })
})
afterEach(() => server.stop())

const options = { bodies: [{ type: 2 }] }
const body = (type: number, data: string | Uint8Array): Node =>
  el('AirSyncBase:Body', [el('AirSyncBase:Type', String(type)), el('AirSyncBase:Data', data)])
const letter = (value = 'Hello', ...more: Node[]): Node[] => [
  el('Email:To', '"Böb, B." <bob@postern.test>'), el('Email:Cc', 'carol@postern.test'), el('Email:Subject', 'Grüße'),
  el('Email:Importance', '2'), body(1, value), ...more,
]
const attach = (...children: Node[]): Node => el('AirSyncBase:Attachments', children)
const file = (clientId: string, content: string, more: Node[] = []): Node => el('AirSyncBase:Add', [
  el('AirSyncBase:ClientId', clientId), el('AirSyncBase:Content', Buffer.from(content)), el('AirSyncBase:DisplayName', `${clientId}.txt`),
  el('AirSyncBase:Method', '1'), ...more,
])
const drop = (reference: string): Node => el('AirSyncBase:Delete', [el('AirSyncBase:FileReference', reference)])

async function say(...commands: PhoneCommand[]): Promise<CollectionResult> {
  const { collections: [one] } = await phone.sync({ collections: [{ id: drafts, commands }] })
  return one!
}
async function write(clientId: string, data: readonly Node[]): Promise<string> {
  const { responses: [added] } = await say({ kind: 'Add', clientId, data })
  expect([added!.kind, added!.clientId, added!.status]).toEqual(['Add', clientId, '1'])
  return added!.id
}
const stored = () => server.account.list('drafts')
const sent = () => server.account.list('sent')
const fields = (message: string, name: string): string[] =>
  message.split('\r\n\r\n')[0]!.replace(/\r\n[ \t]+/g, ' ').split('\r\n').filter(line => line.toLowerCase().startsWith(`${name.toLowerCase()}:`)).map(line => line.slice(name.length + 1).trim())
const held = (): string[] => [...phone.held(drafts).items.keys()]
const item = (id: string): Element => phone.held(drafts).items.get(id)!.data!
const references = (data: Element | undefined): { clientId: string | undefined; reference: string; name: string | undefined }[] => {
  const list = data && child(data, 'AirSyncBase:Attachments')
  return (list ? children(list, 'AirSyncBase:Attachment') : []).map(one => ({
    clientId: text(one, 'AirSyncBase:ClientId'), reference: text(one, 'AirSyncBase:FileReference')!, name: text(one, 'AirSyncBase:DisplayName'),
  }))
}
/** What the phone shows is what is stored: as many drafts, under their own ids. */
function agree(): void {
  expect(held().map(id => parseInt(id.split(':')[2]!, 36)).toSorted()).toEqual(stored().map(({ uid }) => uid).toSorted())
  expect(phone.held(drafts).duplicates).toEqual([])
}

describe('a draft written on a phone', () => {
  it('is stored as a message, and not told again', async () => {
    const id = await write('c1', letter())
    expect(stored()).toHaveLength(1)
    const [{ text: message, flags }] = stored() as [ReturnType<typeof stored>[0]]
    expect(flags.toSorted()).toEqual(['\\Draft', '\\Seen'])
    expect([fields(message, 'To'), fields(message, 'Cc'), fields(message, 'Subject'), fields(message, 'Importance'), fields(message, 'From')]).toEqual([
      ['=?utf-8?B?QsO2YiwgQi4=?= <bob@postern.test>'], ['carol@postern.test'], ['=?utf-8?B?R3LDvMOfZQ==?='], ['high'], ['Anna Test <anna@postern.test>'],
    ])
    expect(message.endsWith('\r\n\r\nHello')).toBe(true)
    const { adds, changes, deletes } = await say()?? { adds: [], changes: [], deletes: [] }
    expect([adds, changes, deletes]).toEqual([[], [], []])
    expect(held()).toEqual([id])
    agree()
  })

  it('is told what its conversation is, and to others that it is a draft', async () => {
    const { responses: [added] } = await say({ kind: 'Add', clientId: 'c1', data: letter() })
    expect(child(added!.data!, 'Email2:ConversationId')?.opaque).toHaveLength(16)
    expect(child(added!.data!, 'Email2:ConversationIndex')?.opaque).toHaveLength(5)
    const other = server.phone({ deviceId: 'OTHER' })
    await other.folderSync('0')
    await other.syncAll(drafts, { options })
    const [one] = [...other.held(drafts).items.values()]
    expect([text(one!.data!, 'Email2:IsDraft'), one!.subject, text(one!.data!, 'Email:Importance')]).toEqual(['1', 'Grüße', '2'])
  })

  it.each([
    ['plain text', 1, 'a\nb', 'text/plain'], ['HTML', 2, '<p>a<p>b', 'multipart/alternative'],
    ['MIME', 4, Buffer.from('To: bob@postern.test\r\nX-Own: kept\r\nContent-Type: text/html\r\n\r\n<p>a'), 'text/html'],
  ] as const)('has a body of %s', async (_, type, data, kind) => {
    await write('c1', [body(type, data as string)])
    const [{ text: message }] = stored() as [ReturnType<typeof stored>[0]]
    expect(fields(message, 'Content-Type')[0]).toContain(kind)
    if (type === 4) expect([fields(message, 'X-Own'), message.endsWith('<p>a')]).toEqual([['kept'], true])
  })

  it('keeps whom somebody has only begun to write to', async () => {
    await write('c1', [el('Email:To', 'Bob'), body(1, 'x')])
    expect(fields(stored()[0]!.text, 'To')).toEqual(['Bob'])
  })

  it('whose answer got lost is stored once, with or without memory', async () => {
    for (const forget of [false, true]) {
      const commands = [{ kind: 'Add', clientId: `c${forget}`, data: letter(String(forget), attach(file('f1', 'one'))) }] as const
      const wish = { collections: [{ id: drafts, commands }] }
      const first = await phone.sync({ ...wish, lose: true })
      if (forget) server.forget()
      const again = await phone.sync(wish)
      expect(again.collections[0]!.responses.map(one => [one.id, references(one.data)])).toEqual(first.collections[0]!.responses.map(one => [one.id, references(one.data)]))
      agree()
    }
    expect(stored()).toHaveLength(2)
  })

  it('of an early key, from a phone that holds nothing yet', async () => {
    const fresh = server.phone({ deviceId: 'FRESH' })
    await fresh.folderSync('0')
    await fresh.sync({ collections: [{ id: drafts }] })
    const { collections: [one] } = await fresh.sync({ collections: [{ id: drafts, commands: [{ kind: 'Add', clientId: 'c', data: letter() }] }] })
    expect(one!.responses[0]).toMatchObject({ status: '1' })
    expect([one!.adds, stored().length]).toEqual([[], 1])
  })

  it.each(['12.1', '14.1'])('is refused in version %s', async version => {
    const old = server.phone({ version })
    await old.folderSync('0')
    await old.syncAll(drafts)
    const { collections: [one] } = await old.sync({ collections: [{ id: drafts, commands: [{ kind: 'Add', clientId: 'c', data: letter() }] }] })
    expect([one!.responses[0]!.status, stored()]).toEqual(['6', []])
  })

  it('is refused in any other folder', async () => {
    const inbox = phone.folder('Inbox')
    await phone.syncAll(inbox)
    const { collections: [one] } = await phone.sync({ collections: [{ id: inbox, commands: [{ kind: 'Add', clientId: 'c', data: letter() }] }] })
    expect(one!.responses[0]!.status).toBe('6')
  })

  it.each<[string, Node[]]>([
    ['an Importance of 7', [el('Email:Importance', '7')]],
    ['a Body of RTF', [body(3, 'x')]],
    ['a file without Content', [attach(el('AirSyncBase:Add', [el('AirSyncBase:ClientId', '1'), el('AirSyncBase:DisplayName', 'a')]))]],
    ['a file of OLE', [attach(file('1', 'x', [el('AirSyncBase:Method', '6')]))].map(() => attach(el('AirSyncBase:Add', [el('AirSyncBase:ClientId', '1'), el('AirSyncBase:DisplayName', 'a'), el('AirSyncBase:Content', 'AAAA'), el('AirSyncBase:Method', '6')])))],
  ])('is refused for %s, the others are stored', async (_, data) => {
    const { responses } = await say({ kind: 'Add', clientId: 'bad', data }, { kind: 'Add', clientId: 'good', data: letter() })
    expect(responses.map(({ clientId, status }) => [clientId, status])).toEqual([['bad', '6'], ['good', '1']])
    agree()
  })

  it('is refused where there is no room', async () => {
    server.account.full = true
    expect((await say({ kind: 'Add', clientId: 'c', data: letter() })).responses[0]!.status).toBe('9')
  })
})

describe('a draft that is changed', () => {
  it('stays one: its old id goes in the same answer in which its new one comes', async () => {
    const id = await write('c1', letter())
    const { responses, deletes, adds } = await say({ kind: 'Change', id, data: [body(2, '<p>New</p>')] })
    expect([responses, deletes, adds.length]).toEqual([[], [id], 1])
    agree()
    expect(phone.held(drafts).items.get(adds[0]!)!.body).toContain('New')
    expect(stored()[0]!.flags.toSorted()).toEqual(['\\Draft', '\\Seen'])
  })

  it('keeps what the phone left out, and what it knows nothing of', async () => {
    const uid = server.account.deliver('drafts', 'From: Anna <anna@postern.test>\r\nTo: bob@postern.test\r\nCc: carol@postern.test\r\nSubject: old\r\nX-Webmail: state=7\r\nMessage-ID: <w@mail>\r\n' +
      'References: <r@x>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nText\r\n--b\r\nContent-Type: application/x-odd; name=o\r\nX-Part: p\r\n\r\nodd\r\n--b--\r\n', { flags: ['\\Draft', '$Own'] })
    await phone.syncAll(drafts)
    await say({ kind: 'Change', id: `${drafts}:1:${uid.toString(36)}`, data: [el('Email:Subject', 'new')] })
    const [{ text: message, flags }] = stored() as [ReturnType<typeof stored>[0]]
    expect(['To', 'Cc', 'Subject', 'X-Webmail', 'Message-ID', 'References'].map(name => fields(message, name))).toEqual(
      [['bob@postern.test'], ['carol@postern.test'], ['new'], ['state=7'], ['<w@mail>'], ['<r@x>']])
    expect(message).toContain('\r\n\r\n--b\r\n\r\nText\r\n--b\r\nContent-Type: application/x-odd; name=o\r\nX-Part: p\r\n\r\nodd\r\n--b--\r\n')
    expect(flags.toSorted()).toEqual(['$Own', '\\Draft'])
    agree()
  })

  it('has nobody left in it whom its writer took out', async () => {
    const id = await write('c1', letter())
    const { adds } = await say({ kind: 'Change', id, data: [el('Email:To', 'dave@postern.test')] })
    expect([fields(stored()[0]!.text, 'To'), fields(stored()[0]!.text, 'Cc')]).toEqual([['dave@postern.test'], []])
    await say({ kind: 'Change', id: adds[0]!, data: [el('Email:To'), el('Email:Importance', '1')] })
    expect(['To', 'Importance', 'Subject'].map(name => fields(stored()[0]!.text, name).length)).toEqual([0, 0, 1])
  })

  it('under an id it had before is the same draft', async () => {
    const id = await write('c1', letter())
    for (const [index, forget] of [false, false, true, true].entries()) {
      await phone.sync({ collections: [{ id: drafts, getChanges: false, commands: [{ kind: 'Change', id, data: [body(1, `text ${index}`)] }] }] })
      if (forget) server.forget()
      expect(stored().map(one => one.text.slice(-6))).toEqual([`text ${index}`])
    }
    await say({ kind: 'Change', id, data: [body(1, 'text 0')] })
    expect(stored().map(one => one.text.slice(-6))).toEqual(['text 0'])
    agree()
    await say({ kind: 'Change', id, flagged: true })
    expect(stored()[0]!.flags).toContain('\\Flagged')
    expect((await say({ kind: 'Fetch', id })).responses[0]).toMatchObject({ kind: 'Fetch', id, status: '1' })
    await say({ kind: 'Delete', id })
    expect(stored()).toEqual([])
    expect(server.account.list('trash')).toHaveLength(1)
  })

  it('whose answer got lost is changed once, with or without memory', async () => {
    let id = await write('c1', letter())
    for (const forget of [false, true]) {
      const wish = { collections: [{ id: drafts, commands: [{ kind: 'Change', id, data: [body(1, String(forget)), attach(file(`f${forget}`, 'x'))] }] as const }] }
      const first = await phone.sync({ ...wish, lose: true })
      if (forget) server.forget()
      const again = await phone.sync(wish)
      const told = (result: typeof first) => result.collections[0]!.responses.map(one => [one.kind, one.id, one.status, references(one.data)])
      expect(told(again)).toEqual(told(first))
      expect(told(again)).toHaveLength(1)
      agree()
      id = held()[0]!
    }
    expect(references(item(id)).map(({ name }) => name)).toEqual(['ffalse.txt', 'ftrue.txt'])
  })

  it('by flags alone keeps its id', async () => {
    const id = await write('c1', letter())
    const { deletes, adds, responses } = await say({ kind: 'Change', id, read: false }) ?? { deletes: [], adds: [], responses: [] }
    expect([deletes, adds, responses, held()]).toEqual([[], [], [], [id]])
    expect(stored()[0]!.flags).toEqual(['\\Draft'])
  })

  it('elsewhere meanwhile is not overwritten', async () => {
    const id = await write('c1', letter())
    server.account.expunge('drafts', stored()[0]!.uid)
    server.account.deliver('drafts', 'Subject: by webmail\r\n\r\nx')
    const { responses, deletes, adds } = await say({ kind: 'Change', id, data: [body(1, 'mine')] })
    expect([responses[0]!.status, deletes, adds.length]).toEqual(['8', [id], 1])
    agree()
  })

  it('by another phone under an id of its own is another draft to it', async () => {
    const id = await write('c1', letter())
    const other = server.phone({ deviceId: 'OTHER' })
    await other.folderSync('0')
    await other.syncAll(drafts, { options })
    await say({ kind: 'Change', id, data: [body(1, 'mine')] })
    const { collections: [one] } = await other.sync({ collections: [{ id: drafts, commands: [{ kind: 'Change', id, data: [body(1, 'theirs')] }] }] })
    expect([one!.responses[0]!.status, one!.deletes, one!.adds.length, stored()[0]!.text.slice(-4)]).toEqual(['8', [id], 1, 'mine'])
  })

  it('while the process ends between storing and removing is one draft when it is said again', async () => {
    const id = await write('c1', letter())
    const wish = { collections: [{ id: drafts, commands: [{ kind: 'Change', id, data: [body(1, 'new')] }] as const }], lose: true }
    const before = server.account.stores.bind(server.account)
    server.account.stores = () => {
      const stores = before()
      const remove = (): Promise<never> => Promise.reject(new Failure('unavailable', 'the end'))
      return { ...stores, mail: new Proxy(stores.mail, { get: (mail, name) => name === 'remove' ? remove : Reflect.get(mail, name) }) }
    }
    expect((await phone.sync(wish)).status).toBe('16')
    expect(stored()).toHaveLength(2)
    server.account.stores = before
    server.forget()
    await phone.sync({ ...wish, lose: false })
    expect(stored().map(one => one.text.slice(-3))).toEqual(['new'])
    agree()
  })
})

describe('files of a draft', () => {
  it('are added and known by their references', async () => {
    const { responses: [added] } = await say({ kind: 'Add', clientId: 'c1', data: letter('x', attach(file('f1', 'one'), file('f2', 'two'), file('f1', 'one'))) })
    expect(references(added!.data).map(({ clientId }) => clientId)).toEqual(['f1', 'f2', 'f1'])
    const fetched = await phone.fetch(references(added!.data).map(({ reference }) => ({ file: reference })))
    expect(fetched.map(({ properties }) => Buffer.from(text(properties!, 'ItemOperations:Data')!, 'base64').toString())).toEqual(['one', 'two', 'one'])
  })

  it('are removed, and no other ones', async () => {
    const id = await write('c1', letter('x', attach(file('f1', 'one'), file('f2', 'two'), file('f3', 'three'))))
    const { adds } = await say({ kind: 'Change', id, data: [el('Email:Subject', 'to be told of them')] })
    const now = references(item(adds[0]!))
    const { responses } = await say({ kind: 'Change', id: adds[0]!, data: [attach(drop(now[0]!.reference), file('f4', 'four'))] })
    expect(references(responses[0]!.data).map(({ clientId }) => clientId)).toEqual(['f4'])
    expect(references(item(held()[0]!)).map(({ name }) => name)).toEqual(['f2.txt', 'f3.txt', 'f4.txt'])
    // References of the version before might name other parts by now.
    const stale = await say({ kind: 'Change', id: held()[0]!, data: [attach(drop(now[1]!.reference))] })
    expect([stale.responses[0]!.status, stored().length]).toEqual(['7', 1])
    expect((await say({ kind: 'Change', id: held()[0]!, data: [attach(drop('nonsense'))] })).responses[0]!.status).toBe('8')
  })

  it('may be pictures of the text, and messages', async () => {
    const inner = 'Subject: inner\r\n\r\ninner'
    await write('c1', [body(2, '<img src="cid:p@x">'), attach(
      el('AirSyncBase:Add', [el('AirSyncBase:ClientId', 'p'), el('AirSyncBase:Content', 'AAAA'), el('AirSyncBase:ContentId', 'p@x'), el('AirSyncBase:ContentType', 'image/png'),
        el('AirSyncBase:DisplayName', 'p.png'), el('AirSyncBase:IsInline', '1'), el('AirSyncBase:Method', '1')]),
      el('AirSyncBase:Add', [el('AirSyncBase:ClientId', 'm'), el('AirSyncBase:Content', Buffer.from(inner)), el('AirSyncBase:DisplayName', 'm.eml'), el('AirSyncBase:Method', '5')]),
    )])
    const other = server.phone({ deviceId: 'OTHER' })
    await other.folderSync('0')
    await other.syncAll(drafts, { options })
    const [one] = [...other.held(drafts).items.values()]
    const list = children(child(one!.data!, 'AirSyncBase:Attachments')!, 'AirSyncBase:Attachment')
    expect(list.map(each => ['DisplayName', 'Method', 'ContentId', 'IsInline'].map(name => text(each, `AirSyncBase:${name}` as 'AirSyncBase:Method')))).toEqual([
      ['p.png', '1', 'p@x', '1'], ['m.eml', '5', undefined, undefined],
    ])
    expect(stored()[0]!.text).toContain(`\r\n\r\n${inner}\r\n--`)
  })
})

describe('a draft that is sent', () => {
  it('goes out once, leaves Drafts, and is in Sent', async () => {
    const id = await write('c1', letter('Hello', el('Email2:Bcc', 'dave@postern.test')))
    const { responses, deletes, adds } = await say({ kind: 'Change', id, data: [body(1, 'Final')], send: true })
    expect([responses, deletes, adds, stored(), held()]).toEqual([[], [id], [], [], []])
    const [submitted] = server.account.submitted
    expect(submitted!.to).toEqual(['bob@postern.test', 'carol@postern.test', 'dave@postern.test'])
    expect(submitted!.message.endsWith('\r\n\r\nFinal')).toBe(true)
    expect([fields(submitted!.message, 'Bcc'), fields(submitted!.message, 'X-Postern-Draft')]).toEqual([[], []])
    expect([sent().length, fields(sent()[0]!.text, 'Bcc'), sent()[0]!.flags]).toEqual([1, ['dave@postern.test'], ['\\Seen']])
  })

  it('may say nothing else, and come under an id it had before', async () => {
    const id = await write('c1', letter())
    await say({ kind: 'Change', id, data: [body(1, 'second')] })
    server.forget()
    await say({ kind: 'Change', id, data: [], send: true })
    expect([server.account.submitted[0]!.message.slice(-6), stored()]).toEqual(['second', []])
  })

  it('may never have been stored', async () => {
    const { responses } = await say({ kind: 'Add', clientId: 'c1', data: letter(), send: true })
    expect(responses.map(({ clientId, status }) => [clientId, status])).toEqual([['c1', '1']])
    expect([server.account.submitted.length, stored(), sent().length]).toEqual([1, [], 1])
  })

  it.each([['a Change', false], ['an Add', true]])('by %s whose answer got lost is sent once, with or without memory', async (_, added) => {
    for (const forget of [false, true]) {
      const command: PhoneCommand = added
        ? { kind: 'Add', clientId: `c${forget}`, data: letter(String(forget)), send: true }
        : { kind: 'Change', id: await write(`c${forget}`, letter()), data: [body(1, String(forget))], send: true }
      const wish = { collections: [{ id: drafts, commands: [command] }] }
      await phone.sync({ ...wish, lose: true })
      if (forget) server.forget()
      const { collections: [again] } = await phone.sync(wish)
      expect(again!.responses.map(({ status }) => status)).toEqual(added ? ['1'] : [])
      agree()
    }
    expect([server.account.submitted.length, sent().length, stored()]).toEqual([2, 2, []])
  })

  it.each<[string, Node[], string]>([
    ['nobody', [body(1, 'x')], '183'],
    ['somebody without an address', [el('Email:To', 'bob@postern.test, Carol'), body(1, 'x')], '183'],
  ])('to %s is kept', async (_, data, status) => {
    const id = await write('c1', data)
    expect((await say({ kind: 'Change', id, data: [], send: true })).responses.map(one => [one.kind, one.id, one.status])).toEqual([['Change', id, status]])
    expect([stored().length, held(), server.account.submitted]).toEqual([1, [id], []])
  })

  it('and refused is kept', async () => {
    const id = await write('c1', letter())
    server.account.rejection = new Failure('denied', 'no')
    expect((await say({ kind: 'Change', id, data: [], send: true })).responses[0]!.status).toBe('120')
    expect([stored().length, held(), sent()]).toEqual([1, [id], []])
  })
})

describe('what is said of drafts, as people can read it', () => {
  /** Keys and times differ each time. */
  const readable = (root: Element): string => printXml(root).replace(/<SyncKey>[\w-]+</g, '<SyncKey>@KEY@<').replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '@TIME@')
    .replace(/(<Conversation\w+ [^>]*>)[^<]*/g, '$1...')
  async function recorded(name: string, command: PhoneCommand): Promise<void> {
    const wish = { collections: [{ id: drafts, commands: [command] }] }
    golden(`eas/drafts/${name}.request.xml`, readable(decode(encodeSync(phone.syncBody(wish)))))
    golden(`eas/drafts/${name}.response.xml`, readable(decode((await phone.sync(wish)).bytes)))
  }
  it('from the first word to the last', async () => {
    await recorded('add', { kind: 'Add', clientId: 'c1', data: letter('Hello', attach(file('f1', 'one'))) })
    await recorded('change', { kind: 'Change', id: held()[0]!, data: [body(2, '<p>Hello</p>'), attach(file('f2', 'two'))] })
    await recorded('send', { kind: 'Change', id: held()[0]!, data: [], send: true })
    await recorded('send-to-nobody', { kind: 'Add', clientId: 'c2', data: [body(1, 'x')], send: true })
    golden('eas/drafts/sent.eml', sent()[0]!.text.replace(/=_[\w-]{24}/g, 'BOUNDARY').replace(/^(Date|Message-ID|X-Postern-Draft): .*$/gm, '$1: ...').replace(/\r\n/g, '\n'))
  })
})

it('a draft of noise is answered, and nothing is thrown', async () => {
  const some = fc.oneof(anyTree, fc.constantFrom<Node>(...letter('x', attach(file('f', 'x')), body(4, Buffer.from('a: b\r\n\r\nc')))))
  await fc.assert(fc.asyncProperty(fc.array(some, { maxLength: 6 }), fc.boolean(), async (data, send) => {
    const [id] = held()
    const commands: PhoneCommand[] = [{ kind: 'Add', clientId: `n${Math.random()}`, data, send }, ...(id ? [{ kind: 'Change' as const, id, data, send }] : [])]
    const result = await phone.sync({ collections: [{ id: drafts, commands }] })
    expect([200]).toContain(result.http)
  }), { numRuns: 60 })
  agree()
})
