// Automatic replies and always-moved conversations, set on a phone and done by a real Dovecot as it delivers.
import { createTransport } from 'nodemailer'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ManageSieve } from '../../src/backend/managesieve.ts'
import { child, decode, el, text, type Element, type Node } from '../../src/wire/wbxml.ts'
import { descend, Phone } from '../support/eas-client.ts'
import { search } from '../support/eas-search.ts'
import { NEIGHBOUR } from '../support/exim.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'

let house: House
let postern: Instance
const phones: Phone[] = []
beforeAll(async () => {
  house = await startHouse({ sieve: true })
  postern = await startInstance(house, { sieve: house.sieve })
})
afterEach(() => {
  for (const phone of phones.splice(0)) phone.close()
})
afterAll(async () => {
  await postern?.close()
  await house?.stop()
  expect(postern.bugs()).toBe(0)
})

async function phoneOf(name: string): Promise<Phone> {
  const { login, password } = house.user(name)
  const phone = new Phone({ url: postern.url, user: login, password })
  phones.push(phone)
  await phone.folderSync('0')
  return phone
}

const scriptsOf = (name: string): Promise<ManageSieve> =>
  ManageSieve.open({ ...house.sieve, security: 'none' }, { kind: 'password', user: house.user(name).login, password: 'secret' })

/** Mail as another site would deliver it: with the sender's address in the envelope, where the answer goes. */
async function arrives(to: string, from: string, subject: string, more = ''): Promise<void> {
  const transport = createTransport({ ...house.lmtp, lmtp: true, ignoreTLS: true })
  const raw = `From: ${from}\r\nTo: ${to}@postern.test\r\nSubject: ${subject}\r\nMessage-ID: <${subject.replaceAll(' ', '.')}@x>\r\n${more}\r\nHello.\r\n`
  await transport.sendMail({ envelope: { from, to: [`${to}@postern.test`] }, raw })
}

async function inboxOf(name: string, folder = 'INBOX'): Promise<string[]> {
  const imap = await house.imapClient(name)
  await imap.mailboxOpen(folder)
  const all = await imap.fetchAll('1:*', { source: true }).catch(() => [])
  await imap.logout()
  return all.map(({ source }) => String(source))
}

const subjects = async (name: string, folder?: string): Promise<string[]> =>
  (await inboxOf(name, folder)).map(source => /^Subject: (.*)$/m.exec(source)?.[1]?.trim() ?? '')

const oof = async (phone: Phone, ...nodes: Node[]): Promise<Element> =>
  child(await phone.settings(el('Settings:Oof', nodes)), 'Settings:Oof')!
const set = async (phone: Phone, ...nodes: Node[]): Promise<string | undefined> =>
  text(await oof(phone, el('Settings:Set', nodes)), 'Settings:Status')
const get = async (phone: Phone, type = 'Text'): Promise<unknown[]> =>
  descend(await oof(phone, el('Settings:Get', [el('Settings:BodyType', type)])), 'Settings:Get').children.map(outline)
const outline = ({ tag, text: value, children }: Element): unknown =>
  [tag.slice('Settings:'.length), ...children.length > 0 ? children.map(outline) : value ? [value] : []]

const state = (value: string): Node => el('Settings:OofState', value)
const message = (audience: 'Internal' | 'ExternalKnown' | 'ExternalUnknown', words: string | undefined, type = 'Text'): Node => el('Settings:OofMessage', [
  el(`Settings:AppliesTo${audience}`), el('Settings:Enabled', words === undefined ? '0' : '1'),
  ...(words === undefined ? [] : [el('Settings:ReplyMessage', words), el('Settings:BodyType', type)]),
])
const time = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString()
const between = (from: number, until: number): Node[] => [state('2'), el('Settings:StartTime', time(from)), el('Settings:EndTime', time(until))]

