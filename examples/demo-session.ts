import { setTimeout as sleep } from 'node:timers/promises'
import type { ImapFlow } from 'imapflow'
import { parseItemId } from '../src/state/item-id.ts'
import { Phone, descend } from '../test/support/eas-client.ts'
import type { PhoneCommand } from '../test/support/eas-sync.ts'
import type { HeldItem } from '../test/support/eas-view.ts'
import type { House } from '../test/support/live.ts'
import type { Postern } from '../test/support/postern.ts'
import type { User } from '../test/support/users.ts'
import { children, text } from '../src/wire/wbxml.ts'
import { digest, file, inboxSize, letter, outgoing, sendBySmtp } from './demo-mail.ts'
import { check, type Table } from './demo-table.ts'

/** What [MS-ASCMD] Type (FolderSync) says a folder is. */
const folderTypes: Readonly<Record<string, string>> = {
  1: 'own folder', 2: 'Inbox', 3: 'Drafts', 4: 'Deleted Items', 5: 'Sent Items', 6: 'Outbox', 12: 'own mail folder', 19: 'whom Anna writes to',
}

const html = { bodies: [{ type: 2, size: 32 * 1024 }] }

export type Scene = {
  readonly house: House
  readonly postern: Postern
  readonly anna: User
  readonly bob: User
  readonly phone: Phone
  readonly bobs: Phone
  /** Anna's desktop mail program. */
  readonly desktop: ImapFlow
  readonly inbox: string
}

export const phoneOf = ({ host, port }: Postern, user: User, deviceId: string, version = '16.1'): Phone =>
  new Phone({ url: `http://${host}:${port}`, user: user.login, password: user.password, deviceId, version })

/** Signing in, folders, the first sync, a body, a file. */
export async function arrive(scene: Omit<Scene, 'inbox'>, { chapter, step }: Table): Promise<string> {
  const { phone } = scene
  chapter('A phone is set up')
  await step("Anna's phone asks what the server speaks", async () => {
    const { versions, commands } = await phone.optionsRequest()
    check(versions.includes('16.1') && versions.includes('12.1'), `the versions are ${versions.join(', ')}`)
    check(['Sync', 'Ping', 'SendMail'].every(name => commands.includes(name)), `the commands are ${commands.join(', ')}`)
    return [`versions ${versions.join(', ')}`, `${commands.length} commands: ${commands.join(', ')}`]
  })
  await step('It asks for the policy of the house', async () => {
    check(await phone.provision() === false, 'there is a policy where none was configured')
    return 'none is configured, so nothing is asked of it'
  })
  await step('It asks for the folders', async () => {
    const { status } = await phone.folderSync('0')
    check(status === '1', `FolderSync: Status ${status}`)
    const folders = [...phone.folders.values()]
    for (const type of ['2', '3', '4', '5']) check(folders.some(folder => folder.type === type), `there is no ${folderTypes[type]}`)
    const parent = folders.find(folder => folder.name === 'Projects')
    check(folders.some(folder => folder.name === 'Zürich' && folder.parent === parent?.id), 'Zürich is not below Projects')
    return [`${folders.length} folders:`, ...folders.map(({ name, type, parent: id }) => `${id === '0' ? '' : '  '}${name}  (${folderTypes[type] ?? type})`)]
  })
  const inbox = phone.folder('2')
  await firstSync(phone, inbox, step)
  await readMail(phone, inbox, step)
  return inbox
}

async function firstSync(phone: Phone, inbox: string, step: Table['step']): Promise<void> {
  await step('First sync of the inbox, HTML bodies up to 32 KiB', async () => {
    await phone.sync({ collections: [{ id: inbox }] })
    const start = performance.now()
    const windows = await phone.syncAll(inbox, { window: 100, options: html })
    const seconds = (performance.now() - start) / 1000
    const { items, duplicates } = phone.held(inbox)
    check(items.size === inboxSize, `${items.size} items came, the inbox has ${inboxSize}`)
    check(duplicates.length === 0, 'an item came twice')
    check([...items.values()][0]?.subject === letter.subject, 'the newest message is not the first')
    return `${items.size} items in ${windows} windows, newest first; ${Math.round(items.size / seconds)} items/s`
  })
  await step('The same again', async () => {
    const { empty } = await phone.sync({ collections: [{ id: inbox }] })
    check(empty, 'there is an answer where nothing changed')
    return 'nothing changed: an answer of no octets'
  })
}

