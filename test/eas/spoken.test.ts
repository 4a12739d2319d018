// Every element of the commands for mail, people and automatic replies, as far as each version has it, in requests that are carried out; and what is answered to them.
// test/golden/eas/spoken/ is the vocabulary of each version: test/conformance refers to it.
import { expect, it } from 'vitest'
import { since, versions, type Version } from '../../src/eas/versions.ts'
import { inOffice } from '../../src/model/out-of-office.ts'
import { decode, el, text, type Node, type Tag } from '../../src/wire/wbxml.ts'
import { descend } from '../support/eas-client.ts'
import { findGal, resolve, searchGal } from '../support/eas-directory.ts'
import { easServer } from '../support/eas-server.ts'
import { isOld } from '../support/eas-sync.ts'
import { golden } from '../support/golden.ts'
import { bobDer, builders } from '../support/memory-directory.ts'
import { recorder } from '../support/record.ts'
import { overhear, printSpoken } from '../support/spoken.ts'
import { statuses, Talk } from '../support/talk.ts'

const day = 86_400_000
const withFile = (subject: string): string => [
  'From: Bob <bob@postern.test>', 'To: anna@postern.test', 'Cc: "C, D" <c@postern.test>', 'Bcc: e@postern.test', `Subject: ${subject}`,
  'Message-ID: <1@bob>', 'Content-Type: multipart/mixed; boundary=b', '',
  '--b', 'Content-Type: text/html; charset=utf-8', '', `<p>${'Hello '.repeat(50)}</p>`,
  '--b', 'Content-Type: text/plain; name=a.txt', 'Content-Disposition: attachment', '', 'A file.', '--b--', '',
].join('\n')
const own = Buffer.from('From: Anna <anna@postern.test>\r\nTo: bob@postern.test\r\nSubject: hi\r\n\r\nHello\r\n')

const empty = (tag: Tag): Node => el(tag)
const preference = (type: string): Node => el('AirSyncBase:BodyPreference', [
  el('AirSyncBase:Type', type), el('AirSyncBase:TruncationSize', '100'), el('AirSyncBase:AllOrNone', '0'),
])

async function folders(talk: Talk): Promise<void> {
  const { phone, server: { account } } = talk
  await phone.folderSync('0')
  ;[talk.inbox, talk.trash] = [phone.folder('Inbox'), phone.folder('Trash')]
  const made = await phone.editFolder('Create', { name: 'Mine' })
  const renamed = await phone.editFolder('Update', { id: made.id, name: 'Ours' })
  const gone = await phone.editFolder('Delete', { id: made.id })
  expect([made.status, renamed.status, gone.status]).toEqual(['1', '1', '1'])
  const [one, other] = [account.addFolder('One'), account.addFolder('Other')]
  await phone.folderSync()
  account.renameFolder(one, 'Renamed')
  account.removeFolder(other)
  account.addFolder('Third')
  expect((await phone.folderSync()).changes).toEqual(['Add Third', 'Update Renamed', 'Delete Other'])
  expect((await phone.folderSync('nonsense')).status).toBe('9')
}

