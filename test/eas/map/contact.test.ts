import { describe, expect, it } from 'vitest'
import { hear, isNews, say, type ContactContext } from '../../../src/eas/map/contact.ts'
import { readContact } from '../../../src/formats/contact-read.ts'
import { el, type Node, type Tag } from '../../../src/wire/wbxml.ts'
import { changedNames, dataOf, linesOf, withElement } from '../../support/cards.ts'
import { golden, printNode, readGolden } from '../../support/golden.ts'

const context = (more: Partial<ContactContext> = {}): ContactContext =>
  ({ version: '16.1', userAgent: undefined, bodies: [], supported: undefined, ...more })
const stored = (name: string): Buffer => Buffer.from(readGolden(`formats/${name}.vcf`))
const card = (...lines: readonly string[]): Buffer => Buffer.from(['BEGIN:VCARD', 'VERSION:3.0', ...lines, 'END:VCARD', ''].join('\r\n'))
const told = (octets: Uint8Array, more?: Partial<ContactContext>): readonly Node[] => say(octets, context(more))!
const value = (octets: Uint8Array, tag: Tag, more?: Partial<ContactContext>): unknown => told(octets, more).find(one => one.tag === tag)?.children
/** What is stored after a client has changed some elements of what it was told. */
function edited(octets: Uint8Array, changes: { readonly [tag in Tag]?: Node['children'] | undefined }, more?: Partial<ContactContext>): Buffer {
  const nodes = Object.entries(changes).reduce((list, [tag, children]) => withElement(list, tag as Tag, children), [...told(octets, more)])
  return Buffer.from(hear(octets, dataOf(nodes), context(more)))
}
const lines = (octets: Uint8Array, name: string): string[] => linesOf(octets).filter(line => new RegExp(`^([\\w-]+\\.)?${name}[;:]`, 'i').test(line))

describe('a stored vCard as a client is told of it', () => {
  it.each(['names', 'company', 'old-lines', 'telephones', 'addresses-of-mail', 'streets', 'groups', 'work'])('%s', async name => {
    golden(`formats/${name}.xml`, await printNode(el('AirSync:ApplicationData', told(stored(name)))))
  })

  it('version 2.5 has its own body', async () => {
    golden('formats/old-lines-2.5.xml', await printNode(el('AirSync:ApplicationData', told(stored('old-lines'), { version: '2.5' }))))
  })
})

describe('names (traps 67, 68, 77)', () => {
  it('FileAs is what the store says or follows from the names, and never becomes the full name', () => {
    expect(value(stored('names'), 'Contacts:FileAs')).toBe('Roe, Anna (school)')
    expect(value(card('FN:Anna Roe', 'N:Roe;Anna;;;'), 'Contacts:FileAs')).toBe('Roe, Anna')
    const after = edited(stored('names'), { 'Contacts:FileAs': 'Anna, from school' })
    expect(changedNames(stored('names'), after)).toEqual(['X-EVOLUTION-FILE-AS'])
    expect(readContact(after).fullName).toBe('Anna Roe')
  })

  it('a FileAs that follows from the names is not stored', () => {
    const after = edited(card('FN:Anna Roe', 'N:Roe;Anna;;;'), { 'Contacts:LastName': 'Doe', 'Contacts:FileAs': 'Doe, Anna' })
    expect(linesOf(after).slice(2, 4)).toEqual(['FN:Anna Doe', 'N:Doe;Anna;;;'])
    expect(lines(after, 'X-EVOLUTION-FILE-AS')).toEqual([])
  })

  it.each([
    ['Anna Roe', 'Anna Doe'], ['Roe, Anna', 'Doe, Anna'], ['Roe Anna', 'Doe Anna'], ['Dr. Anna Roe', 'Dr. Anna Doe'],
    ['Anna Roe (school)', 'Anna Doe (school)'], ['Annie', 'Dr. Anna Doe'],
  ])('the full name %s becomes %s with the last name', (before, after) => {
    const octets = card(`FN:${before.replace(',', '\\,')}`, 'N:Roe;Anna;;Dr.;')
    expect(readContact(edited(octets, { 'Contacts:LastName': 'Doe' })).fullName).toBe(after)
  })

  it('a company has a name to be shown by', () => {
    const octets = stored('company')
    expect(value(octets, 'Contacts:CompanyName')).toBe('Bauer & Söhne GmbH')
    expect(value(octets, 'Contacts:FileAs')).toBe('Bauer & Söhne GmbH')
    expect(value(octets, 'Contacts:LastName')).toBeUndefined()
    expect(readContact(edited(octets, { 'Contacts:CompanyName': 'Bauer AG' })).fullName).toBe('Bauer AG')
  })

  it('company and department change apart from each other, and smaller units stay', () => {
    expect(lines(edited(stored('work'), { 'Contacts:Department': 'D, 2' }), 'ORG')).toEqual(['ORG:Company\\, Inc.;D\\, 2;Team'])
    expect(lines(edited(card('FN:A', 'ORG:B;'), { 'Contacts:CompanyName': 'B;' }), 'ORG')).toEqual(['ORG:B\\;'])
    expect(lines(edited(stored('work'), { 'Contacts:JobTitle': 'Boss' }), 'ROLE')).toEqual(['ROLE:Leader'])
  })
})