async function readMail(phone: Phone, inbox: string, step: Table['step']): Promise<void> {
  const item = find(phone, inbox, letter.subject)
  await step('It opens the newest message', async () => {
    const [answer] = await phone.fetch([{ id: item.id, folder: inbox, options: { bodies: [{ type: 1 }] } }])
    const body = text(descend(answer?.properties, 'AirSyncBase:Body'), 'AirSyncBase:Data') ?? ''
    check(body.trim() === letter.text, `the text is ${JSON.stringify(body.slice(0, 200))}`)
    return [`"${item.subject}"`, body.trim()]
  })
  await step('It fetches the file', async () => {
    const [attachment] = children(descend(item.data, 'AirSyncBase:Attachments'), 'AirSyncBase:Attachment')
    const name = attachment && text(attachment, 'AirSyncBase:DisplayName')
    check(name === file.name, `the file is called ${name}`)
    const [answer] = await phone.fetch([{ file: text(attachment!, 'AirSyncBase:FileReference') ?? '' }])
    const octets = Buffer.from(text(answer!.properties!, 'ItemOperations:Data') ?? '', 'base64')
    check(digest(octets) === digest(file.octets), `the file has ${octets.length} octets, and not its own`)
    return `${name}, ${octets.length.toLocaleString('en')} octets, each as it was`
  })
}

/** Sending and receiving, and changes made on either side. */
export async function exchange({ phone, bobs, anna, bob, desktop, inbox }: Scene, { chapter, step }: Table): Promise<void> {
  chapter('Two phones')
  await bobs.folderSync('0')
  const bobsInbox = bobs.folder('2')
  await bobs.syncAll(bobsInbox)
  const subject = 'Mittagessen um zwölf? 🍜'
  await step('Anna writes to Bob, whose phone is waiting', async took => {
    const waiting = bobs.ping([bobsInbox], 600)
    await sleep(500)
    const start = performance.now()
    const refused = await phone.sendMail(outgoing(anna, bob, subject, 'At the usual place?'))
    check(refused === '', `SendMail: Status ${refused}`)
    const { status, folders } = await waiting
    check(status === '2' && folders[0] === bobsInbox, `Ping: Status ${status}`)
    await bobs.syncAll(bobsInbox, { options: html })
    took(performance.now() - start)
    const { data } = find(bobs, bobsInbox, subject)
    check(text(data!, 'Email:From')?.includes(anna.address) === true, 'it is not from Anna')
    return `"${subject}" is in Bob's hand`
  })
  await step('A copy is in Sent, for the desktop too', async () => {
    const sent = phone.folder('5')
    await phone.syncAll(sent)
    find(phone, sent, subject)
    const found = await inMailbox(desktop, () => desktop.search({ header: { subject } }), 'Sent')
    check(Array.isArray(found) && found.length === 1, 'IMAP does not see exactly one copy')
    return 'one, seen by IMAP and by the phone'
  })

  chapter("Anna's phone, and her desktop by IMAP")
  const [, a, b, c, d, e] = [...phone.held(inbox).items.values()]
  await changes({ phone, desktop, inbox }, [a!, b!], step)
  await removals({ phone, desktop, inbox }, [c!, d!, e!], step)
}

type Sides = Pick<Scene, 'phone' | 'desktop' | 'inbox'>

async function changes({ phone, desktop, inbox }: Sides, [a, b]: [HeldItem, HeldItem], step: Table['step']): Promise<void> {
  await step('The phone marks a message as read and flags it', async () => {
    await change(phone, inbox, { kind: 'Change', id: a.id, read: true, flagged: true })
    const flags = await flagsOf(desktop, a)
    check(flags?.has('\\Flagged') === true && flags.has('\\Seen'), `IMAP sees ${[...flags ?? []].join(' ')}`)
    return 'IMAP sees \\Seen \\Flagged'
  })
  await step('The desktop flags another', async () => {
    await inMailbox(desktop, () => desktop.messageFlagsAdd(uid(b), ['\\Flagged'], { uid: true }))
    const { collections } = await phone.sync({ collections: [{ id: inbox }] })
    check(collections[0]?.changes.join() === b.id, 'the phone was not told of this change and no other')
    check(phone.held(inbox).items.get(b.id)?.flagged === true, 'the phone does not show the flag')
    return 'the phone is told of one change: flagged'
  })
}

