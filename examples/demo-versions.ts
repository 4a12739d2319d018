import { setTimeout as sleep } from 'node:timers/promises'
import { find as findMail, search } from '../test/support/eas-search.ts'
import { child, el, text, type Node, type Tag } from '../src/wire/wbxml.ts'
import { descend, type Phone } from '../test/support/eas-client.ts'
import type { PhoneCommand } from '../test/support/eas-sync.ts'
import type { HeldItem } from '../test/support/eas-view.ts'
import { find, flagsOf, inMailbox, phoneOf, type Scene } from './demo-session.ts'
import { invitation, letterOf, outgoing, sentOn } from './demo-mail.ts'
import { check, type Table } from './demo-table.ts'

/** What each of the two phones does with the same mail. */
type Play = Pick<Scene, 'anna' | 'bob' | 'bobs' | 'desktop' | 'house' | 'inbox'> & { readonly phone: Phone; readonly tag: string }

const bodies = { '2.5': { truncation: 9 }, '16.1': { bodies: [{ type: 1 }] } } as const

/** The oldest version and the newest: two phones of Anna's, each with the same kind of mail. */
export async function versions(scene: Scene, table: Table): Promise<void> {
  const { house, anna, postern } = scene
  await house.seed(anna, 'Projects/Garden', [])
  for (const version of ['2.5', '16.1'] as const) {
    const of2005 = version === '2.5'
    const name = of2005 ? 'A phone of 2005, version 2.5' : 'A phone of today, version 16.1'
    table.chapter(name)
    const phone = phoneOf(postern, anna, of2005 ? 'OLDPHONE' : 'NEWPHONE', version)
    const play = { ...scene, phone, tag: of2005 ? 'old' : 'new' }
    await deliver(play)
    await table.step('It gets what has come', async () => {
      await phone.folderSync('0')
      const windows = await phone.syncAll(scene.inbox, { window: 100, options: bodies[version] })
      return `${phone.held(scene.inbox).items.size} items in ${windows} windows`
    })
    await reply(play, table.step)
    await draft(play, table.step)
    await finds(play, table.step)
    await conversation(play, table.step)
    await meeting(play, table.step)
    phone.close()
  }
}

const isNew = ({ tag }: Play): boolean => tag === 'new'
const subjectOf = ({ tag }: Play, what: string): string => `${what} (${tag})`

async function deliver(play: Play): Promise<void> {
  const { house, anna, bob, tag } = play
  const plan = subjectOf(play, 'Garden')
  await house.deliver(anna, letterOf(bob, anna, subjectOf(play, 'Noon?'), 'Shall we meet at noon, in the Café Müller?', `noon-${tag}`))
  await house.deliver(anna, letterOf(bob, anna, plan, 'The beds, the fence, the pond.', `plan-${tag}`))
  for (const n of [1, 2]) await house.deliver(anna, letterOf(bob, anna, `Re: ${plan}`, `Answer ${n}.`, `plan-${tag}-${n}`, `plan-${tag}`))
  await house.deliver(anna, invitation(bob, anna, subjectOf(play, 'Weekly'), tag))
}

/** The phone sends its own words alone; the original is put below them here. */
async function reply(play: Play, step: Table['step']): Promise<void> {
  const { phone, inbox, anna, bob, desktop } = play
  const item = find(phone, inbox, subjectOf(play, 'Noon?'))
  const subject = `Re: ${subjectOf(play, 'Noon?')}`
  await step("It answers Bob's question (SmartReply)", async () => {
    const refused = await phone.smart('SmartReply', item.id, outgoing(anna, bob, subject, 'Yes, at noon.'))
    check(refused === '', `SmartReply: Status ${refused}`)
    const body = await arrived(play, subject)
    check(body.startsWith('Yes, at noon.'), `Bob reads ${JSON.stringify(body.slice(0, 200))}`)
    check(/^> Shall we meet at noon, in the Café Müller\?/m.test(body), 'the original is not below the answer')
    const flags = await flagsOf(desktop, item)
    check(flags?.has('\\Answered') === true, 'IMAP does not see that it was answered')
    return ['the phone sent its own words only; Bob reads:', ...body.trim().split(/\r?\n/).filter(line => line !== '').slice(0, 8), 'and IMAP sees \\Answered']
  })
}

