import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import jpeg from 'jpeg-js'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { hear, say, type ContactContext } from '../../../src/eas/map/contact.ts'
import { readContact } from '../../../src/formats/contact-read.ts'
import { versions } from '../../../src/eas/versions.ts'
import { el, type Node, type Tag } from '../../../src/wire/wbxml.ts'
import { changedNames, dataOf, linesOf, storedCards, withElement } from '../../support/cards.ts'
import { effort } from '../../support/effort.ts'
import { mutations } from '../../support/fuzz.ts'

const context = (more: Partial<ContactContext> = {}): ContactContext =>
  ({ version: '14.1', userAgent: undefined, bodies: [], supported: undefined, ...more })
const card = (...lines: readonly string[]): Buffer => Buffer.from(['BEGIN:VCARD', 'VERSION:3.0', ...lines, 'END:VCARD', ''].join('\r\n'))
const told = (octets: Uint8Array, more?: Partial<ContactContext>): readonly Node[] => say(octets, context(more))!
const value = (octets: Uint8Array, tag: Tag, more?: Partial<ContactContext>): unknown => told(octets, more).find(one => one.tag === tag)?.children
const heard = (octets: Uint8Array | undefined, nodes: readonly Node[], more?: Partial<ContactContext>): Buffer =>
  Buffer.from(hear(octets, dataOf(nodes), context(more)))
const edited = (octets: Uint8Array, tag: Tag, children: Node['children'] | undefined, more?: Partial<ContactContext>): Buffer =>
  heard(octets, withElement(told(octets, more), tag, children), more)
const lines = (octets: Uint8Array, name: string): string[] => linesOf(octets).filter(line => new RegExp(`^${name}[;:]`, 'i').test(line))

const agents = {
  iOS: 'Apple-iPhone9C1/1501.100', Android: 'Android/8', Samsung: 'SAMSUNG-SM-G/1', WindowsPhone: 'MSFT-WP/8', BlackBerry: 'BB10/1',
  Outlook: 'Outlook/16.0',
}

describe('days (trap 73)', () => {
  it.each([
    ['BDAY:19800229', '1980-02-29'], ['BDAY:1980-02-29', '1980-02-29'], ['BDAY:1980-02-29T23:30:00Z', '1980-02-29'], ['BDAY:19800229T000000+1400', '1980-02-29'],
    ['BDAY:--0229', '1604-02-29'], ['BDAY:--02-29', '1604-02-29'], ['BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29', '1604-02-29'], ['BDAY:1604-02-29', '1604-02-29'],
    ['BDAY:1981-02-29', undefined], ['BDAY:1980', undefined], ['BDAY:--02', undefined], ['BDAY;VALUE=text:in spring', undefined], ['BDAY:', undefined],
  ])('%s is %s', (line, day) => {
    expect(value(card('FN:A', line), 'Contacts:Birthday')).toBe(day && `${day}T11:59:00.000Z`)
  })

  it.each([
    ['iOS', '11:59:00'], ['Android', '08:00:00'], ['Samsung', '00:00:00'], ['WindowsPhone', '00:00:00'], ['BlackBerry', '11:00:00'], ['Outlook', '11:59:00'],
  ] as const)('%s is told the day at %s', (agent, time) => {
    expect(value(card('FN:A', 'BDAY:1980-02-29'), 'Contacts:Birthday', { userAgent: agents[agent] })).toBe(`1980-02-29T${time}.000Z`)
  })

  it.each([
    ['iOS', '1980-02-28T23:00:00.000Z'], ['iOS', '1980-02-28T22:00:00.000Z'], ['iOS', '1980-02-29T08:00:00.000Z'], ['iOS', '1980-02-28T18:30:00.000Z'],
    ['iOS', '19800228T230000Z'], ['Outlook', '1980-02-29T11:59:00.000Z'], ['Android', '1980-02-29T08:00:00.000Z'], ['Samsung', '1980-02-29T00:00:00.000Z'],
    ['Samsung', '1980-02-29T23:00:00.000Z'], ['BlackBerry', '1980-02-29T11:00:00.000Z'], ['WindowsPhone', '1980-02-29T00:00:00.000Z'], ['iOS', '1980-02-29'],
  ] as const)('%s means the 29th by %s', (agent, said) => {
    expect(lines(edited(card('FN:A', 'N:A'), 'Contacts:Birthday', said, { userAgent: agents[agent] }), 'BDAY')).toEqual(['BDAY:1980-02-29'])
  })

  it.each([
    ['BDAY:19800229', '1981-03-01', 'BDAY:19810301'], ['BDAY:1980-02-29T10:00:00Z', '1981-03-01', 'BDAY:1981-03-01'],
    ['BDAY;VALUE=date;X-A=1:--0229', '1604-03-01', 'BDAY;X-A=1:--0301'], ['BDAY:19800229', '1604-03-01', 'BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-01'],
    ['BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29', '1980-02-29', 'BDAY:1980-02-29'],
  ])('%s becomes %s in its own form', (line, day, expected) => {
    expect(lines(edited(card('FN:A', line), 'Contacts:Birthday', `${day}T11:59:00.000Z`), 'BDAY')).toEqual([expected])
  })

  it.each(['yesterday', '1980-02-30T00:00:00.000Z', '0000-01-01T00:00:00.000Z'])('%s is refused', said => {
    expect(() => edited(card('FN:A'), 'Contacts:Birthday', said)).toThrow(expect.objectContaining({ kind: 'malformed' }))
  })
})