async function removals({ phone, desktop, inbox }: Sides, [c, d, e]: [HeldItem, HeldItem, HeldItem], step: Table['step']): Promise<void> {
  await step('The phone deletes a message', async () => {
    await change(phone, inbox, { kind: 'Delete', id: c.id })
    check(await flagsOf(desktop, c) === undefined, 'IMAP still sees it in the inbox')
    const trash = phone.folder('4')
    await phone.syncAll(trash)
    find(phone, trash, c.subject)
    return 'IMAP: gone from the inbox, it is in Trash'
  })
  await step('The desktop deletes another', async () => {
    await inMailbox(desktop, () => desktop.messageDelete(uid(d), { uid: true }))
    const { collections } = await phone.sync({ collections: [{ id: inbox }] })
    check(collections[0]?.deletes.join() === d.id, 'the phone was not told of this delete and no other')
    return 'the phone is told of one delete'
  })
  await step('The phone moves one to Projects', async () => {
    const projects = phone.folder('Projects')
    await phone.syncAll(projects)
    const before = phone.held(projects).items.size
    const [moved] = await phone.moveItems([{ id: e.id, from: inbox, to: projects }])
    check(moved?.status === '3' && moved.newId !== undefined, `MoveItems: Status ${moved?.status}`)
    check(await flagsOf(desktop, e) === undefined, 'IMAP still sees it in the inbox')
    check(await flagsOf(desktop, { id: moved.newId }, 'Projects') !== undefined, 'IMAP does not see it in Projects')
    await phone.syncAll(projects)
    await phone.syncAll(inbox)
    const { items, duplicates } = phone.held(projects)
    check(items.size === before + 1 && duplicates.length === 0, 'the phone was given the item again')
    return `there under a new id, ${moved.newId}, and not sent down again`
  })
  await step('The desktop makes a folder', async took => {
    await desktop.mailboxCreate('Häuser & Gärten')
    await sleep(1100) // a list of folders is good for a second
    const start = performance.now()
    const { changes } = await phone.folderSync()
    took(performance.now() - start)
    check(changes.join() === 'Add Häuser & Gärten', `the phone is told: ${changes.join(', ')}`)
    return changes[0]!
  })
}

/** A mail that comes while the phone waits. */
export async function push({ house, phone, anna, bob, inbox }: Scene, { chapter, step }: Table): Promise<void> {
  chapter('Push')
  const subject = 'A mail from outside'
  await step('The phone waits; Bob sends by SMTP', async took => {
    const waiting = phone.ping([inbox], 600).then(answer => ({ ...answer, at: performance.now() }))
    await sleep(700)
    const accepted = await sendBySmtp(house, bob, anna, subject)
    const { status, folders, at } = await waiting
    check(status === '2' && folders[0] === inbox, `Ping: Status ${status}`)
    took(at - accepted)
    return `Ping answers ${Math.max(0, Math.round(at - accepted))} ms after SMTP accepted the mail`
  })
  await step('It syncs', async () => {
    const { collections } = await phone.sync({ collections: [{ id: inbox, options: html }] })
    check(collections[0]?.adds.length === 1, `${collections[0]?.adds.length ?? 0} items came`)
    find(phone, inbox, subject)
    return `"${subject}", and nothing else`
  })
}

// --- small things -----------------------------------------------------------------------------------------------------

const uid = ({ id }: Pick<HeldItem, 'id'>): string => String(parseItemId(id).uid)

export function find(phone: Phone, folder: string, subject: string): HeldItem {
  const found = [...phone.held(folder).items.values()].filter(item => item.subject === subject)
  check(found.length === 1, `the phone shows ${found.length} messages "${subject}"`)
  return found[0]!
}

async function change(phone: Phone, id: string, command: PhoneCommand): Promise<void> {
  const { collections } = await phone.sync({ collections: [{ id, commands: [command], deletesAsMoves: true }] })
  check((collections[0]?.status ?? '1') === '1' && !collections[0]?.responses.length, 'the server refused the change')
}

export async function inMailbox<T>(imap: ImapFlow, work: () => Promise<T>, path = 'INBOX'): Promise<T> {
  const lock = await imap.getMailboxLock(path)
  try {
    return await work()
  } finally {
    lock.release()
  }
}

/** By IMAP; undefined when the message is not there. */
export async function flagsOf(imap: ImapFlow, item: Pick<HeldItem, 'id'>, path?: string): Promise<Set<string> | undefined> {
  const message = await inMailbox(imap, async () => {
    await imap.noop() // what happened since it last looked
    return imap.fetchOne(uid(item), { flags: true }, { uid: true })
  }, path)
  return message ? message.flags : undefined
}