async function items(talk: Talk): Promise<void> {
  const { phone, server: { account }, inbox } = talk
  for (let n = 1; n <= 3; n++) account.deliver('inbox', withFile(`mail ${n}`), { received: new Date(Date.now() - 2 * n * day) })
  await talk.sync([el('AirSync:Supported')])
  const options = (filter: string): Node => el('AirSync:Options', [
    el('AirSync:FilterType', filter), ...talk.from('14.0', el('AirSync:Class', 'Email')), ...talk.from('12.0', preference('2')),
    ...(talk.version === '2.5' ? [el('AirSync:Truncation', '1')] : []),
    ...talk.from('14.1', el('AirSyncBase:BodyPartPreference', [el('AirSyncBase:Type', '2'), el('AirSyncBase:TruncationSize', '10')])),
    el('AirSync:Conflict', '1'), el('AirSync:MIMESupport', '0'), el('AirSync:MIMETruncation', '2'),
  ])
  const conversations = talk.from('14.0', el('AirSync:ConversationMode', '0'))
  await talk.sync([
    el('AirSync:DeletesAsMoves', '1'), empty('AirSync:GetChanges'), el('AirSync:WindowSize', '2'), ...conversations, options('3'),
  ], [el('AirSync:WindowSize', '100')])
  expect(talk.items).toHaveLength(2)
  await talk.sync([])
  expect(talk.items).toHaveLength(3)
  const [first, second, third] = talk.items as [string, string, string]
  account.flag('inbox', 2, '\\Seen', true)
  account.expunge('inbox', 3)
  account.deliver('inbox', withFile('mail 4'), { received: new Date() })
  const id = (tag: 'AirSync:Change' | 'AirSync:Delete' | 'AirSync:Fetch', value: string, ...rest: Node[]): Node =>
    el(tag, [el('AirSync:ServerId', value), ...rest])
  const read = el('AirSync:ApplicationData', [el('Email:Read', '1')])
  await talk.sync([], [], [
    id('AirSync:Change', first, read), id('AirSync:Change', `${inbox}:1:zz`, read), id('AirSync:Fetch', second),
    el('AirSync:Add', [el('AirSync:ClientId', 'c1'), el('AirSync:ApplicationData', [el('Email:Subject', 'no draft')])]),
  ])
  expect(third).toBeDefined()
  await talk.sync([options('1')]) // one is too old by now
  account.deliver('inbox', withFile('mail 5'), { received: new Date() })
  await talk.sync([], talk.from('12.1', el('AirSync:Wait', '1')))
  await talk.sync([]) // nothing new, so that the next one may be partial
  account.deliver('inbox', withFile('mail 6'), { received: new Date() })
  await talk.sync([], [...talk.from('14.0', el('AirSync:HeartbeatInterval', '60')), ...talk.from('12.1', empty('AirSync:Partial'))])
  if (talk.has('12.1')) expect((await phone.sync({ collections: [{ id: inbox }], wait: 60 })).limit).toBe('59')
  await talk.sync([], [], [id('AirSync:Delete', talk.items.at(-1)!)])
  if (talk.has('16.0')) await draft(talk)
}

async function draft({ phone }: Talk): Promise<void> {
  const drafts = phone.folder('Drafts')
  await phone.syncAll(drafts)
  const { collections: [added] } = await phone.sync({ collections: [{ id: drafts, commands: [
    { kind: 'Add', clientId: 'c1', data: [el('Email:To', 'bob@postern.test'), el('Email:Subject', 'draft')] },
  ] }] })
  expect(added!.responses).toMatchObject([{ kind: 'Add', clientId: 'c1', status: '1' }])
}

async function estimates(talk: Talk): Promise<void> {
  const { version, inbox } = talk
  const { key } = talk.phone.held(inbox)
  await talk.ask('GetItemEstimate', el('GetItemEstimate:GetItemEstimate', [el('GetItemEstimate:Collections', [
    el('GetItemEstimate:Collection', isOld(version)
      ? [el('GetItemEstimate:Class', 'Email'), el('GetItemEstimate:CollectionId', inbox), el('AirSync:FilterType', '3'), el('AirSync:SyncKey', key)]
      : [
        el('AirSync:SyncKey', key), el('AirSync:ConversationMode', '0'), el('GetItemEstimate:CollectionId', inbox),
        el('AirSync:Options', [el('AirSync:Class', 'Email'), el('AirSync:FilterType', '3')]),
      ]),
  ])]), '1')
}

async function operations(talk: Talk): Promise<void> {
  const { phone, server: { account }, inbox } = talk
  const item = talk.items[0]!
  const store = el('ItemOperations:Store', 'Mailbox')
  const fetch = (...nodes: Node[]): Node => el('ItemOperations:Fetch', [store, ...nodes])
  const options = (...nodes: Node[]): Node => el('ItemOperations:Options', nodes)
  const part = talk.from('14.1', el('AirSyncBase:BodyPartPreference', [el('AirSyncBase:Type', '2')]))
  const body = el('ItemOperations:ItemOperations', [
    fetch(el('AirSync:CollectionId', inbox), el('AirSync:ServerId', item), options(
      el('ItemOperations:Schema', [el('Email:Subject'), el('AirSyncBase:Body')]), el('ItemOperations:Range', '0-9'), preference('2'), ...part,
      el('AirSync:MIMESupport', '0'),
    )),
    fetch(el('Search:LongId', item)),
    fetch(el('AirSyncBase:FileReference', `${item}:2`), options(el('ItemOperations:Range', '0-3'))),
    el('ItemOperations:EmptyFolderContents', [
      el('AirSync:CollectionId', account.addFolder('Empty')), options(empty('ItemOperations:DeleteSubFolders')),
    ]),
    ...talk.from('14.0', el('ItemOperations:Move', [
      el('ItemOperations:ConversationId', Buffer.alloc(16, 7)), el('ItemOperations:DstFldId', talk.trash), options(empty('ItemOperations:MoveAlways')),
    ])),
  ])
  await talk.ask('ItemOperations', body, '1', '1', '1', '1', '1', ...(talk.has('14.0') ? ['6'] : []))
  if (talk.has('12.1')) await phone.raw('ItemOperations', body, { headers: { 'ms-asacceptmultipart': 'T' } })
}