const photo = (side: number): Buffer => {
  const data = Buffer.from(Uint8Array.from({ length: side * side * 4 }, (_, index) => index * 7919 % 251 ^ index >> 9))
  return jpeg.encode({ width: side, height: side, data }, 90).data as Buffer
}
const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64')

describe('pictures (trap 74)', () => {
  const small = photo(40), large = photo(640)
  const withPhoto = (octets: Uint8Array): Buffer => card('FN:A', 'N:A;;;;', `PHOTO;ENCODING=b;TYPE=JPEG:${base64(octets)}`)

  it('a small one is told as it is, a large one as a small JPEG', () => {
    expect(value(withPhoto(small), 'Contacts:Picture')).toBe(base64(small))
    const shown = Buffer.from(value(withPhoto(large), 'Contacts:Picture') as string, 'base64')
    expect(large.length).toBeGreaterThan(100_000)
    expect(shown.length).toBeLessThanOrEqual(36 * 1024)
    expect(jpeg.decode(shown)).toMatchObject({ width: 256, height: 256 })
  })

  it.each([
    ['a file in the web', 'PHOTO;VALUE=uri:http://x.example/a.jpg'], ['a file in the web, as 4.0 has it', 'PHOTO:https://x.example/a.jpg'],
    ['HEIC', `PHOTO;ENCODING=b:${base64(Buffer.from('\0\0\0\x18ftypheic', 'latin1'))}`], ['no base64', 'PHOTO;ENCODING=b:?'],
  ])('%s is not told, and stays', (_, line) => {
    const octets = card('FN:A', 'N:A;;;;', line)
    expect(value(octets, 'Contacts:Picture')).toBeUndefined()
    expect(lines(edited(octets, 'Contacts:JobTitle', 'x'), 'PHOTO')).toEqual([line])
  })

  it('the original stays where a client gives back the small one, or says nothing', () => {
    const octets = withPhoto(large)
    expect(heard(octets, told(octets)).equals(octets)).toBe(true)
    for (const version of ['2.5', '12.1', '14.1', '16.1'] as const) {
      expect(edited(octets, 'Contacts:Picture', undefined, { version }).equals(octets)).toBe(true)
    }
  })

  it('an empty one takes it away, but not from iOS', () => {
    expect(lines(edited(withPhoto(small), 'Contacts:Picture', ''), 'PHOTO')).toEqual([])
    expect(edited(withPhoto(small), 'Contacts:Picture', '', { userAgent: agents.iOS }).equals(withPhoto(small))).toBe(true)
  })

  it.each([
    ['3.0', `PHOTO;ENCODING=b;TYPE=JPEG:${base64(photo(9))}`], ['4.0', `PHOTO:data:image/jpeg;base64,${base64(photo(9))}`],
    ['2.1', `PHOTO;ENCODING=BASE64;TYPE=JPEG:${base64(photo(9))}`],
  ])('a new one in version %s', (version, line) => {
    const octets = Buffer.from(`BEGIN:VCARD\r\nVERSION:${version}\r\nFN:A\r\nPHOTO;VALUE=uri;X-ABCROP-RECTANGLE=1:http://x\r\nEND:VCARD\r\n`)
    expect(lines(edited(octets, 'Contacts:Picture', base64(photo(9))), 'PHOTO')).toEqual([line])
  })

  it('one of more than 48 KB in base64 is refused', () => {
    const most = 'A'.repeat(48 * 1024)
    expect(() => edited(card('FN:A'), 'Contacts:Picture', `${most}AAAA`)).toThrow(expect.objectContaining({ kind: 'malformed' }))
    expect(lines(edited(card('FN:A'), 'Contacts:Picture', most), 'PHOTO')).toHaveLength(1)
  })
})