describe('lines (trap 69)', () => {
  it('vCard 2.1 stays what it is: line ends, mark, quoted-printable, groups', () => {
    const before = stored('old-lines')
    const note = [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', 'ü\r\n;')]
    const after = edited(before, { 'Contacts:LastName': 'Größe', 'AirSyncBase:Body': note })
    expect(changedNames(before, after)).toEqual(['FN', 'N', 'NOTE'])
    expect(after.toString()).not.toContain('\r')
    expect(after.toString().startsWith('\ufeffBEGIN')).toBe(true)
    expect(lines(after, 'N')).toEqual(['N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Gr=C3=B6=C3=9Fe;J=C3=BCrgen'])
    expect(readContact(after)).toMatchObject({ lastName: 'Größe', firstName: 'Jürgen', note: 'ü\n;' })
  })

  it('what is written is folded at 75 octets and escaped', () => {
    const after = edited(stored('names'), { 'Contacts:JobTitle': `${'ä'.repeat(80)}, ;\\` })
    for (const line of after.toString('latin1').split('\r\n')) expect(line.length).toBeLessThanOrEqual(75)
    expect(lines(after, 'TITLE')).toEqual([`TITLE:${'ä'.repeat(80)}\\, \\;\\\\`])
  })
})

describe('more than there are places for (traps 70, 71)', () => {
  it('a number that goes leaves those beyond the places where they are', () => {
    const after = edited(stored('telephones'), { 'Contacts:HomePhoneNumber': undefined })
    expect(lines(stored('telephones'), 'TEL').filter(line => !lines(after, 'TEL').includes(line))).toEqual(['TEL;TYPE=HOME,VOICE,PREF:home preferred'])
    expect(lines(after, 'TEL')).toContain('TEL;TYPE=HOME,VOICE:home 3')
  })

  it('a client is told at once when one has moved up, or it would take it for deleted', () => {
    const nodes = withElement(told(stored('telephones')), 'Contacts:HomePhoneNumber')
    const after = hear(stored('telephones'), dataOf(nodes), context())
    expect(value(after, 'Contacts:HomePhoneNumber')).toBe('home 1')
    expect(isNews(after, dataOf(nodes), context())).toBe(true)
    expect(isNews(stored('telephones'), dataOf(told(stored('telephones'))), context())).toBe(false)
    expect(isNews(stored('telephones'), dataOf([]), context({ supported: new Set() }))).toBe(false)
  })

  it('a fourth address is kept, a change stays in its line, a new order changes nothing', () => {
    const before = stored('addresses-of-mail')
    const changed = edited(before, { 'Contacts:Email2Address': '"New" <new@example.com>' })
    expect(lines(changed, 'EMAIL').filter(line => !lines(before, 'EMAIL').includes(line))).toEqual(['EMAIL;PREF=50:new@example.com'])
    const turned = edited(before, { 'Contacts:Email1Address': 'second@example.com', 'Contacts:Email2Address': 'first@example.com' })
    expect(turned.equals(before)).toBe(true)
    const two = { 'Contacts:Email1Address': 'second@example.com', 'Contacts:Email2Address': 'third@example.com' }
    const fewer = edited(before, { ...two, 'Contacts:Email3Address': undefined })
    expect(lines(fewer, 'EMAIL')).toEqual(['EMAIL;PREF=50:second@example.com', 'EMAIL:third@example.com', 'EMAIL:fourth@example.com'])
    const more = edited(card('FN:A', 'EMAIL:a@x'), { 'Contacts:Email1Address': 'new@x', 'Contacts:Email2Address': 'a@x' })
    expect(lines(more, 'EMAIL')).toEqual(['EMAIL:a@x', 'EMAIL;TYPE=INTERNET:new@x'])
  })

  it('the same address in another program\'s property goes along', () => {
    const after = edited(stored('work'), { 'Contacts2:IMAddress': 'new@x' })
    expect([...lines(after, 'IMPP'), ...lines(after, 'X-JABBER')])
      .toEqual(['IMPP;X-SERVICE-TYPE=Jabber:xmpp:new@x', 'X-JABBER:new@x'])
  })

  it('a property that goes takes its label along', () => {
    expect(lines(edited(stored('work'), { 'Contacts:Spouse': undefined }), 'X-AB[a-z]*'))
      .toEqual(['item2.X-ABRELATEDNAMES:Bo', 'item2.X-ABLabel:_$!<Child>!$_'])
  })
})

it.each([
  ['TEL;TYPE=CELL:+1 555 0100\\;12#', '+1 555 0100;12#'], ['TEL;TYPE=CELL:+1,,12', '+1,,12'],
  ['TEL;VALUE=uri;TYPE=cell:tel:+1-555-0100;ext=12;phone-context=x', '+1-555-0100 x12'],
])('%s is told as %s', (line, number) => {
  expect(value(card('FN:A', line), 'Contacts:MobilePhoneNumber')).toBe(number)
})

describe('streets (trap 72)', () => {
  it.each([
    ['a line of the extended address', 'Apt 8\n1 High Street\nBack house', ';Apt 8;1 High Street\\nBack house;'],
    ['the last line', 'Apt 7\n1 High Street', ';Apt 7;1 High Street;'],
    ['all of it', 'Elsewhere', ';;Elsewhere;'],
  ])('%s changes', (_, street, expected) => {
    const [line] = lines(edited(stored('streets'), { 'Contacts:HomeAddressStreet': street }), 'ADR')
    expect(line).toBe(`ADR;TYPE=HOME:${expected}Leeds;West Yorkshire;LS1 1AA;United Kingdom`)
  })

  it('a label of the old address goes, one of another stays', () => {
    const change = { 'Contacts:HomeAddressCity': 'Bath' }
    expect(lines(edited(stored('streets'), change), 'LABEL')).toEqual([])
    expect(lines(edited(card('FN:A', 'ADR;TYPE=HOME:;;S;C;;;', 'LABEL;TYPE=WORK:x'), change), 'LABEL')).toEqual(['LABEL;TYPE=WORK:x'])
  })

  it('an address with nothing left goes', () => {
    const after = edited(card('FN:A', 'ADR;TYPE=WORK:;;S;C;;;'), { 'Contacts:BusinessAddressStreet': undefined, 'Contacts:BusinessAddressCity': undefined })
    expect(lines(after, 'ADR')).toEqual([])
  })
})

describe('groups and categories (trap 76)', () => {
  it.each(['KIND:group', 'X-ADDRESSBOOKSERVER-KIND:group', 'X-EVOLUTION-LIST:TRUE'])('%s is no contact', line => {
    expect(say(card('FN:Team', line), context())).toBeUndefined()
  })

  it('categories are one list', () => {
    const after = edited(stored('groups'), { 'Contacts:Categories': ['Golf', 'New, one'].map(one => el('Contacts:Category', one)) })
    expect(lines(after, 'CATEGORIES')).toEqual(['CATEGORIES:Golf,New\\, one'])
  })

  it('those beyond the first 300 stay where others change', () => {
    const many = card('FN:A', 'N:A;;;;', `CATEGORIES:${Array.from({ length: 310 }, (_, index) => index).join(',')}`)
    const after = edited(many, { 'Contacts:Categories': [el('Contacts:Category', 'x')] })
    expect(lines(after, 'CATEGORIES')).toEqual(['CATEGORIES:x,300,301,302,303,304,305,306,307,308,309'])
  })

  it('301 of them are refused', () => {
    const data = dataOf([el('Contacts:Categories', Array.from({ length: 301 }, (_, index) => el('Contacts:Category', String(index))))])
    expect(() => hear(stored('groups'), data, context())).toThrow(expect.objectContaining({ kind: 'malformed' }))
  })
})
