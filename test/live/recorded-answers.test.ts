// libwbxml reads every answer as we do.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { since, versions } from '../../src/eas/versions.ts'
import { child, decode, el, text } from '../../src/wire/wbxml.ts'
import type { Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { canonical, wbxml2xml } from '../support/libwbxml.ts'

let server: EasServer
beforeAll(async () => {
  server = await easServer({ policy: { DevicePasswordEnabled: true } })
  const { account } = server
  account.addFolder('Ünïcode <&> 😀')
  for (let n = 0; n < 30; n++) {
    account.deliver('inbox', [
      'From: "Söhne & Co" <bob@postern.test>', 'To: anna@postern.test', `Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= <${n}>`,
      'Content-Type: multipart/mixed; boundary=b', '',
      '--b', 'Content-Type: text/html; charset=utf-8', '', `<p>${'Hellö '.repeat(n * 20)}</p>`,
      '--b', 'Content-Type: image/png; name=a.png', 'Content-Transfer-Encoding: base64', 'Content-ID: <c@d>',
      'Content-Disposition: inline', '', 'iVBORw0KGgo=', '--b--', '',
    ].join('\n'))
  }
})
afterAll(() => server.stop())

it.each(versions)('in a session of version %s', async version => {
  const { exchanges, account } = server
  const from = exchanges.length
  const phone = server.phone({ version, deviceId: `D${version.replace('.', '')}` })
  await phone.provision()
  await phone.folderSync('0')
  await phone.folderSync('nonsense')
  const inbox = phone.folder('Inbox'), trash = phone.folder('Trash')
  const { id } = await phone.editFolder('Create', { name: `Made by ${version}` })
  await phone.editFolder('Update', { id, name: `Named by ${version}` })
  await phone.editFolder('Delete', { id })
  await phone.syncAll(inbox, { window: 10, options: { bodies: [{ type: 2, size: 500, preview: 100 }], mimeSupport: 0 } })
  const [first, second] = [...phone.held(inbox).items.keys()] as [string, string]
  await phone.sync({ collections: [{ id: inbox, commands: [
    { kind: 'Change', id: first, read: true, flagged: true }, { kind: 'Fetch', id: second },
    { kind: 'Change', id: `${inbox}:1:zzz`, read: true },
  ] }] })
  await phone.getItemEstimate([{ id: inbox }, { id: 'f99' }])
  if (since(version, '12.0')) await phone.fetch([
    { id: second, options: { mimeSupport: 2, bodies: [{ type: 4 }] } }, { file: `${second}:2` }, { file: `${second}:2`, range: '0-3' },
    { id: 'nonsense' },
  ])
  await phone.moveItems([{ id: first, from: inbox, to: trash }, { id: 'nonsense', from: inbox, to: trash }])
  if (since(version, '12.0')) await phone.settings(
    el('Settings:UserInformation', [el('Settings:Get')]),
    el('Settings:Oof', [el('Settings:Get', [el('Settings:BodyType', 'Text')])]),
  )
  if (!since(version, '14.0')) await oldCommands(phone)
  await phone.sendMail('no recipient: none\r\n\r\n')
  account.deliver('inbox')
  await phone.ping([inbox], 60)
  await phone.ping([inbox, 'f99'], 60)

  const answers = exchanges.slice(from)
  expect(new Set(answers.map(({ command }) => command)).size).toBeGreaterThanOrEqual(version === '2.5' ? 10 : 11)
  for (const { command, answer } of answers) expect(await wbxml2xml(answer), command).toEqual(canonical(decode(answer)))
})

/** What only versions up to 12.1 have. */
async function oldCommands(phone: Phone): Promise<void> {
  await phone.raw('GetHierarchy', undefined)
  const made = await phone.command('CreateCollection', undefined, { parameters: { ParentId: '0', CollectionName: 'Old & new' } })
  const CollectionId = text(child(made!, 'FolderHierarchy:Folder')!, 'FolderHierarchy:ServerId')!
  await phone.raw('MoveCollection', undefined, { parameters: { CollectionId, CollectionName: 'Newer' } })
  await phone.raw('DeleteCollection', undefined, { parameters: { CollectionId } })
  await phone.raw('DeleteCollection', undefined, { parameters: { CollectionId } })
}
