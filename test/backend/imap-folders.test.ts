import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeName, encodeName } from '../../src/backend/imap-names.ts'
import type { Folder } from '../../src/model/folder.ts'
import type { DovecotOptions } from '../support/dovecot.ts'
import { startHouse, type House } from '../support/live.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { letter, openStore, type Store } from './imap-store.ts'

const layouts: [string, DovecotOptions][] = [
  ['no prefix and slashes', {}],
  ['INBOX. and dots', { layout: 'inbox-prefix' }],
  ['INBOX. and dots, without LIST-STATUS', { layout: 'inbox-prefix', without: ['LIST-STATUS', 'LIST-EXTENDED', 'SPECIAL-USE'] }],
  ['Maildir', { layout: 'inbox-prefix', storage: 'maildir' }],
]

describe.each(layouts)('folders with %s', (_, dovecot) => {
  let house: House
  let store: Store
  const separator = dovecot.layout === 'inbox-prefix' ? '.' : '/'
  const prefix = dovecot.layout === 'inbox-prefix' ? 'INBOX.' : ''

  beforeAll(async () => {
    house = await startHouse({ users: 8, exim: false, dovecot })
    store = await openStore(house.imap, house.user('anna'))
  })
  afterAll(async () => {
    store?.close()
    await house?.stop()
  })

  /** As paths of names, with what they are for. */
  const shown = (folders: readonly Folder[]): string[] => {
    const byId = new Map(folders.map(folder => [folder.id, folder]))
    const full = (folder: Folder): string => folder.parent === undefined ? folder.name : `${full(byId.get(folder.parent)!)}>${folder.name}`
    return folders.map(folder => `${full(folder)}${folder.role ? ` (${folder.role})` : ''}${folder.selectable ? '' : ' -'}`).sort()
  }
  const standard = ['Drafts (drafts)', 'Inbox (inbox)', 'Junk (junk)', 'Outbox (outbox)', 'Sent (sent)', 'Trash (trash)']

  it('makes the special ones that are missing, once, and subscribes them', async () => {
    expect(shown(await store.mail.folders())).toEqual(standard)
    const again = await openStore(house.imap, house.user('anna'))
    expect(shown(await again.mail.folders())).toEqual(standard)
    const list = await (await house.imapClient('anna')).list()
    expect(list.filter(({ subscribed, path }) => subscribed && path !== 'INBOX').map(({ path }) => path).sort()).toEqual(['Drafts', 'Junk', 'Sent', 'Trash'].map(name => prefix + name))
    again.close()
  })

  it('makes the special ones also where the session ends while it does, as Dovecot ends it where two wait for each other', async () => {
    const proxy = await TcpProxy.start(house.imap)
    let cuts = 0
    proxy.link.rewriteUp = chunk => {
      if (cuts < 2 && /CREATE /.test(chunk.toString('latin1'))) {
        cuts++
        proxy.cut()
      }
      return chunk
    }
    const dave = await openStore(proxy, house.user('dave'))
    expect(shown(await dave.mail.folders())).toEqual(standard)
    expect(cuts).toBe(2)
    dave.close()
    await proxy.close()
  })

  it('are listed once more where the session ends as it is asked for them first', async () => {
    const proxy = await TcpProxy.start(house.imap)
    let cuts = 0
    proxy.link.rewriteUp = chunk => {
      if (cuts < 1 && / LIST /.test(chunk.toString('latin1'))) {
        cuts++
        proxy.cut()
      }
      return chunk
    }
    const erin = await openStore(proxy, house.user('erin'))
    expect(shown(await erin.mail.folders())).toEqual(standard)
    expect(cuts).toBe(1)
    erin.close()
    await proxy.close()
  })

  it('makes, renames, moves and deletes folders of any name, the id staying', async () => {
    const work = await store.mail.createFolder(undefined, 'Ärger & Co „日本語" 🙂')
    const hebrew = await store.mail.createFolder(work.id, 'דואר חדש')
    expect((await store.mail.folder(hebrew.id)).name).toBe('דואר חדש')
    await store.mail.deleteFolder(hebrew.id)
    const inner = await store.mail.createFolder(work.id, 'a&b~c')
    expect(inner).toMatchObject({ parent: work.id, name: 'a&b~c', selectable: true })
    expect(shown(await store.mail.folders())).toEqual([...standard, 'Ärger & Co „日本語" 🙂', 'Ärger & Co „日本語" 🙂>a&b~c'].sort())

    await store.mail.append(inner.id, Buffer.from(letter(1)), [])
    const renamed = await store.mail.updateFolder(work.id, undefined, 'Work')
    expect(renamed).toMatchObject({ id: work.id, name: 'Work' })
    expect((await store.mail.folder(inner.id)).parent).toBe(work.id)
    expect((await store.mailbox.status([inner.id])).get(inner.id)?.messages).toBe(1)

    const moved = await store.mail.updateFolder(inner.id, undefined, 'Top')
    expect(moved).toMatchObject({ id: inner.id, parent: undefined, name: 'Top' })
    await store.mail.updateFolder(inner.id, work.id, 'Top')
    expect(shown(await store.mail.folders())).toEqual([...standard, 'Work', 'Work>Top'].sort())
    const client = await house.imapClient('anna')
    expect((await client.list()).filter(({ subscribed }) => subscribed).map(({ path }) => path)).toContain(`${prefix}Work${separator}Top`)

    await store.mail.deleteFolder(work.id)
    expect(shown(await store.mail.folders())).toEqual(standard)
    await expect(store.mail.folder(inner.id)).rejects.toMatchObject({ kind: 'not-found' })
  })

  it('sees what another client does to folders', async () => {
    const client = await house.imapClient('bob')
    const bob = await openStore(house.imap, house.user('bob'))
    await bob.mail.folders()
    await client.mailboxCreate(`${prefix}One${separator}Two${separator}Three`)
    const before = bob
    const fresh = await openStore(house.imap, house.user('bob'))
    const three = (await fresh.mail.folders()).find(({ name }) => name === 'Three')!
    expect(shown(await fresh.mail.folders()).filter(line => line.startsWith('One>Two>'))).toEqual(['One>Two>Three'])
    await client.mailboxRename(`${prefix}One${separator}Two${separator}Three`, `${prefix}Drei`)
    const later = await openStore(house.imap, house.user('bob'))
    expect((await later.mail.folders()).find(({ id }) => id === three.id)).toMatchObject({ name: 'Drei', parent: undefined })
    for (const each of [before, fresh, later]) each.close()
  })

  it('reads a mailbox that another client gave another name, and its name to a new one', async () => {
    const client = await house.imapClient('bob')
    const bob = await openStore(house.imap, house.user('bob'))
    const work = await bob.mail.createFolder(undefined, 'Swapped')
    const { uid = 0, validity = 0 } = await bob.mail.append(work.id, Buffer.from('Subject: one\r\n\r\none\r\n'), []) ?? {}
    const { next } = await bob.mail.changes(work.id, undefined, { window: 10, since: 0 })
    await client.mailboxRename(`${prefix}Swapped`, `${prefix}Elsewhere`)
    await client.mailboxCreate(`${prefix}Swapped`)
    await client.append(`${prefix}Elsewhere`, 'Subject: two\r\n\r\ntwo\r\n', ['\\Seen'])
    expect((await bob.mail.changes(work.id, { ...next, gaps: [{ from: uid, to: uid }] }, { window: 10, since: 0 })).adds.map(message => message.uid)).toEqual([uid + 1, uid])
    expect((await bob.mail.messages(work.id, validity, [uid, uid + 1])).length).toBe(2)
    expect((await bob.mail.parts(work.id, validity, [{ uid, section: 'TEXT' }])).map(String)).toEqual([String(Buffer.from('one\r\n'))])
    bob.close()
  })

  it('refuses names that cannot be, exist already, or lie within themselves', async () => {
    const a = await store.mail.createFolder(undefined, 'A')
    const b = await store.mail.createFolder(a.id, 'B')
    const sent = await store.mail.folderByRole('sent')
    await expect(store.mail.createFolder(undefined, `x${separator}y`)).rejects.toMatchObject({ kind: 'malformed' })
    await expect(store.mail.createFolder(undefined, ' ')).rejects.toMatchObject({ kind: 'malformed' })
    await expect(store.mail.createFolder(undefined, 'x\r\ny')).rejects.toMatchObject({ kind: 'malformed' })
    await expect(store.mail.createFolder(undefined, 'A')).rejects.toMatchObject({ kind: 'exists' })
    await expect(store.mail.createFolder('AAAAAAAAAAA' as Folder['id'], 'A')).rejects.toMatchObject({ kind: 'not-found' })
    await expect(store.mail.updateFolder(b.id, undefined, 'A')).rejects.toMatchObject({ kind: 'exists' })
    await expect(store.mail.updateFolder(a.id, b.id, 'C')).rejects.toMatchObject({ kind: 'malformed' })
    await expect(store.mail.deleteFolder(sent.id)).rejects.toMatchObject({ kind: 'denied' })
    await expect(store.mail.updateFolder(sent.id, undefined, 'Gone')).rejects.toMatchObject({ kind: 'denied' })
    await expect(store.mail.deleteFolder('AAAAAAAAAAA' as Folder['id'])).rejects.toMatchObject({ kind: 'not-found' })
    await store.mail.deleteFolder(a.id)
  })

  it('deletes a folder it has just looked into, over the same session', async () => {
    const made = await store.mail.createFolder(undefined, 'Seen')
    await store.mail.changes(made.id, undefined, { window: 10, since: 0 })
    const { connects } = store.session
    await store.mail.deleteFolder(made.id)
    await store.mail.folders()
    expect(store.session.connects).toBe(connects)
  })

  it('knows special folders by their names in many languages, and by the configuration', async () => {
    const client = await house.imapClient('carol')
    for (const name of ['Entwürfe', 'Éléments envoyés', 'Papierkorb', 'Спам', 'Archiv', 'Old mail']) await client.mailboxCreate(prefix + name)
    const carol = await openStore(house.imap, house.user('carol'))
    const special = shown(await carol.mail.folders()).filter(line => line.includes('('))
    expect(special).toEqual(['Archiv (archive)', 'Entwürfe (drafts)', 'Inbox (inbox)', 'Outbox (outbox)', 'Papierkorb (trash)', 'Éléments envoyés (sent)', 'Спам (junk)'].sort())
    const configured = await openStore(house.imap, house.user('carol'), { folders: { roles: { trash: `${prefix}Old mail` } } })
    expect(shown(await configured.mail.folders())).toEqual(expect.arrayContaining(['Old mail (trash)', 'Papierkorb']))
    carol.close()
    configured.close()
  })

  it('stands being over quota', async () => {
    const full = await openStore(house.imap, house.user('full'))
    const inbox = await full.mail.folderByRole('inbox')
    await expect(full.mail.append(inbox.id, Buffer.alloc(60_000, 'x\r\n'), [])).rejects.toMatchObject({ kind: 'quota' })
    full.close()
  })
})

