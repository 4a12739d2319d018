import type { Backend } from '../../src/backend/connect.ts'
import { davMemory } from '../../src/backend/connect.ts'
import { sharedList, type BookDirectory } from '../../src/backend/address-list.ts'
import type { BookConfig } from '../../src/backend/dav-directory.ts'
import { photo } from './people.ts'

/** A vCard 3.0 of somebody; more lines as they stand. */
export const card = (uid: string, name: string, ...lines: readonly string[]): string =>
  ['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${name}`, `N:${name.split(' ').at(-1)!};${name.split(' ')[0]!};;;`, ...lines, 'END:VCARD', ''].join('\r\n')

export const photoLine = (length: number): string => `PHOTO;ENCODING=b;TYPE=JPEG:${Buffer.from(photo(length)).toString('base64')}`
export const keyLine = (der: Uint8Array): string => `KEY;ENCODING=b;TYPE=X509:${Buffer.from(der).toString('base64')}`

/** Builders and others, by file name. */
export const cards = (certificate: Uint8Array): readonly (readonly [name: string, text: string])[] => [
  ['bob.vcf', card('bob', 'Bob Builder', 'NICKNAME:bobby', 'EMAIL;TYPE=HOME:bob@home.test', 'EMAIL;TYPE=INTERNET,PREF:bob@postern.test', 'ORG:Postern;Building',
    'TITLE:Head', 'TEL;TYPE=WORK:+1 555', 'TEL;TYPE=HOME:+1 556', 'TEL;TYPE=CELL:+1 557', keyLine(certificate))],
  ['carl.vcf', card('carl', 'Carl Builder', 'EMAIL:carl@postern.test', photoLine(3000))],
  ['oystein.vcf', card('oystein', 'Øystein Weiß', 'EMAIL:oystein@postern.test')],
  ['comma.vcf', card('comma', 'Example\\, Ann', 'EMAIL:ann@postern.test')],
  ['nomail.vcf', card('nomail', 'Ann Nomail', 'TEL:+1 558')],
  ['letters.vcf', card('letters', 'Žž Ђ', 'EMAIL:letters@postern.test')],
  ['odd name&.vcf', card('odd', 'Odd <Name> & Co', 'EMAIL:odd@postern.test')],
  ...Array.from({ length: 60 }, (_, n) => [`many${n}.vcf`, card(`many${n}`, `Jürgen Many${String(n).padStart(2, '0')}`, `EMAIL:many${n}@postern.test`)] as const),
]

export function openBook(config: BookConfig, memory = davMemory()): BookDirectory {
  const backend = { addressBook: config } as unknown as Backend
  return sharedList(backend, memory).book!
}