async function searches(talk: Talk): Promise<void> {
  const compare = (tag: Tag, value: string): Node => el(tag, [el('Email:DateReceived'), el('Search:Value', value)])
  await talk.ask('Search', el('Search:Search', [el('Search:Store', [
    el('Search:Name', 'Mailbox'),
    el('Search:Query', [el('Search:And', [
      el('AirSync:Class', 'Email'), el('AirSync:CollectionId', talk.inbox), el('Search:FreeText', 'mail'),
      compare('Search:GreaterThan', '2020-01-01T00:00:00.000Z'), compare('Search:LessThan', '2040-01-01T00:00:00.000Z'),
    ])]),
    el('Search:Options', [
      empty('Search:RebuildResults'), empty('Search:DeepTraversal'), el('Search:Range', '0-1'), preference('2'), el('AirSync:MIMESupport', '0'),
    ]),
  ])]), '1', '1')
  const queries = [compare('Search:EqualTo', '2026-11-12T10:00:00.000Z'), el('Search:Or', [el('Search:FreeText', 'a'), el('Search:FreeText', 'b')])]
  if (talk.has('14.0')) queries.push(el('Search:ConversationId', Buffer.alloc(16, 7)))
  for (const one of queries) {
    await talk.ask('Search', el('Search:Search', [el('Search:Store', [
      el('Search:Name', 'Mailbox'), el('Search:Query', [el('Search:And', [one])]),
    ])]), '1', '1')
  }
  if (!talk.has('16.1')) return
  await talk.ask('Find', el('Find:Find', [el('Find:SearchId', 'a'), el('Find:ExecuteSearch', [el('Find:MailBoxSearchCriterion', [
    el('Find:Query', [el('Find:FreeText', 'mail'), el('AirSync:Class', 'Email'), el('AirSync:CollectionId', talk.inbox)]),
    el('Find:Options', [el('Find:Range', '0-9'), empty('Find:DeepTraversal')]),
  ])])]), '1', '1')
}

async function settings(talk: Talk): Promise<void> {
  const said = (name: string): Node => el(`Settings:${name}` as Tag, 'x')
  await talk.ask('Settings', el('Settings:Settings', [
    el('Settings:UserInformation', [el('Settings:Get')]),
    el('Settings:DeviceInformation', [el('Settings:Set', [
      ...['Model', 'IMEI', 'FriendlyName', 'OS', 'OSLanguage', 'PhoneNumber', 'UserAgent'].map(said),
      ...talk.from('14.0', el('Settings:EnableOutboundSMS', '0'), said('MobileOperator')),
    ])]),
    el('Settings:DevicePassword', [el('Settings:Set', [el('Settings:Password', 'x')])]),
    ...talk.from('14.1', el('Settings:RightsManagementInformation', [el('Settings:Get')])),
  ]), '1', '1', '1', '7', ...(talk.has('14.1') ? ['168'] : []))
}

/** The address list, recipients and their certificates. */
async function people(talk: Talk): Promise<void> {
  const { phone } = talk
  talk.server.account.directory = builders()
  const picture = talk.has('14.1') ? { picture: { size: 1000, count: 2 } } : {}
  expect(await searchGal(phone, { query: 'builder', range: '0-9', ...picture })).toMatchObject({ store: '1', range: '0-2' })
  if (talk.has('16.1')) expect(await findGal(phone, { query: 'builder', range: '0-9', ...picture })).toMatchObject({ store: '1', range: '0-2' })
  const availability = talk.has('14.0') ? { availability: { start: '2026-11-25T00:00:00.000Z', end: '2026-11-26T00:00:00.000Z' } } : {}
  for (const certificates of [2, 3]) {
    const wish = { to: ['bob@postern.test', 'builder'], certificates, mostCertificates: 9, mostAmbiguous: 9, ...availability, ...picture }
    expect((await resolve(phone, wish)).responses.map(({ status }) => status)).toEqual(['1', '2'])
  }
  const certificate = el('ValidateCert:Certificate', bobDer.toString('base64'))
  await talk.ask('ValidateCert', el('ValidateCert:ValidateCert', [
    el('ValidateCert:CertificateChain', [certificate]), el('ValidateCert:Certificates', [certificate]), el('ValidateCert:CheckCRL', '0'),
  ]), '1', '4')
}

