import { el } from '../../src/wire/wbxml.ts'
import type { ObjectModel } from './objects.ts'

/** One line of an object, as text between its name and its end. */
const said = (stored: string, name: RegExp): string => new RegExp(`^${name.source}:(.*?)\\r?$`, 'm').exec(stored)?.[1] ?? ''

export const contactModel: ObjectModel = {
  type: '9', ending: '.vcf',
  write: (uid, { name, detail }) => [
    'BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${name} Test`, `N:Test;${name};;;`, 'X-KEPT:always', ...(detail ? [`TEL;TYPE=CELL:${detail}`] : []), 'END:VCARD', '',
  ].join('\r\n'),
  edit(stored, one) {
    if (!stored.includes('X-KEPT:always') && stored.includes('UID:uid-')) throw new Error('what the phone does not know is lost')
    return this.write(said(stored, /UID/), one)
  },
  read: stored => ({ name: said(stored, /N/).split(';')[1] ?? '', detail: said(stored, /TEL;TYPE=CELL/i) || said(stored, /TEL;[^:\r\n]*/) }),
  nodes: ({ name, detail }) => [
    el('Contacts:FileAs', `Test, ${name}`), el('Contacts:FirstName', name), el('Contacts:LastName', 'Test'), ...(detail ? [el('Contacts:MobilePhoneNumber', detail)] : []),
  ],
  shown: tag => ({ name: tag('Contacts:FirstName') ?? '', detail: tag('Contacts:MobilePhoneNumber') ?? '' }),
}

/** Each has a time of its own, made of its name. */
const timeOf = (name: string, end: boolean): string => {
  const minutes = Number(name.replace(/\D/g, '')) * 15 + (end ? 15 : 0)
  return new Date(Date.UTC(2027, 0, 4, 8) + minutes * 60_000).toISOString().replace(/[-:]|\.\d+/g, '')
}

export const eventModel: ObjectModel = {
  type: '8', ending: '.ics',
  write: (uid, { name, detail }) => [
    'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Model//EN', 'BEGIN:VEVENT', `UID:${uid}`, 'DTSTAMP:20261101T000000Z',
    `DTSTART:${timeOf(name, false)}`, `DTEND:${timeOf(name, true)}`, `SUMMARY:${name}`, 'X-KEPT:always', ...(detail ? [`LOCATION:${detail}`] : []),
    'END:VEVENT', 'END:VCALENDAR', '',
  ].join('\r\n'),
  edit(stored, one) {
    if (!stored.includes('X-KEPT:always') && stored.includes('UID:uid-')) throw new Error('what the phone does not know is lost')
    return this.write(said(stored, /UID/), one)
  },
  read: stored => ({ name: said(stored, /SUMMARY/), detail: said(stored, /LOCATION/) }),
  nodes: ({ name, detail }, version) => [
    el('Calendar:Subject', name), el('Calendar:StartTime', timeOf(name, false)), el('Calendar:EndTime', timeOf(name, true)),
    ...(version.startsWith('16')
      ? [el('AirSyncBase:Location', detail ? [el('AirSyncBase:DisplayName', detail)] : [])]
      : [el('Calendar:Location', detail)]),
    el('Calendar:BusyStatus', '2'), el('Calendar:AllDayEvent', '0'), el('Calendar:Sensitivity', '0'),
  ],
  shown: tag => ({ name: tag('Calendar:Subject') ?? '', detail: tag('Calendar:Location') ?? tag('AirSyncBase:Location', 'AirSyncBase:DisplayName') ?? '' }),
}

/** Notes of a mailbox as Apple's programs write them; the detail is the text. */
export const mailNoteModel: ObjectModel = {
  type: '10', ending: '',
  write: (uid, { name, detail }) => [
    `Subject: ${name}`, 'From: anna@postern.test', 'X-Uniform-Type-Identifier: com.apple.mail-note', `X-Universally-Unique-Identifier: ${uid.toUpperCase()}`,
    'Date: Fri, 06 Nov 2026 23:19:33 +0100', `Message-ID: <${uid}.${name}@apple.test>`, 'Content-Type: text/html; charset=utf-8', '', `<div>${detail}</div>`, '',
  ].join('\r\n'),
  edit(stored, one) {
    const uid = said(stored, /X-Universally-Unique-Identifier/).trim()
    if (!uid) throw new Error('a note without an identity')
    return this.write(uid, one)
  },
  read: stored => ({ name: said(stored, /Subject/).trim(), detail: stored.slice(stored.indexOf('\r\n\r\n')).replace(/<[^>]*>/g, '').trim() }),
  nodes: ({ name, detail }) => [
    el('Notes:Subject', name), el('AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', detail)]), el('Notes:MessageClass', 'IPM.StickyNote'),
  ],
  shown: tag => ({ name: tag('Notes:Subject') ?? '', detail: tag('AirSyncBase:Body', 'AirSyncBase:Data') ?? '' }),
}