describe('an automatic reply', () => {
  it('reaches who wrote, by audience, once, and the script of the user still runs', async () => {
    const scripts = await scriptsOf('anna')
    await scripts.put('mine', 'require "fileinto"; if header :contains "subject" "news" { fileinto "Trash"; stop; }')
    await scripts.activate('mine')
    const phone = await phoneOf('anna')
    const colleagues = 'I am at the sea.\r\n"Grüße", Anna\r\n.\r\n# postern include "x"'
    expect(await set(phone, state('1'), message('Internal', colleagues), message('ExternalKnown', undefined), message('ExternalUnknown', '<p>We are <b>closed</b>.</p>', 'HTML'))).toBe('1')

    await arrives('anna', 'bob@postern.test', 'Lunch')
    await arrives('anna', 'bob@postern.test', 'Lunch again')
    await arrives('anna', `carol@${NEIGHBOUR}`, 'Offer')
    await arrives('anna', 'dave@postern.test', 'the news')
    await arrives('anna', 'erin@postern.test', 'Junk', 'X-Spam-Flag: YES\r\n')
    await expect.poll(() => subjects('bob')).toHaveLength(1)
    await expect.poll(() => subjects('carol')).toHaveLength(1)
    await expect.poll(() => subjects('dave')).toHaveLength(1)
    const [toBob = ''] = await inboxOf('bob'), [toCarol = ''] = await inboxOf('carol')
    expect(toBob).toMatch(/^Subject: Auto: Lunch\r$/m)
    expect(toBob).toMatch(/^Auto-Submitted: auto-replied/m)
    expect(toBob).toContain(`\r\n\r\n${colleagues}`)
    expect(toCarol).toMatch(/^Content-Type: text\/html; charset=utf-8\r$/m)
    expect(toCarol).toContain('<p>We are <b>closed</b>.</p>')
    expect(toCarol).not.toContain('sea')
    expect([await subjects('anna'), await subjects('anna', 'Trash')]).toEqual([['Lunch', 'Lunch again', 'Offer', 'Junk'], ['the news']])
    expect([await subjects('bob'), await subjects('erin')]).toEqual([['Auto: Lunch'], []])

    // Any process tells it as it was set; switched off, nobody is answered, and the user's script alone is active.
    await postern.restart()
    const other = await phoneOf('anna')
    expect(await get(other)).toEqual([
      ['OofState', '1'],
      ['OofMessage', ['AppliesToInternal'], ['Enabled', '1'], ['ReplyMessage', colleagues], ['BodyType', 'Text']],
      ['OofMessage', ['AppliesToExternalKnown'], ['Enabled', '0']],
      ['OofMessage', ['AppliesToExternalUnknown'], ['Enabled', '1'], ['ReplyMessage', 'We are closed.'], ['BodyType', 'Text']],
    ])
    expect((await get(other, 'HTML'))[3]).toContainEqual(['ReplyMessage', '<p>We are <b>closed</b>.</p>'])
    expect(await set(other, state('0'))).toBe('1')
    expect((await scripts.list()).find(({ active }) => active)?.name).toBe('mine')
    await arrives('anna', 'frank@postern.test', 'Anybody there')
    await arrives('anna', 'frank@postern.test', 'more news')
    await expect.poll(() => subjects('anna', 'Trash')).toContain('more news')
    expect(await subjects('frank')).toEqual([])
    scripts.close()
  })

  it('is sent within its time only', async () => {
    const phone = await phoneOf('grace')
    for (const [from, until, who] of [[-2, -1, 'heidi'], [1, 2, 'ivan'], [-1, 1, 'judy']] as const) {
      expect(await set(phone, ...between(from, until), message('Internal', 'Back soon.'), message('ExternalUnknown', 'Back soon.'))).toBe('1')
      await arrives('grace', `${who}@postern.test`, `to ${who}`)
    }
    await expect.poll(() => subjects('judy')).toEqual(['Auto: to judy'])
    expect([await subjects('heidi'), await subjects('ivan')]).toEqual([[], []])
  })

  it('is a failure the phone hears of while ManageSieve is away', async () => {
    const phone = await phoneOf('karl')
    const scripts = await scriptsOf('karl')
    await scripts.put('webmail', 'require "vacation"; vacation "from webmail";')
    await scripts.activate('webmail')
    scripts.close()
    expect(await set(phone, state('1'), message('Internal', 'away'))).toBe('6')
    const lone = await startInstance(house, { sieve: { host: '127.0.0.1', port: 1 } })
    const { login, password } = house.user('karl')
    const away = new Phone({ url: lone.url, user: login, password })
    phones.push(away)
    await away.folderSync('0')
    expect(await set(away, state('1'))).toBe('4')
    await lone.close()
  })
})

