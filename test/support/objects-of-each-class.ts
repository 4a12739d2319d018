import type { FolderId, ObjectContent } from '../../src/model/folder.ts'
import { since, type Version } from '../../src/eas/versions.ts'
import { el, type Node } from '../../src/wire/wbxml.ts'

/** [MS-ASCMD] Class. */
export const classNames: Readonly<Record<ObjectContent, string>> = { calendar: 'Calendar', contacts: 'Contacts', tasks: 'Tasks', notes: 'Notes' }
/** The default folders of `MemoryObjects`. */
export const folderOf: Readonly<Record<ObjectContent, FolderId>> =
  { calendar: 'c.1' as FolderId, contacts: 'c.2' as FolderId, tasks: 'c.3' as FolderId, notes: 'c.4' as FolderId }

export const storedName = (content: ObjectContent, name: string): string => `${name}.${content === 'contacts' ? 'vcf' : 'ics'}`

const components = { calendar: 'VEVENT', tasks: 'VTODO', notes: 'VJOURNAL' } as const

/** As a server has it. */
export function stored(content: ObjectContent, name: string, ...lines: readonly string[]): string {
  if (content === 'contacts') return ['BEGIN:VCARD', 'VERSION:3.0', `UID:${name}`, `FN:${name} Test`, `N:Test;${name};;;`, ...lines, 'END:VCARD', ''].join('\r\n')
  const component = components[content]
  const times = content === 'calendar' ? ['DTSTART:20261201T090000Z', 'DTEND:20261201T100000Z'] : []
  return [
    'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Test//EN', `BEGIN:${component}`, `UID:${name}`, 'DTSTAMP:20261101T080000Z', `SUMMARY:${name}`,
    ...(lines.some(line => line.startsWith('DTSTART')) ? [] : times), ...lines, `END:${component}`, 'END:VCALENDAR', '',
  ].join('\r\n')
}

/** What a phone says of a small one. */
export function body(content: ObjectContent, version: Version, name: string): Node[] {
  switch (content) {
    case 'contacts': return [el('Contacts:FirstName', name), el('Contacts:LastName', 'Test'), el('Contacts:FileAs', `Test, ${name}`)]
    case 'calendar': return [
      el('Calendar:Subject', name), el('Calendar:StartTime', '20261201T090000Z'), el('Calendar:EndTime', '20261201T100000Z'),
      el(since(version, '16.0') ? 'Calendar:ClientUid' : 'Calendar:UID', `of-${name}`),
    ]
    case 'tasks': return [el('Tasks:Subject', name), el('Tasks:Complete', '0')]
    case 'notes': return [
      el('Notes:Subject', name), el('AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', 'text')]), el('Notes:MessageClass', 'IPM.StickyNote'),
    ]
  }
}