/** What Bob's phone shows of the message, once it is there. */
async function arrived({ bobs }: Play, subject: string): Promise<string> {
  const bobsInbox = bobs.folder('2')
  for (let tries = 0; tries < 100; tries += 1) {
    await bobs.syncAll(bobsInbox, { options: { bodies: [{ type: 1 }] } })
    const found = [...bobs.held(bobsInbox).items.values()].find(item => item.subject === subject)
    if (found) return found.body ?? ''
    await sleep(50)
  }
  return ''
}

const written = (to: string, subject: string, words: string): Node[] => [
  el('Email:To', to), el('Email:Subject', subject),
  el('AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', words)]),
]

async function draft(play: Play, step: Table['step']): Promise<void> {
  const { phone, desktop, bob } = play
  const drafts = phone.folder('3'), subject = subjectOf(play, 'A draft')
  await phone.syncAll(drafts)
  const say = async (command: PhoneCommand) => (await phone.sync({ collections: [{ id: drafts, commands: [command] }] })).collections[0]
  const add = { kind: 'Add', clientId: 'draft-1', data: written(bob.address, subject, 'Dear Bob,') } as const
  if (!isNew(play)) return step('It would put a draft on the server', async () => {
    const status = (await say(add))?.responses[0]?.status
    check(status === '6', `an Add is answered by Status ${status}`)
    return 'refused: drafts go up from version 16.0 on, and stay in the phone before'
  })
  let id = ''
  await step('It writes a draft', async () => {
    const { status, id: given } = (await say(add))?.responses[0] ?? { status: 'none', id: '' }
    check(status === '1', `Status ${status}`)
    id = given
    check(await countOf(desktop, 'Drafts', subject) === 1, 'IMAP does not see one draft')
    return 'the desktop can go on writing it: IMAP sees it in Drafts'
  })
  await step('It finishes the draft and sends it', async () => {
    await say({ kind: 'Change', id, data: written(bob.address, subject, 'Dear Bob, see you soon.'), send: true })
    const body = await arrived(play, subject)
    check(body.trim() === 'Dear Bob, see you soon.', `Bob reads ${JSON.stringify(body.slice(0, 200))}`)
    check(await countOf(desktop, 'Drafts', subject) === 0, 'it is still in Drafts')
    check(await countOf(desktop, 'Sent', subject) === 1, 'there is not one copy in Sent')
    return 'Bob has it; gone from Drafts, one copy in Sent'
  })
}

async function countOf(imap: Scene['desktop'], path: string, subject: string): Promise<number> {
  const found = await inMailbox(imap, async () => {
    await imap.noop()
    return imap.search({ header: { subject } })
  }, path)
  return found === false ? 0 : found?.length ?? 0
}

async function finds(play: Play, step: Table['step']): Promise<void> {
  const { phone } = play
  const query = `subject:"${subjectOf(play, 'Garden')}"`
  if (!isNew(play)) return step('It would search for mail', async () => {
    const refused = await search(phone, { query }).then(({ store }) => store !== '1', () => true)
    check(refused, 'version 2.5 was answered as if it had a search of mail')
    return 'version 2.5 has no search of mail, only of addresses'
  })
  await step('It searches (Search)', async () => {
    const { store, total, subjects } = await search(phone, { query })
    check(store === '1' && subjects.length === 3, `Status ${store}, ${subjects.length} of ${total} found`)
    return [`${query}: ${subjects.length} found, newest first`, ...subjects]
  })
  await step('It searches the new way (Find)', async () => {
    const { response, subjects, hits } = await findMail(phone, { query: 'pond', folder: play.inbox })
    const preview = hits[0] ? text(hits[0].properties, 'Find:Preview') ?? '' : ''
    check(response === '1' && subjects[0] === subjectOf(play, 'Garden'), `Status ${response}, found ${subjects.join(', ')}`)
    return [`pond: ${subjects.length} found, with a preview:`, preview.trim()]
  })
}