describe('a conversation that is always moved', () => {
  const mail = (subject: string, own: string, ...references: string[]): string => `From: bob@postern.test\r\nTo: lena@postern.test\r\nSubject: ${subject}\r\n` +
    `Message-ID: <${own}>\r\n${references.length ? `References: ${references.map(one => `<${one}>`).join('\r\n ')}\r\n` : ''}\r\nHello.\r\n`

  async function move(phone: Phone, id: Uint8Array, to: string): Promise<string | undefined> {
    const { bytes } = await phone.raw('ItemOperations', el('ItemOperations:ItemOperations', [el('ItemOperations:Move', [
      el('ItemOperations:ConversationId', id), el('ItemOperations:DstFldId', phone.folder(to)),
      el('ItemOperations:Options', [el('ItemOperations:MoveAlways')]),
    ])]))
    return text(descend(decode(bytes), 'ItemOperations:Response').children[0]!, 'ItemOperations:Status')
  }

  it('is filed as it comes, until it is moved back or a person moves it elsewhere', async () => {
    const imap = await house.imapClient('lena')
    await imap.mailboxCreate('Größe & Co')
    await imap.mailboxCreate('Other')
    const scripts = await scriptsOf('lena')
    await scripts.put('mine', 'require "fileinto"; if header :contains "subject" "news" { fileinto "Other"; }')
    await scripts.activate('mine')
    await imap.append('INBOX', mail('start', '1@x'))
    await imap.append('INBOX', mail('Re: start', '2@x', '1@x'))
    const phone = await phoneOf('lena')
    const { hits } = await search(phone, { query: 'subject:start', folders: [phone.folder('Inbox')] })
    const id = hits[0]!.properties.children.find(({ tag }) => tag === 'Email2:ConversationId')!.opaque!
    expect(await move(phone, id, 'Größe & Co')).toBe('1')
    expect(await scripts.get('postern')).toContain('fileinto "Größe & Co";')

    await house.deliver('lena', mail('Re: start of news', '3@x', '1@x', '2@x'))
    await house.deliver('lena', mail('an answer that names only one', '4@x').replace('Subject', 'In-Reply-To: <2@x>\r\nSubject'))
    await house.deliver('lena', mail('other news', '5@x'))
    await house.deliver('lena', mail('something else', '6@x', '7@x'))
    expect(await subjects('lena', 'Größe & Co')).toEqual(['start', 'Re: start', 'Re: start of news', 'an answer that names only one'])
    expect([await subjects('lena', 'Other'), await subjects('lena')]).toEqual([['other news'], ['something else']])

    // A person moves the message that stands for it: the filter follows when the phone next looks at the old place.
    const old = phone.folder('Größe & Co')
    await phone.syncAll(old)
    await imap.mailboxOpen('Größe & Co')
    await imap.messageMove({ keyword: '$MoveAlways' }, 'Other')
    await house.deliver('lena', mail('Re: start', '8@x', '1@x'))
    await postern.restart()
    const again = await phoneOf('lena')
    again.held(old).key = phone.held(old).key
    await again.syncAll(old)
    expect(await subjects('lena', 'Other')).toContain('Re: start')
    await expect.poll(() => scripts.get('postern')).toContain('fileinto "Other";')

    expect(await move(again, id, 'Inbox')).toBe('1')
    expect((await scripts.list()).find(({ active }) => active)?.name).toBe('mine')
    await house.deliver('lena', mail('Re: start, back', '9@x', '1@x'))
    expect(await subjects('lena')).toContain('Re: start, back')
    expect(await move(again, id, 'Other')).toBe('1')
    expect(await scripts.get('postern')).toContain('fileinto "Other";')
    // Whoever deletes it ends the rule.
    await imap.mailboxOpen('Other')
    await imap.messageDelete({ keyword: '$MoveAlways' })
    const inbox = again.folder('Inbox')
    await again.syncAll(inbox)
    await postern.restart()
    const last = await phoneOf('lena')
    last.held(inbox).key = again.held(inbox).key
    await house.deliver('lena', mail('Re: another', '12@x', '11@x'))
    await last.syncAll(inbox)
    await expect.poll(async () => (await scripts.list()).find(({ active }) => active)?.name).toBe('mine')
    scripts.close()
  })
})
