// What is inside of messages, out of a real Dovecot's structures.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { versions } from '../../src/eas/versions.ts'
import { child, children, text, type Element } from '../../src/wire/wbxml.ts'
import { descend, Phone } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { uuencoded } from '../support/uuencode.ts'
import { winmail, writeTnef } from '../support/tnef-write.ts'

const eml = (name: string): Buffer =>
  Buffer.from(readFileSync(new URL(`../golden/eas/email/${name}.eml`, import.meta.url), 'latin1').replace(/\r?\n/g, '\r\n'), 'latin1')
const pdf = Buffer.from('%PDF '.repeat(1000))
const attached = (inner: string): string => 'Subject: attached\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n' +
  `--b\r\n\r\nSee.\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n${inner}\r\n--b--\r\n`
const bounce = 'Subject: Undelivered\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n' +
  '--b\r\n\r\nLate.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@x\r\nAction: delayed\r\n' +
  '--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: what was sent\r\n\r\nx\r\n--b--\r\n'

let house: House
let postern: Instance
beforeAll(async () => {
  house = await startHouse({ users: 1, exim: false })
  await house.seed(0, 'INBOX', [
    eml('meeting-series'), eml('meeting-canceled'), eml('meeting-instance'), winmail(writeTnef({ body: 'inner', files: [{ title: 'a.pdf', data: pdf }] })),
    attached('Subject: =?utf-8?Q?=C3=9Cber_alles=3A_a/b?=\r\n\r\nx'), attached('From: a@x\r\n\r\nx'), bounce,
  ])
  postern = await startInstance(house)
})
afterAll(async () => {
  expect(postern.bugs()).toBe(0)
  await postern.close()
  await house.stop()
})

/** 2.5 has its files in the namespace of mail. */
function named(data: Element | undefined): string[] {
  const modern = data && child(data, 'AirSyncBase:Attachments'), old = data && child(data, 'Email:Attachments')
  return [
    ...(modern ? children(modern, 'AirSyncBase:Attachment') : [])
      .map(one => `${text(one, 'AirSyncBase:DisplayName')} by ${text(one, 'AirSyncBase:Method')}`),
    ...(old ? children(old, 'Email:Attachment') : []).map(one => `${text(one, 'Email:DisplayName')} by ${text(one, 'Email:AttMethod')}`),
  ]
}

it.each(versions)('meetings, winmail.dat, messages within and reports, in version %s', async version => {
  const { login, password } = house.user(0)
  const phone = new Phone({ url: postern.url, user: login, password, version })
  await phone.folderSync('0')
  const inbox = phone.folder('Inbox')
  await phone.syncAll(inbox, { options: { bodies: [{ type: 1 }] } })
  const items = [...phone.held(inbox).items.values()].sort((a, b) => parseInt(a.id.split(':')[2]!, 36) - parseInt(b.id.split(':')[2]!, 36))
  expect(items.map(({ data }) => text(data!, 'Email:MessageClass'))).toEqual([
    'IPM.Schedule.Meeting.Request', 'IPM.Schedule.Meeting.Canceled', 'IPM.Schedule.Meeting.Request', 'IPM.Note', 'IPM.Note', 'IPM.Note', 'REPORT.IPM.NOTE.DELAYED',
  ])
  const meeting = items.slice(0, 3).map(({ data }) => descend(data, 'Email:MeetingRequest'))
  expect(meeting.map(one => [text(one, 'Email:StartTime'), text(one, 'Email:InstanceType')])).toEqual([
    ['2026-07-31T08:00:00.000Z', '1'], ['2026-12-24T00:00:00.000Z', '0'], ['2026-11-23T13:00:00.000Z', '3'],
  ])
  const modern = version.startsWith('16')
  expect([child(meeting[0]!, 'Email:GlobalObjId') !== undefined, child(meeting[0]!, 'Calendar:UID') !== undefined]).toEqual([!modern, modern])
  expect([items[2]!.body, items[3]!.body]).toEqual(['This one is later.\r\nSee you.', 'inner'])
  // Trap 30
  expect(items.slice(3).map(({ data }) => named(data))).toEqual([
    ['a.pdf by 1'], ['Über alles a b.eml by 5'], ['message-1.eml by 5'], ['attachment-1.txt by 1', 'what was sent.eml by 5'],
  ])
  if (version === '2.5') {
    const { bytes } = await phone.raw('GetAttachment', undefined, { parameters: { AttachmentName: `${items[3]!.id}:1-2` } })
    expect(Buffer.from(bytes).equals(pdf)).toBe(true)
  } else {
    const [file] = await phone.fetch([{ file: `${items[3]!.id}:1-2` }])
    expect(Buffer.from(text(file!.properties!, 'ItemOperations:Data')!, 'base64').equals(pdf)).toBe(true)
  }
  phone.close()
})

it('files inside a text in quoted-printable are files, the large one read as it comes', async () => {
  const { login, password } = house.user(0)
  const large = randomBytes(1_400_000), small = Buffer.from('Größe 3')
  const body = `See:\r\n${uuencoded('small.txt', small)}and\r\n${uuencoded('large.bin', large)}Bye\r\n`.replaceAll('=', '=3D')
  await house.seed(0, 'Archive', [`Subject: old\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${body}`])
  const phone = new Phone({ url: postern.url, user: login, password })
  await phone.folderSync('0')
  const folder = phone.folder('Archive')
  await phone.syncAll(folder, { options: { bodies: [{ type: 1, size: 500 }] } })
  const [item] = [...phone.held(folder).items.values()]
  expect(item!.body).toBe('See:\r\nand\r\n')
  expect(named(item!.data)).toEqual(['small.txt by 1', 'large.bin by 1'])
  const references = children(descend(item!.data, 'AirSyncBase:Attachments'), 'AirSyncBase:Attachment').map(one => text(one, 'AirSyncBase:FileReference')!)
  const read = async (reference: string, range?: string): Promise<Buffer> => {
    const [answer] = await phone.fetch([{ file: reference, ...(range ? { range } : {}) }])
    return Buffer.from(text(answer!.properties!, 'ItemOperations:Data')!, 'base64')
  }
  expect(await read(references[0]!)).toEqual(small)
  expect((await read(references[1]!)).equals(large)).toBe(true)
  expect((await read(references[1]!, '1000000-1000099')).equals(large.subarray(1_000_000, 1_000_100))).toBe(true)
  const [whole] = await phone.fetch([{ id: item!.id, folder, options: { bodies: [{ type: 1 }] } }])
  expect(text(descend(whole!.properties, 'AirSyncBase:Body'), 'AirSyncBase:Data')).toBe('See:\r\nand\r\nBye\r\n')
  phone.close()
})