async function replies(talk: Talk): Promise<void> {
  let kept = inOffice
  talk.server.account.filters = {
    outOfOffice: () => Promise.resolve(kept),
    setOutOfOffice: async edit => void (kept = edit(kept)),
    async setFilings() {},
  }
  const oof = (node: Node): Node => el('Settings:Settings', [el('Settings:Oof', [node])])
  await talk.ask('Settings', oof(el('Settings:Set', [
    el('Settings:OofState', '2'), el('Settings:StartTime', '2026-08-03T12:00:00.000Z'), el('Settings:EndTime', '2026-08-10T12:00:00.000Z'),
    ...(['AppliesToInternal', 'AppliesToExternalKnown', 'AppliesToExternalUnknown'] as const).map(audience => el('Settings:OofMessage', [
      el(`Settings:${audience}`), el('Settings:Enabled', '1'), el('Settings:ReplyMessage', 'Away'), el('Settings:BodyType', 'Text'),
    ])),
  ])), '1', '1')
  await talk.ask('Settings', oof(el('Settings:Get', [el('Settings:BodyType', 'Text')])), '1', '1')
}

async function recipientCache(talk: Talk): Promise<void> {
  const { phone, server: { account } } = talk
  account.deliver('Sent', 'To: Bob <bob@postern.test>\nSubject: hi\n\nHello\n')
  await phone.sync({ collections: [{ id: 'RI' }] })
  expect(await phone.getItemEstimate([{ id: 'RI', maxItems: 9 }])).toMatchObject([{ status: '1' }])
  expect(await phone.syncAll('RI', { options: { maxItems: 9 } })).toBeGreaterThan(0)
}

async function letters(talk: Talk): Promise<void> {
  const { phone } = talk
  if (!talk.has('14.0')) {
    expect(await phone.sendMail(own)).toBe('')
    return
  }
  const item = talk.items[0]!
  expect(await phone.sendMail(own)).toBe('')
  expect(await phone.sendMail('Subject: to nobody\r\n\r\nx')).toBe('119')
  for (const command of ['SmartReply', 'SmartForward'] as const) {
    expect(await phone.smart(command, item, own, { replaceMime: true })).toBe('')
    expect(await phone.smart(command, item, own, { longId: true })).toBe('')
    expect(await phone.smart(command, `${talk.inbox}:1:zz`, own)).toBe('150')
    const account = talk.from('14.1', el('ComposeMail:AccountId', '5'))
    if (account.length) expect(await phone.smart(command, item, own, { more: account })).toBe('166')
  }
  if (talk.has('14.1')) {
    await talk.ask('SendMail', el('ComposeMail:SendMail', [
      el('ComposeMail:ClientId', '1'), el('ComposeMail:AccountId', '5'), el('ComposeMail:Mime', own),
    ]), '166')
  }
  if (!talk.has('16.0')) return
  expect(await phone.smart('SmartForward', item, '', { save: false, more: [
    el('ComposeMail:Forwardees', [el('ComposeMail:Forwardee', [el('ComposeMail:Email', 'bob@postern.test'), el('ComposeMail:Name', 'Bob')])]),
    el('AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', 'See below')]),
  ] })).toBe('')
}

async function waits({ phone, server: { account }, inbox }: Talk): Promise<void> {
  await phone.folderSync()
  account.deliver('inbox', undefined, { received: new Date() })
  expect(await phone.ping([inbox], 60)).toMatchObject({ status: '2', folders: [inbox] })
  expect(await phone.ping([inbox], 1)).toMatchObject({ status: '5', limit: '60' })
  expect(await phone.ping(['a', 'b', 'c', 'd', 'e', 'f'], 60)).toMatchObject({ status: '6', limit: '5' })
}

