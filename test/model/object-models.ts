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
