import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hear, say, type ContactContext } from '../../../src/eas/map/contact.ts'
import { readContact } from '../../../src/formats/contact-read.ts'
import { versions } from '../../../src/eas/versions.ts'
import { el, type Node, type Tag } from '../../../src/wire/wbxml.ts'
import { codes } from '../../../src/wire/wbxml-pages.ts'
import { changedNames, dataOf, linesOf, storedCards, withElement } from '../../support/cards.ts'

const cards = storedCards()
const shown = cards.filter(({ octets }) => !readContact(octets).isGroup)
const context = (version: ContactContext['version'], userAgent?: string, supported?: ContactContext['supported']): ContactContext =>
  ({ version, userAgent, bodies: [], supported })
const agents = ['Apple-iPhone9C1/1501.100', 'Android/8', 'SAMSUNG-SM-G/1', 'RIM-BB10/1']
const told = (octets: Uint8Array, version: ContactContext['version']): readonly Node[] => say(octets, context(version))!

/** What a client may change, to what, and which properties of the vCard may change with it. */
const phone = ['TEL', 'X-MS-TEL', 'X-ABLABEL'], address = ['ADR', 'LABEL'], name = ['N', 'FN']
const messenger = [
  'IMPP', 'X-AIM', 'X-ICQ', 'X-JABBER', 'X-MSN', 'X-YAHOO', 'X-SKYPE', 'X-SKYPE-USERNAME', 'X-GOOGLE-TALK', 'X-GTALK', 'X-GADUGADU',
  'X-GROUPWISE', 'X-QQ', 'X-TWITTER', 'X-SIP', 'X-MS-IMADDRESS', 'X-KADDRESSBOOK-X-IMADDRESS',
]
const related = ['RELATED', 'X-ABRELATEDNAMES', 'X-ABLABEL']
const edits: readonly (readonly [tag: Tag, value: string, properties: readonly string[]])[] = [
  ['Contacts:FirstName', 'Neu, Ünal', name], ['Contacts:LastName', 'Neu;er', name], ['Contacts:MiddleName', 'M', name],
  ['Contacts:Title', 'Dame', name], ['Contacts:Suffix', 'II', name],
  ['Contacts:CompanyName', 'New, Inc.', ['ORG', 'FN']], ['Contacts:Department', 'Dep; new', ['ORG']],
  ['Contacts:JobTitle', 'Chief', ['TITLE']], ['Contacts:FileAs', 'Filed so', ['X-EVOLUTION-FILE-AS']],
  ['Contacts:HomePhoneNumber', '+1', phone], ['Contacts:Home2PhoneNumber', '+2', phone], ['Contacts:BusinessPhoneNumber', '+3', phone],
  ['Contacts:Business2PhoneNumber', '+4', phone], ['Contacts:MobilePhoneNumber', '+5 (0) 5', phone], ['Contacts:HomeFaxNumber', '+6', phone],
  ['Contacts:BusinessFaxNumber', '+7', phone], ['Contacts:PagerNumber', '+8', phone], ['Contacts:CarPhoneNumber', '+9', phone],
  ['Contacts:RadioPhoneNumber', '+10', phone], ['Contacts:AssistantPhoneNumber', '+11', phone], ['Contacts2:CompanyMainPhone', '+12', phone],
  ['Contacts:Email1Address', 'new@example.org', ['EMAIL', 'FN']], ['Contacts:Email2Address', 'new2@example.org', ['EMAIL']],
  ['Contacts:Email3Address', 'new3@example.org', ['EMAIL']],
  ['Contacts2:IMAddress', 'new@im.example', messenger], ['Contacts2:IMAddress2', 'two@im.example', messenger],
  ['Contacts2:IMAddress3', 'sip:three@im.example', messenger],
  ['Contacts:HomeAddressStreet', 'New Street 1\nBehind', address], ['Contacts:HomeAddressCity', 'New; City', address],
  ['Contacts:HomeAddressState', 'NS', address], ['Contacts:HomeAddressPostalCode', 'N1', address], ['Contacts:HomeAddressCountry', 'Newland', address],
  ['Contacts:BusinessAddressStreet', 'New Street 2', address], ['Contacts:BusinessAddressCity', 'Bcity', address],
  ['Contacts:BusinessAddressState', 'BS', address], ['Contacts:BusinessAddressPostalCode', 'B1', address],
  ['Contacts:BusinessAddressCountry', 'Bland', address],
  ['Contacts:OtherAddressStreet', 'New Street 3', address], ['Contacts:OtherAddressCity', 'Ocity', address],
  ['Contacts:OtherAddressState', 'OS', address], ['Contacts:OtherAddressPostalCode', 'O1', address], ['Contacts:OtherAddressCountry', 'Oland', address],
  ['Contacts:WebPage', 'https://new.example/?a=1,2;3', ['URL', 'X-ABLABEL']],
  ['Contacts:Spouse', 'New Spouse', [...related, 'X-SPOUSE', 'X-EVOLUTION-SPOUSE', 'X-KADDRESSBOOK-X-SPOUSESNAME', 'X-MS-SPOUSE']],
  ['Contacts:AssistantName', 'New As', [...related, 'X-ASSISTANT', 'X-EVOLUTION-ASSISTANT', 'X-KADDRESSBOOK-X-ASSISTANTSNAME', 'X-MS-ASSISTANT']],
  ['Contacts2:ManagerName', 'New Boss', [...related, 'X-MANAGER', 'X-EVOLUTION-MANAGER', 'X-KADDRESSBOOK-X-MANAGERSNAME', 'X-MS-MANAGER']],
  ['Contacts:OfficeLocation', 'Room 99', ['X-KADDRESSBOOK-X-OFFICE']],
  ['Contacts:YomiFirstName', 'ヨ', ['X-PHONETIC-FIRST-NAME']], ['Contacts:YomiLastName', 'ミ', ['X-PHONETIC-LAST-NAME']],
  ['Contacts:YomiCompanyName', 'シャ', ['X-PHONETIC-ORG']], ['Contacts2:NickName', 'Nick', ['NICKNAME']],
  ['Contacts2:CustomerId', 'C', ['X-CUSTOMER-ID']], ['Contacts2:GovernmentId', 'G', ['X-GOVERNMENT-ID']],
  ['Contacts2:AccountName', 'A', ['X-ACCOUNT-NAME']], ['Contacts2:MMS', 'M', ['X-MMS']],
]
const dates = [
  'BDAY', 'ANNIVERSARY', 'X-ANNIVERSARY', 'X-EVOLUTION-ANNIVERSARY', 'X-KADDRESSBOOK-X-ANNIVERSARY', 'X-MS-ANNIVERSARY', 'X-ABDATE', 'X-ABLABEL',
]

