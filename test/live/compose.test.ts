// Answers, forwarded messages and drafts, against a real Dovecot and a real Exim.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { child, children, decode, el, text, type Node } from '../../src/wire/wbxml.ts'
import type { DovecotOptions } from '../support/dovecot.ts'
import { descend, Phone, type PhoneOptions } from '../support/eas-client.ts'
import type { PhoneCommand } from '../support/eas-sync.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'

const servers: readonly [name: string, dovecot: DovecotOptions][] = [
  ['all it can do', {}], ['no UIDPLUS', { without: ['UIDPLUS'] }], ['names below INBOX. and no QRESYNC', { layout: 'inbox-prefix', storage: 'maildir', without: ['QRESYNC'] }],
]

describe.each(servers)('with a Dovecot of %s', (name, dovecot) => {
  let house: House
  let postern: Instance
  const phones: Phone[] = []
  const prefix = dovecot.layout === 'inbox-prefix' ? 'INBOX.' : ''
  beforeAll(async () => {
    house = await startHouse({ dovecot })
    postern = await startInstance(house)
  })
  afterAll(async () => {
    for (const phone of phones) phone.close()
    await postern.close()
    await house.stop()
    expect(postern.bugs()).toBe(0)
  })

  async function phoneOf(user: string, options: Partial<PhoneOptions> = {}): Promise<Phone> {
    const { login, password } = house.user(user)
    const phone = new Phone({ url: postern.url, user: login, password, ...options })
    phones.push(phone)
    await phone.folderSync('0')
    return phone
  }

  /** What another client sees that hides what is marked as deleted, as all of them do. */
  async function seen(user: string, folder: string): Promise<{ source: string; flags: string[] }[]> {
    const imap = await house.imapClient(user)
    await imap.mailboxOpen(folder)
    const found: { source: string; flags: string[] }[] = []
    for await (const { source, flags } of imap.fetch('1:*', { source: true, flags: true })) {
      if (!flags!.has('\\Deleted')) found.push({ source: source!.toString('latin1'), flags: [...flags!].filter(flag => flag !== '\\Recent').toSorted() })
    }
    imap.close()
    return found
  }

  async function arrived(user: string, subject: string): Promise<string> {
    for (let tries = 0; tries < 200; tries++) {
      const found = (await seen(user, 'INBOX')).find(({ source }) => source.includes(`Subject: ${subject}\r\n`))
      if (found) return found.source
      await sleep(50)
    }
    throw new Error(`${subject} has not arrived`)
  }

  const letter = (subject: string): string => 'From: Bob <bob@postern.test>\r\nTo: anna@postern.test\r\n' +
    `Subject: ${subject}\r\nMessage-ID: <${subject.replace(/\W/g, '.')}@x>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n` +
    '--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Which size?</p>\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n' +
    'Content-Disposition: attachment; filename=a.pdf\r\n\r\nAAAAAAAA\r\n--b--\r\n'

  it.each(['12.1', '14.1', '16.1'])('%s: an answer and a forwarded message arrive, and the original is marked', async version => {
    const phone = await phoneOf('anna', { version })
    const subject = `original ${version}`
    await house.deliver('anna', letter(subject))
    const inbox = phone.folder('2')
    await phone.syncAll(inbox)
    const { id } = [...phone.held(inbox).items.values()].find(item => item.subject === subject)!
    const own = (about: string): string => `To: carol@postern.test\r\nSubject: ${about} ${version}\r\nContent-Type: text/plain\r\n\r\nMy words.\r\n`
    expect(await phone.smart('SmartReply', id, own('Re'))).toBe('')
    expect(await phone.smart('SmartForward', id, own('Fw'))).toBe('')
    const answer = await arrived('carol', `Re ${version}`), forwarded = await arrived('carol', `Fw ${version}`)
    expect(answer).toContain('My words.\r\n')
    expect(answer).toContain('> Which size?')
    expect(answer).toMatch(new RegExp(`^In-Reply-To: <original.${version}@x>\r$`, 'm'))
    expect(answer).not.toContain('application/pdf')
    expect(forwarded).toContain('Which size?')
    expect(forwarded).toContain('\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\nAAAAAAAA\r\n--')
    const marked = (await seen('anna', 'INBOX')).find(({ source }) => source.includes(`Subject: ${subject}\r\n`))!
    expect(marked.flags).toEqual(['$Forwarded', '\\Answered'])
    expect((await seen('anna', `${prefix}Sent`)).filter(({ source }) => source.includes(` ${version}\r\n`))).toHaveLength(2)
  })

  it('a phone is told what was done to a message and when, by another phone or a desktop', async () => {
    const phone = await phoneOf('grace'), other = await phoneOf('grace', { deviceId: 'OTHER' })
    for (const n of [1, 2]) await house.deliver('grace', letter(`verb ${n}`).replace('To: anna@postern.test', 'To: grace@postern.test, carol@postern.test'))
    const inbox = phone.folder('2')
    for (const one of [phone, other]) await one.syncAll(inbox)
    const id = (n: number): string => [...phone.held(inbox).items.values()].find(({ subject }) => subject === `verb ${n}`)!.id
    expect(await phone.smart('SmartReply', id(1), 'To: bob@postern.test, carol@postern.test\r\nSubject: Re\r\n\r\nYes.\r\n')).toBe('')
    const imap = await house.imapClient('grace')
    await imap.append(`${prefix}Sent`, 'To: bob@postern.test\r\nIn-Reply-To: <verb.2@x>\r\nSubject: Re\r\n\r\nYes.\r\n', ['\\Seen'], new Date('2026-11-01T10:00:00Z'))
    await imap.mailboxOpen('INBOX')
    await imap.messageFlagsAdd('2', ['\\Answered'])
    imap.close()
    expect((await seen('grace', 'INBOX')).map(({ flags }) => flags)).toEqual([['$RepliedAll', '\\Answered'], ['\\Answered']])
    const { bytes } = await other.sync({ collections: [{ id: inbox }] })
    const changes = children(descend(decode(bytes), 'AirSync:Collections', 'AirSync:Collection', 'AirSync:Commands'), 'AirSync:Change')
      .map(one => child(one, 'AirSync:ApplicationData')!)
    expect(changes.map(data => text(data, 'Email2:LastVerbExecuted'))).toEqual(['2', '1'])
    const times = changes.map(data => Date.parse(text(data, 'Email2:LastVerbExecutionTime')!))
    expect(Math.abs(times[0]! - Date.now())).toBeLessThan(600_000)
    expect(times[1]).toBe(Date.UTC(2026, 10, 1, 10))
  })

  it('a large original goes along whole', async () => {
    const phone = await phoneOf('dave')
    const file = 'QUJD'.repeat(19).concat('\r\n').repeat(30_000)
    await house.deliver('dave', letter('large').replace('AAAAAAAA\r\n', file))
    const inbox = phone.folder('2')
    await phone.syncAll(inbox)
    const [id] = phone.held(inbox).items.keys()
    expect(await phone.smart('SmartForward', id!, 'To: erin@postern.test\r\nSubject: large too\r\n\r\nLook.\r\n')).toBe('')
    expect((await seen('dave', `${prefix}Sent`))[0]!.source).toContain(`filename=a.pdf\r\n\r\n${file}\r\n--`.replace('\r\n\r\n--', '\r\n--'))
  })

  const data = (subject: string, words: string, ...more: Node[]): Node[] => [
    el('Email:To', 'Carol <carol@postern.test>'), el('Email:Subject', subject),
    el('AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', words)]), ...more,
  ]
  const file = el('AirSyncBase:Attachments', [el('AirSyncBase:Add', [
    el('AirSyncBase:ClientId', 'f1'), el('AirSyncBase:Content', Buffer.from('file')), el('AirSyncBase:DisplayName', 'Größe.txt'), el('AirSyncBase:Method', '1'),
  ])])

  it('a draft is one draft from the first word to the last, for the phone and for others', async () => {
    const phone = await phoneOf('frank')
    const drafts = phone.folder('3')
    await phone.syncAll(drafts)
    const say = async (command: PhoneCommand) => (await phone.sync({ collections: [{ id: drafts, commands: [command] }] })).collections[0]
    const added = await say({ kind: 'Add', clientId: 'c1', data: data('draft', 'one', file) })
    const { id } = added!.responses[0]!
    expect(added!.responses[0]!.status).toBe('1')
    expect(added!.adds).toEqual([])
    const [first] = await seen('frank', `${prefix}Drafts`)
    expect(first!.flags).toEqual(['\\Draft', '\\Seen'])
    expect(first!.source).toContain('\r\n\r\none\r\n')

    const list = child(added!.responses[0]!.data!, 'AirSyncBase:Attachments')!
    const [fetched] = await phone.fetch([{ file: text(children(list, 'AirSyncBase:Attachment')[0]!, 'AirSyncBase:FileReference')! }])
    expect(Buffer.from(text(fetched!.properties!, 'ItemOperations:Data')!, 'base64').toString()).toBe('file')

    // Changed thrice under the id it had first, by processes that remember nothing.
    for (const words of ['two', 'three', 'four']) {
      await postern.restart()
      const { login, password } = house.user('frank')
      const again = new Phone({ url: postern.url, user: login, password })
      phones.push(again)
      const { collections: [changed] } = await again.sync({ collections: [{
        id: drafts, key: phone.held(drafts).key, getChanges: false, commands: [{ kind: 'Change', id, data: data('draft', words) }],
      }] })
      expect(changed?.responses ?? []).toEqual([])
      const now = await seen('frank', `${prefix}Drafts`)
      expect(now.map(({ source }) => source.includes(`\r\n\r\n${words}\r\n`))).toEqual([true])
      expect(now[0]!.source).toContain('ZmlsZQ==')
    }
    const { login, password } = house.user('frank')
    const last = new Phone({ url: postern.url, user: login, password })
    phones.push(last)
    last.held(drafts).key = phone.held(drafts).key
    last.held(drafts).items.set(id, { id, subject: 'draft', read: true, flagged: false, body: undefined, data: undefined })
    await last.syncAll(drafts)
    const subjects = [...last.held(drafts).items.values()].filter(item => !name.includes('UIDPLUS') || item.body?.includes('four'))
    expect(subjects.map(item => item.body?.trim())).toEqual(['four'])

    const final = subjects[0]!.id
    const { collections: [sent] } = await last.sync({ collections: [{ id: drafts, commands: [{ kind: 'Change', id: final, data: [], send: true }] }] })
    expect([sent!.responses, sent!.deletes.includes(final)]).toEqual([[], true])
    expect(await arrived('carol', 'draft')).toContain('four')
    expect(await seen('frank', `${prefix}Drafts`)).toEqual([])
    const copies = await seen('frank', `${prefix}Sent`)
    expect(copies.map(({ flags }) => flags)).toEqual([['\\Seen']])

    // The answer got lost, and the process knows nothing of it.
    await postern.restart()
    const repeating = new Phone({ url: postern.url, user: login, password })
    phones.push(repeating)
    await repeating.sync({ collections: [{ id: drafts, key: last.held(drafts).key, commands: [{ kind: 'Change', id: final, data: [], send: true }] }] })
    expect(await seen('frank', `${prefix}Sent`)).toHaveLength(1)
  })

  it('a draft of another program keeps what that program wrote', async () => {
    const phone = await phoneOf('grace')
    const drafts = phone.folder('3')
    const imap = await house.imapClient('grace')
    await imap.append(`${prefix}Drafts`, Buffer.from(
      'Subject: by webmail\r\nX-Webmail-State: 7\r\nTo: carol@postern.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n' +
      '--b\r\nContent-Type: text/plain\r\n\r\nold\r\n--b\r\nContent-Type: application/x-odd\r\nX-Odd: 1\r\n\r\nodd\r\n--b--\r\n'), ['\\Draft', '$Label1'])
    await phone.syncAll(drafts, { options: { bodies: [{ type: 1 }] } })
    const [id] = phone.held(drafts).items.keys()
    const { collections: [changed] } = await phone.sync({ collections: [{ id: drafts, commands: [{ kind: 'Change', id: id!, data: [
      el('AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', 'With many Grüße')]),
    ] }] }] })
    expect([changed!.responses, changed!.deletes, changed!.adds.length]).toEqual([[], [id], 1])
    const [now, ...more] = await seen('grace', `${prefix}Drafts`)
    expect(more).toEqual([])
    expect(now!.flags).toEqual(['$Label1', '\\Draft'])
    expect(now!.source).toMatch(/^X-Webmail-State: 7\r$/m)
    expect(now!.source).toContain('Content-Type: application/x-odd\r\nX-Odd: 1\r\n\r\nodd\r\n--')
    expect(now!.source).toContain('With many Gr=C3=BC=C3=9Fe')
  })
})