it.each(versions)('version %s has these elements, and no others', async version => {
  const server = await easServer({ heartbeat: { min: 60, max: 3540 }, policy: { DevicePasswordEnabled: true }, recipientCache: true })
  const talk = new Talk(server, version)
  const { phone } = talk
  const spoken = overhear(phone)
  expect(await phone.provision()).toBe(true)
  await folders(talk)
  await items(talk)
  await estimates(talk)
  if (talk.has('12.0')) await operations(talk)
  expect(await phone.moveItems([{ id: talk.items[0]!, from: talk.inbox, to: talk.trash }])).toMatchObject([{ status: '3' }])
  if (talk.has('12.0')) await searches(talk)
  await people(talk)
  if (talk.has('12.0')) await settings(talk)
  if (talk.has('12.0')) await replies(talk)
  await letters(talk)
  if (talk.has('14.0')) await recipientCache(talk)
  await waits(talk)
  if (!talk.has('14.0')) await phone.command('GetHierarchy', undefined)
  golden(`eas/spoken/${version}.txt`, printSpoken(spoken))
  // Every element is to be seen by whom looks at the answers of a whole run, however many others there are.
  const keep = recorder(undefined, Infinity)
  for (const exchange of server.exchanges) keep?.(exchange)
  expect(text(descend(await phone.command('Provision', el('Provision:Provision'))), 'Provision:Status')).toBe('1')
  await server.stop()
})

/** The commands by the roots of their trees, where they have some. */
const roots: readonly [command: string, root: Tag | undefined, first: Version, last: Version][] = [
  ['Sync', 'AirSync:Sync', '2.5', '16.1'], ['FolderSync', 'FolderHierarchy:FolderSync', '2.5', '16.1'],
  ['FolderCreate', 'FolderHierarchy:FolderCreate', '2.5', '16.1'], ['FolderUpdate', 'FolderHierarchy:FolderUpdate', '2.5', '16.1'],
  ['FolderDelete', 'FolderHierarchy:FolderDelete', '2.5', '16.1'], ['GetItemEstimate', 'GetItemEstimate:GetItemEstimate', '2.5', '16.1'],
  ['MoveItems', 'Move:MoveItems', '2.5', '16.1'], ['Ping', 'Ping:Ping', '2.5', '16.1'], ['Provision', 'Provision:Provision', '2.5', '16.1'],
  ['ItemOperations', 'ItemOperations:ItemOperations', '12.0', '16.1'], ['Search', 'Search:Search', '2.5', '16.1'],
  ['Settings', 'Settings:Settings', '12.0', '16.1'], ['Find', 'Find:Find', '16.1', '16.1'],
  ['ResolveRecipients', 'ResolveRecipients:ResolveRecipients', '2.5', '16.1'], ['ValidateCert', 'ValidateCert:ValidateCert', '2.5', '16.1'],
  ['SendMail', 'ComposeMail:SendMail', '2.5', '16.1'], ['SmartReply', 'ComposeMail:SmartReply', '2.5', '16.1'],
  ['SmartForward', 'ComposeMail:SmartForward', '2.5', '16.1'],
  ['GetHierarchy', undefined, '2.5', '12.1'], ['GetAttachment', undefined, '2.5', '12.1'],
]

it.each(versions)('version %s has these commands, and no others', async version => {
  const server = await easServer()
  const phone = server.phone({ version })
  for (const [command, root, first, last] of roots) {
    const { status, bytes } = await phone.raw(command, root && el(root))
    const known = since(version, first) && since(last, version)
    const told = bytes.length && root ? statuses(decode(bytes)) : []
    if (root) expect([command, status === 400 && !known ? '138' : told[0] === '138' ? '138' : 'known']).toEqual([command, known ? 'known' : '138'])
    else expect([command, status === 501]).toEqual([command, !known])
  }
  await server.stop()
})

it.each(['14.0', '14.1'] as const)('version %s has no Forwardees', async version => {
  const server = await easServer()
  server.account.deliver('inbox', withFile('mail'))
  const forwardees = el('ComposeMail:Forwardees', [el('ComposeMail:Forwardee', [el('ComposeMail:Email', 'bob@postern.test'), el('ComposeMail:Name', 'Bob')])])
  expect(await server.phone({ version }).smart('SmartForward', 'f1:1:1', '', { save: false, more: [forwardees] })).toBe('103')
  await server.stop()
})