const flat = (nodes: readonly Node[]): string => JSON.stringify(nodes)
const valueOf = (octets: Uint8Array, tag: Tag, version: ContactContext['version']): unknown => told(octets, version).find(one => one.tag === tag)?.children

describe('the vCards', () => {
  it('there are more than a hundred vCards, with every property of RFC 2426 and RFC 6350', () => {
    expect(cards.length).toBeGreaterThanOrEqual(100)
    const names = new Set(cards.flatMap(({ octets }) => linesOf(octets).map(line => line.split(/[:;]/)[0]!.toUpperCase())))
    const rfc2426 = 'BEGIN END SOURCE NAME PROFILE FN N NICKNAME PHOTO BDAY ADR LABEL TEL EMAIL MAILER TZ GEO TITLE ROLE LOGO AGENT ORG '
      + 'CATEGORIES NOTE PRODID REV SORT-STRING SOUND UID URL VERSION CLASS KEY'
    const rfc6350 = 'KIND XML ANNIVERSARY GENDER IMPP LANG MEMBER RELATED CLIENTPIDMAP FBURL CALADRURI CALURI'
    expect(`${rfc2426} ${rfc6350}`.split(' ').filter(one => !names.has(one))).toEqual([])
    // RFC 6350, 8605, 9554
    const parameters = 'LANGUAGE VALUE PREF ALTID PID TYPE MEDIATYPE CALSCALE SORT-AS GEO TZ CHARSET ENCODING LEVEL INDEX CC AUTHOR AUTHOR-NAME CREATED DERIVED LABEL PROPID '
      + 'SERVICE-TYPE USERNAME'
    const heads = cards.flatMap(({ octets }) => linesOf(octets).map(line => line.toUpperCase()))
    expect(parameters.split(' ').filter(name => !heads.some(line => new RegExp(`^[\\w.-]+(;([^:"]|"[^"]*")*)?;${name}=`).test(line)))).toEqual([])
  })
})

it('every element that is one text is changed below', () => {
  const others = /^Contacts:(Body|Categor|Child|CompressedRTF|Picture|Alias|WeightedRank|Birthday|Anniversary)/
  const all = [...codes.keys()].filter(tag => /^Contacts2?:/.test(tag) && !others.test(tag))
  expect(edits.map(([tag]) => tag as string).sort()).toEqual(all.sort())
})

describe('elements that are ghosted', () => {
  it.each(cards)('$title: nothing said, nothing changed', ({ octets }) => {
    for (const version of versions) expect(hear(octets, dataOf([]), context(version, undefined, new Set()))).toEqual(octets)
  })

  it.each(edits)('%s is kept where Supported names others, and goes where it names it', (tag, value) => {
    const octets = hear(undefined, dataOf([el('Contacts:CompanyName', 'C'), el(tag, value)]), context('14.1'))
    for (const version of versions) {
      const without = dataOf(withElement(told(octets, version), tag))
      expect(hear(octets, without, context(version, undefined, new Set(['Contacts:Birthday'])))).toEqual(octets)
      expect(valueOf(hear(octets, without, context(version, undefined, new Set([tag]))), tag, version)).not.toBe(value)
    }
  })
})