describe('what a client leaves out (trap 75)', () => {
  const octets = card(
    'FN:Anna Roe', 'N:Roe;Anna;;;', 'TITLE:Boss', 'TEL;TYPE=CELL:1', 'BDAY:1980-01-01', 'CATEGORIES:A', 'RELATED;TYPE=child:C', 'NOTE:n',
    'PHOTO;ENCODING=b:/9j/',
  )
  const nothing = [el('Contacts:FirstName', 'Anna'), el('Contacts:LastName', 'Roe')]

  it.each([
    ['all is ghosted by an empty Supported', new Set<string>(), []],
    ['what Supported names goes, and the rest stays', new Set(['Contacts:JobTitle', 'Contacts:Birthday', 'Contacts:Children']), ['BDAY', 'RELATED', 'TITLE']],
    ['without Supported nothing is ghosted', undefined, ['BDAY', 'CATEGORIES', 'RELATED', 'TEL', 'TITLE']],
  ] as const)('%s', (_, supported, expected) => {
    for (const version of versions) expect(changedNames(octets, heard(octets, nothing, { version, supported }))).toEqual(expected)
  })

  it('what is empty goes, ghosted or not', () => {
    const supported = new Set<string>()
    expect(changedNames(octets, heard(octets, [el('Contacts:JobTitle', ''), el('Contacts:Birthday', ''), el('Contacts:Categories', [])], { supported })))
      .toEqual(['BDAY', 'CATEGORIES', 'TITLE'])
  })

  it('a note goes only where it is said to be empty', () => {
    expect(changedNames(octets, heard(octets, told(octets).filter(one => one.tag !== 'AirSyncBase:Body')))).toEqual([])
    expect(changedNames(octets, edited(octets, 'AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', '')]))).toEqual(['NOTE'])
    expect(changedNames(octets, edited(octets, 'Contacts:Body', '', { version: '2.5' }))).toEqual(['NOTE'])
  })
})

