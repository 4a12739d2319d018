import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { EasSettings } from '../../src/eas/settings.ts'
import { decode } from '../../src/wire/wbxml.ts'
import { printXml } from '../../src/wire/xml.ts'
import { easServer } from '../support/eas-server.ts'
import { golden, parseXml, readGolden } from '../support/golden.ts'
import { builders } from '../support/memory-directory.ts'

const withFile = 'From: "Bob, B." <bob@postern.test>\nTo: anna@postern.test\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\n' +
  'Message-ID: <1@bob>\nMIME-Version: 1.0\n' +
  'Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; charset=utf-8\n\n<p>Hello</p>\n' +
  '--b\nContent-Type: text/plain; name=notes.txt\nContent-Disposition: attachment\n' +
  'Content-Transfer-Encoding: base64\n\naGVsbG8gd29ybGQ=\n--b--\n'

/** The account is the same each time: a folder Work (f6) beside the special ones, one message in Inbox (f1), the builders in the directory. */
it.each<[command: string, file: string, version: string, settings?: Partial<EasSettings>]>([
  ['FolderSync', 'folder-sync/first', '16.1'],
  ['FolderSync', 'folder-sync/bad-key', '16.1'],
  ['FolderCreate', 'folder-create/mail', '16.1'],
  ['FolderUpdate', 'folder-update/rename', '16.1'],
  ['FolderDelete', 'folder-delete/special', '16.1'],
  ['Provision', 'provision/policy', '16.1', { policy: { DevicePasswordEnabled: true, MinDevicePasswordLength: 4 } }],
  ['Provision', 'provision/policy-2.5', '2.5', { policy: { DevicePasswordEnabled: true, MinDevicePasswordLength: 4, MaxInactivityTimeDeviceLock: 300 } }],
  ['Provision', 'provision/policy-12.0', '12.0', { policy: { DevicePasswordEnabled: true, MinDevicePasswordLength: 4 } }],
  ['GetHierarchy', 'get-hierarchy/mail', '2.5'],
  ['Sync', 'sync/add-2.5', '2.5'],
  ['Settings', 'settings/user-information', '16.1'],
  ['Settings', 'settings/user-information-12.1', '12.1'],
  ['MoveItems', 'move-items/one-and-none', '16.1'],
  ['GetItemEstimate', 'get-item-estimate/not-primed', '16.1'],
  ['GetItemEstimate', 'get-item-estimate/not-primed-12.1', '12.1'],
  ['ItemOperations', 'item-operations/item', '16.1'],
  ['ItemOperations', 'item-operations/file-range', '16.1'],
  ['ItemOperations', 'item-operations/schema', '14.0'],
  ['ItemOperations', 'item-operations/folder-and-conversation', '16.1'],
  ['Search', 'search/mailbox', '14.1'],
  ['Search', 'search/too-complex', '16.1'],
  ['Search', 'search/gal', '16.1'],
  ['Search', 'search/gal-2.5', '2.5'],
  ['Search', 'search/gal-nobody', '14.1'],
  ['Find', 'find/mailbox', '16.1'],
  ['Find', 'find/gal', '16.1'],
  ['ResolveRecipients', 'resolve-recipients/names', '16.1'],
  ['ResolveRecipients', 'resolve-recipients/names-2.5', '2.5'],
  ['ResolveRecipients', 'resolve-recipients/wrong', '14.1'],
  ['ValidateCert', 'validate-cert/untrusted-and-none', '16.1'],
  ['ValidateCert', 'validate-cert/nothing', '12.1'],
  ['Ping', 'ping/too-short', '16.1', { heartbeat: { min: 60, max: 3540 } }],
  ['Ping', 'ping/changes', '16.1'],
  ['SendMail', 'send-mail/no-recipient', '16.1'],
])('%s answers %s as recorded', async (command, file, version, settings = {}) => {
  const server = await easServer(settings)
  const { account } = server
  account.directory = builders()
  account.addFolder('Work')
  account.deliver('inbox', withFile)
  const phone = server.phone({ version })
  if (!settings.policy) await phone.folderSync('0')
  if (command === 'Sync') await phone.sync({ collections: [{ id: 'f1' }] })
  const request = command === 'GetHierarchy' ? undefined : parseXml(readGolden(`eas/${file}.request.xml`)
    .replace('@FOLDERKEY@', phone.folderKey).replace('@SYNCKEY@', phone.held('f1').key))
  const answer = phone.raw(command, request)
  if (file === 'ping/changes') {
    while (account.watching === 0) await sleep(1)
    account.deliver('inbox')
  }
  const { status, bytes } = await answer
  expect(status).toBe(200)
  golden(`eas/${file}.response.xml`, printXml(decode(bytes)))
  await server.stop()
})