describe('folders of a server that marks them', () => {
  it.each([['created', 'Trash'], ['localized', 'Papierkorb']] as const)('takes the marks: %s', async (specialUse, name) => {
    const house = await startHouse({ users: 1, exim: false, dovecot: { specialUse } })
    const store = await openStore(house.imap, house.user('anna'))
    expect((await store.mail.folderByRole('trash')).name).toBe(name)
    expect(await store.mail.folders()).toHaveLength(6)
    store.close()
    await house.stop()
  })
})

// RFC 9051, Modified UTF-7
describe('mailbox names', () => {
  it.each([['Entwürfe', 'Entw&APw-rfe'], ['A&B', 'A&-B'], ['日本語', '&ZeVnLIqe-'], ['עברית', '&BeIF0QXoBdkF6g-'], ['🙂', '&2D3eQg-'], ['plain', 'plain'], ['~peter/mail/台北', '~peter/mail/&U,BTFw-']])(
    '%s is %s', (name, encoded) => {
      expect(encodeName(name)).toBe(encoded)
      expect(decodeName(encoded)).toBe(name)
    })

  it('come back as they were', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), name => {
      const nfc = name.toWellFormed().normalize('NFC')
      expect(decodeName(encodeName(nfc))).toBe(nfc)
      expect(encodeName(nfc)).toMatch(/^[\x20-\x7e]*$/)
    }))
  })

  it('are read whatever they are', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), name => { expect(typeof decodeName(name)).toBe('string') }))
  })
})