describe('notes of a contact', () => {
  const octets = card('FN:A', 'N:A;;;;', 'NOTE:Grüße & <mehr>\\nhttp://x.example/\\n  ende')

  it.each([1, 2, 3] as const)('a body of type %d that comes back is no change', type => {
    const bodies = [{ type }]
    const [body] = told(octets, { bodies })
    expect((body!.children as Node[])[0]).toEqual(el('AirSyncBase:Type', String(type)))
    expect(heard(octets, told(octets, { bodies }), { bodies }).equals(octets)).toBe(true)
  })

  it('is cut where the client asks for less, and what was cut it cannot have changed, though it does not say so', () => {
    const bodies = [{ type: 1 as const, truncationSize: 4 }]
    expect(told(octets, { bodies })[0]!.children).toEqual([
      el('AirSyncBase:Type', '1'), el('AirSyncBase:EstimatedDataSize', '43'), el('AirSyncBase:Truncated', '1'), el('AirSyncBase:Data', 'Grü'),
    ])
    expect(heard(octets, told(octets, { bodies }), { bodies }).equals(octets)).toBe(true)
    expect(told(octets, { bodies: [{ type: 1, truncationSize: 4, allOrNone: true }] })[0]!.children).not.toContainEqual(el('AirSyncBase:Data', 'Grü'))
    expect(told(octets, { bodies: [{ type: 3, truncationSize: 4 }] })[0]!.children).toHaveLength(3)
    expect(heard(octets, told(octets, { bodies, version: '2.5' }), { bodies, version: '2.5' }).equals(octets)).toBe(true)
    const cut = [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', 'Grü')]
    expect(edited(octets, 'AirSyncBase:Body', cut, { bodies }).equals(octets)).toBe(true)
  })

  it('HTML becomes text', () => {
    const body = [el('AirSyncBase:Type', '2'), el('AirSyncBase:Data', '<p>One<br>two &amp; <b>three</b></p>')]
    expect(readContact(edited(octets, 'AirSyncBase:Body', body)).note).toBe('One\ntwo & three')
    expect(() => edited(octets, 'AirSyncBase:Body', [el('AirSyncBase:Type', '4'), el('AirSyncBase:Data', 'x')])).toThrow(Failure)
  })
})

describe('a new contact', () => {
  it('has what it needs', () => {
    const names = [el('Contacts:FirstName', 'Anna'), el('Contacts:LastName', 'Roe'), el('Contacts:FileAs', 'Roe, Anna')]
    const octets = heard(undefined, [...names, el('Contacts:MobilePhoneNumber', '1')])
    expect(linesOf(octets).filter(line => !line.startsWith('UID:'))).toEqual([
      'BEGIN:VCARD', 'VERSION:3.0', 'PRODID:-//Postern//EN', 'N:Roe;Anna;;;', 'FN:Anna Roe', 'TEL;TYPE=CELL:1', 'END:VCARD', '',
    ])
    expect(lines(octets, 'UID')[0]).toMatch(/^UID:[0-9a-f-]{36}$/)
  })

  it.each([
    [{ 'Contacts:CompanyName': 'Acme' }, 'FN:Acme'], [{ 'Contacts:Email1Address': 'a@x' }, 'FN:a@x'], [{ 'Contacts2:NickName': 'N' }, 'FN:N'],
    [{ 'Contacts:FileAs': 'F' }, 'FN:F'], [{ 'Contacts:Title': 'Dr.', 'Contacts:LastName': 'Roe', 'Contacts:Suffix': 'Jr.' }, 'FN:Dr. Roe Jr.'], [{}, 'FN:'],
  ])('%j is called %s', (elements, expected) => {
    expect(lines(heard(undefined, Object.entries(elements).map(([tag, text]) => el(tag as Tag, text))), 'FN')).toEqual([expected])
  })

  it('what a client says of one is what it is told of it', () => {
    const tags: readonly Tag[] = [
      'Contacts:FirstName', 'Contacts:LastName', 'Contacts:CompanyName', 'Contacts:HomeAddressStreet', 'Contacts:Email1Address',
      'Contacts:Spouse', 'Contacts:PagerNumber', 'Contacts2:CompanyMainPhone', 'Contacts:RadioPhoneNumber', 'Contacts:AssistantPhoneNumber',
      'Contacts:OtherAddressCity', 'Contacts2:IMAddress', 'Contacts2:MMS',
    ]
    const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
      .map(text => text.replace(/\p{Cc}|[<>:]/gu, '').trim()).filter(text => text !== '')
    fc.assert(fc.property(fc.array(word, { minLength: tags.length, maxLength: tags.length }), words => {
      const nodes = tags.map((tag, index) => el(tag, words[index]!))
      const again = told(heard(undefined, nodes)).filter(one => tags.includes(one.tag))
      expect(new Map(again.map(one => [one.tag, one.children]))).toEqual(new Map(nodes.map(one => [one.tag, one.children])))
    }), { numRuns: 300 })
  })
})

describe('bad input', () => {
  it.each(['', 'x', 'BEGIN:VCALENDAR\r\nEND:VCALENDAR', '\0\0\0'])('%j is malformed', text => {
    expect(() => readContact(Buffer.from(text))).toThrow(expect.objectContaining({ kind: 'malformed' }))
  })

  it.each([
    ['bare 8 bits', Buffer.from('BEGIN:VCARD\nFN:J\xfcrgen\nN:M\xfcller;J\xfcrgen\nEND:VCARD\n', 'latin1'), { firstName: 'Jürgen', lastName: 'Müller' }],
    ['no end', Buffer.from('BEGIN:VCARD\nFN:A\nTITLE:B\n'), { fullName: 'A', jobTitle: 'B' }],
    ['two of what there is one of', card('FN:A B', 'FN:C D', 'N:B;A', 'N:D;C', 'VERSION:4.0', 'ORG:E', 'ORG:F'), { fullName: 'A B', company: 'E' }],
    ['a group that is none', card('FN:A', 'KIND:individual', 'X-ADDRESSBOOKSERVER-KIND:group'), { isGroup: true }],
    ['two contacts', Buffer.concat([card('FN:A'), card('FN:B')]), { fullName: 'A' }],
    ['lines that are none', card('FN:A', 'no line', '=', ':', ';:', 'TITLE;;=;:x'), { jobTitle: 'x' }],
  ])('%s is read as far as it goes, and kept', (_, octets, expected) => {
    expect(readContact(octets)).toMatchObject(expected)
    const after = heard(octets, [el('Contacts2:MMS', 'x')], { supported: new Set() }).toString('latin1')
    expect(after.replace(/X-MMS:x\r?\n/, '')).toBe(octets.toString('latin1'))
  })

  it('control characters and halves of characters are not told', () => {
    expect(value(card('FN:A', 'TITLE:a\0\x07b'), 'Contacts:JobTitle')).toBe('ab')
  })

  it('a picture of 10 MB takes no time to speak of', () => {
    const octets = Buffer.from(`BEGIN:VCARD\r\nFN:A\r\nPHOTO;ENCODING=b:${'/9j/'.repeat(2_500_000)}\r\nEND:VCARD\r\n`)
    const edit = () => expect(lines(heard(octets, [el('Contacts:JobTitle', 'x')], { supported: new Set() }), 'TITLE')).toEqual(['TITLE:x'])
    expect(effort(edit)).toBeLessThan(5)
  })

  const repeated = [
    'CATEGORIES:a', 'URL:http://x', 'RELATED;TYPE=child:a', 'item1.X-ABDATE:2000-01-01', 'EMAIL:a@x', 'TEL;TYPE=HOME:1', 'N:a;b', 'item1.X-ABLabel:x', 'PHOTO:x',
  ]

  it.each(repeated)(
    '%s nine thousand times takes no time to speak of', line => {
      const octets = card('FN:A', ...Array.from({ length: 9000 }, (_, index) => index % 2 ? line : `${line}${index}`))
      expect(effort(() => {
        heard(octets, [])
        heard(octets, [el('Contacts:Categories', [el('Contacts:Category', 'x')]), el('Contacts:Picture', '')])
      })).toBeLessThan(5)
    })

  it('a vCard of more than 10,000 lines is refused', () => {
    expect(() => readContact(card('FN:A', ...Array(10_000).fill('NOTE:x')))).toThrow(expect.objectContaining({ kind: 'too-large' }))
  })

  it('20,000 mutations of the vCards are read and changed, or refused', () => {
    const samples = storedCards().map(({ octets }) => octets)
    const tags: readonly Tag[] = ['Contacts:FirstName', 'Contacts:HomePhoneNumber', 'Contacts:Email1Address', 'Contacts:HomeAddressCity', 'Contacts:Spouse']
    const data = dataOf(tags.map(tag => el(tag, 'x')))
    let count = 0
    for (const bytes of mutations(samples, 20_000, 69)) {
      try {
        readContact(bytes)
        if (count++ % 8 > 0) continue
        say(bytes, context())
        readContact(hear(bytes, data, context()))
      } catch (error) {
        if (!(error instanceof Failure)) throw error
      }
    }
  }, 60_000)

  it('the vCards of the tests are in a file that says how it is read', () => {
    expect(readFileSync(new URL('../../support/cards.txt', import.meta.url), 'utf8')).toMatch(/^# /)
  })
})