describe('what was told and comes back', () => {
  it.each(shown)('$title: changes no octet', ({ octets }) => {
    const wishes = [...versions.map(version => context(version)), ...agents.map(agent => context('14.1', agent))]
    for (const wish of wishes) expect(Buffer.from(hear(octets, dataOf(say(octets, wish)!), wish)).toString()).toBe(octets.toString())
  })
})

describe('an element that is changed', () => {
  it.each(shown)('$title: its property changes, and no other', ({ octets, title }) => {
    for (const [turn, version] of versions.entries()) {
      const before = told(octets, version)
      // Every card meets every edit, and every edit every version.
      for (const [tag, value, properties] of edits.filter((_, index) => (index + title.length) % versions.length === turn)) {
        const after = hear(octets, dataOf(withElement(before, tag, value)), context(version))
        const names = changedNames(octets, after)
        const allowed = title === 'an organisation' && properties === name ? [...name, 'ORG'] : properties
        expect(names.filter(one => !allowed.includes(one)), `${tag} ${version}`).toEqual([])
        expect(names.length, `${tag} ${version}`).toBeGreaterThan(0)
        const rest = told(after, version).filter(one => one.tag !== tag && one.tag !== 'Contacts:FileAs')
        // A new one where none was before may be shown in the first free place of its kind.
        const kind = /Phone|Email|IMAddress|FileAs/.test(tag) ? /Phone|Email|IMAddress|FileAs|Fax/ : /^Contacts:FileAs$/
        const others = (nodes: readonly Node[]): Node[] => nodes.filter(one => one.tag !== tag && !kind.test(one.tag))
        expect(flat(others(rest)), `${tag} ${version}`).toBe(flat(others(before)))
        expect(told(after, version).map(one => one.children), `${tag} ${version}`).toContain(value)
      }
    }
  })
})

it('any text that is said of any vCard is told again, and no other property changes', () => {
  const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
    .map(text => text.replace(/\p{Cc}|[<>:]/gu, '').trim()).filter(text => text !== '')
  fc.assert(fc.property(fc.constantFrom(...shown), fc.constantFrom(...edits), word, fc.constantFrom(...versions), (card, edit, value, version) => {
    const [tag, , properties] = edit
    const after = hear(card.octets, dataOf(withElement(told(card.octets, version), tag, value)), context(version))
    expect(told(after, version).map(one => one.children), `${card.title} ${tag}`).toContain(value)
    const names = changedNames(card.octets, after)
    expect(names.filter(one => ![...properties, ...(properties === name ? ['ORG'] : [])].includes(one)), card.title).toEqual([])
  }), { numRuns: 1000 })
})

describe('an element that is left out', () => {
  it.each(shown)('$title: its property goes, and no other', ({ octets }) => {
    const before = told(octets, '16.1')
    for (const [tag, , properties] of edits) {
      const gone = before.find(one => one.tag === tag)
      if (!gone) continue
      const after = hear(octets, dataOf(withElement(before, tag)), context('16.1'))
      expect(changedNames(octets, after).filter(one => ![...properties, 'X-ABLABEL', 'X-ABADR'].includes(one)), tag).toEqual([])
      if (!/FileAs|Phone|Fax|Email|IMAddress|WebPage|JobTitle|Address|Name$/.test(tag)) expect(valueOf(after, tag, '16.1'), tag).toBeUndefined()
    }
  })
})

describe('notes, days, lists and pictures that are changed', () => {
  it.each(shown)('$title: their property changes, and no other', ({ octets, title }) => {
    for (const version of versions.filter((_, index) => (index + title.length) % 3 === 0)) {
      const before = told(octets, version)
      const change = (tag: Tag, children?: Node['children']): string[] =>
        changedNames(octets, hear(octets, dataOf(withElement(before, tag, children)), context(version)))
      const note = version === '2.5'
        ? change('Contacts:Body', 'Neue\r\nNotiz; mit, allem')
        : change('AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', 'Neue\r\nNotiz; mit, allem')])
      expect(note).toEqual(['NOTE'])
      expect(change('Contacts:Birthday', '1999-12-31T11:59:00.000Z')).toEqual(['BDAY'])
      const anniversary = change('Contacts:Anniversary', '1999-12-30T11:59:00.000Z')
      expect(anniversary.filter(one => !dates.includes(one))).toEqual([])
      expect(change('Contacts:Categories', [el('Contacts:Category', 'New, one')])).toEqual(['CATEGORIES'])
      const children = change('Contacts:Children', [el('Contacts:Child', 'New')])
      expect(children.filter(one => ![...related, 'X-CHILD', 'X-MS-CHILD'].includes(one))).toEqual([])
      expect(change('Contacts:Picture', Buffer.from('\xff\xd8\xffpicture', 'latin1').toString('base64'))).toEqual(['PHOTO'])
    }
  })
})