async function conversation(play: Play, step: Table['step']): Promise<void> {
  const { phone, desktop, inbox } = play
  const garden = phone.folder('Garden'), plan = subjectOf(play, 'Garden')
  const messages = [...phone.held(inbox).items.values()].filter(({ subject }) => subject.endsWith(plan))
  check(messages.length === 3, `the phone shows ${messages.length} messages of the conversation`)
  await step(isNew(play) ? 'It moves a conversation to Garden, for good' : 'It moves a conversation to Garden, message by message', async () => {
    if (isNew(play)) await moveConversation(phone, messages[0]!, garden)
    else {
      const moved = await phone.moveItems(messages.map(({ id }) => ({ id, from: inbox, to: garden })))
      check(moved.every(({ status }) => status === '3'), `MoveItems: Status ${moved.map(({ status }) => status).join(', ')}`)
    }
    check(await countOf(desktop, 'Projects/Garden', plan) === 3, 'IMAP does not see the three in Garden')
    check(await countOf(desktop, 'INBOX', plan) === 0, 'IMAP still sees some in the inbox')
    await phone.syncAll(inbox)
    check(![...phone.held(inbox).items.values()].some(({ subject }) => subject.endsWith(plan)), 'the phone still shows some in the inbox')
    return isNew(play) ? 'one request; IMAP sees all three in Projects/Garden' : 'version 2.5 knows no conversations; IMAP sees all three there'
  })
}

async function moveConversation(phone: Phone, item: HeldItem, to: string): Promise<void> {
  const id = child(item.data!, 'Email2:ConversationId')?.opaque
  check(id !== undefined, 'the item tells no conversation')
  const answer = await phone.command('ItemOperations', el('ItemOperations:ItemOperations', [el('ItemOperations:Move', [
    el('ItemOperations:ConversationId', id), el('ItemOperations:DstFldId', to), el('ItemOperations:Options', [el('ItemOperations:MoveAlways')]),
  ])]))
  const status = text(descend(answer, 'ItemOperations:Response', 'ItemOperations:Move'), 'ItemOperations:Status')
  check(status === '1', `ItemOperations: Status ${status}`)
}

async function meeting(play: Play, step: Table['step']): Promise<void> {
  const { phone, inbox, bob } = play
  await step('It shows an invitation', async () => {
    const { data } = find(phone, inbox, subjectOf(play, 'Weekly'))
    const kind = text(data!, 'Email:MessageClass')
    check(kind === 'IPM.Schedule.Meeting.Request', `it is shown as ${kind}`)
    const request = descend(data, 'Email:MeetingRequest')
    const said = (tag: Tag): string | undefined => text(request, tag)
    const place = isNew(play) ? text(descend(request, 'AirSyncBase:Location'), 'AirSyncBase:DisplayName') : said('Email:Location')
    const weekly = descend(request, 'Email:Recurrences', 'Email:Recurrence')
    check(said('Email:Organizer')?.includes(bob.address) === true && place === 'Café Müller', `by ${said('Email:Organizer')} in ${place}`)
    check(said('Email:StartTime') === sentOn.meeting, `it begins at ${said('Email:StartTime')}`)
    check(text(weekly, 'Email:Type') === '1' && text(weekly, 'Email:DayOfWeek') === '2', 'it is not each Monday')
    return [`a meeting of ${said('Email:Organizer')}`, `${said('Email:StartTime')}, in ${place}`, 'each Monday, in the time of Berlin']
  })
}
