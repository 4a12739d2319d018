import {
  addressPlaces, emailFields, imFields, plainFields, type AddressPlace, type EmailField, type ImField, type PhoneField, type PlainField,
} from '../model/contact.ts'
import { linesOf, parameterOf, valueOf, type Line } from './content-lines.ts'
import { byPreference, labelOf, partsOf, textOf, typesOf, type Card } from './vcard.ts'

export type Slot = PhoneField | EmailField | ImField | AddressPlace | PlainField | 'child' | 'birthday' | 'anniversary'

/**
 * Which lines of a vCard hold which field. The first is read; the others say the same in another program's property, and change
 * with it. Lines that are in no slot are more than the fields can show, and stay as they are.
 */
export type Slots = ReadonlyMap<Slot, readonly Line[]>

export function slotsOf(card: Card): Slots {
  const slots = new Map<Slot, Line[]>()
  placePhones(card, slots)
  placeInOrder(card, slots, emailFields, emails(card))
  placeInOrder(card, slots, imFields, linesOf(card.component).filter(({ name }) => messengers.has(name)))
  placeAddresses(card, slots)
  for (const field of plainFields) placePlain(card, slots, field)
  for (const date of ['birthday', 'anniversary'] as const) placePlain(card, slots, date)
  const children = linesOf(card.component).filter(line => isOneOf(card, line, ways.child) && shownText(line, card) !== '')
  slots.set('child', children)
  return slots
}

/** What a line says, without what belongs to the property's form only. */
export function shownText(line: Line, { version }: Pick<Card, 'version'>): string {
  const text = textOf(line, version)
  switch (line.name) {
    case 'EMAIL': return addressOf(text)
    // RFC 3966, URI Syntax; elsewhere a semicolon is a pause in dialling
    case 'TEL': case 'X-MS-TEL': return /^tel:/i.test(text) ? text.slice(4).replace(/;ext=([^;]*)/i, ' x$1').replace(/;.*/s, '') : text
    case 'IMPP': return text.replace(schemes, '')
    default: return text
  }
}

/** RFC 5322, Address Specification: what is between angle brackets, `mailto:` left out. */
export const addressOf = (text: string): string => (/<([^<>]+)>\s*$/.exec(text)?.[1] ?? text).replace(/^mailto:/i, '').trim()

// RFC 4770 and what programs write; sip: is part of the address
export const schemes = /^(?:im|xmpp|aim|icq|skype|msnim|msn|ymsgr|yahoo|x-apple|irc|gg|qq|facebook|gtalk|google-talk)(?::|%3A)/i

const messengers = new Set([
  'IMPP', 'X-AIM', 'X-ICQ', 'X-JABBER', 'X-MSN', 'X-YAHOO', 'X-SKYPE', 'X-SKYPE-USERNAME', 'X-GOOGLE-TALK', 'X-GTALK', 'X-GADUGADU',
  'X-GROUPWISE', 'X-QQ', 'X-TWITTER', 'X-MATRIX', 'X-SIP', 'X-MS-IMADDRESS', 'X-KADDRESSBOOK-X-IMADDRESS',
])

type Takes = (types: ReadonlySet<string>) => boolean
const has = (...names: readonly string[]): Takes => types => names.some(name => types.has(name))

/** RFC 2426, TEL; the first row that takes a line decides. What has no place is left where it is. */
const phoneRows: readonly { readonly takes: Takes; readonly into: readonly PhoneField[]; readonly loose?: true }[] = [
  { takes: has('bbs', 'modem', 'isdn', 'telex', 'x-evolution-telex', 'textphone', 'x-evolution-ttytdd'), into: [] },
  { takes: has('pager'), into: ['pager'] },
  { takes: types => has('homefax', 'home fax')(types) || (types.has('fax') && types.has('home')), into: ['homeFax'] },
  { takes: types => has('workfax', 'work fax')(types) || (types.has('fax') && types.has('work')), into: ['businessFax'] },
  { takes: has('fax', 'otherfax'), into: ['businessFax', 'homeFax'], loose: true },
  { takes: has('assistant', 'x-assistant', 'x-evolution-assistant'), into: ['assistantPhone'] },
  { takes: has('radio', 'x-radio', 'x-evolution-radio'), into: ['radioPhone'] },
  { takes: has('car'), into: ['carPhone'] },
  { takes: has('main', 'company', 'company main', 'x-evolution-company'), into: ['companyMainPhone'] },
  { takes: has('cell', 'mobile', 'iphone', 'pcs'), into: ['mobilePhone'] },
  { takes: has('work'), into: ['businessPhone', 'business2Phone'] },
  { takes: has('home'), into: ['homePhone', 'home2Phone'] },
]

/** Where a number goes that is neither at home nor at work, or a second one of a kind there is one place for. */
const anyPhone: readonly PhoneField[] = ['homePhone', 'home2Phone', 'businessPhone', 'business2Phone']

function placePhones(card: Card, slots: Map<Slot, Line[]>): void {
  const place = (line: Line, into: readonly PhoneField[]): boolean => {
    const free = into.find(slot => !slots.has(slot))
    if (free) slots.set(free, [line])
    return free !== undefined
  }
  const lines = byPreference(linesOf(card.component).filter(({ name }) => name === 'TEL' || name === 'X-MS-TEL'))
  const later: [Line, readonly PhoneField[]][] = []
  for (const line of lines.filter(one => shownText(one, card) !== '')) {
    const label = labelOf(card, line)
    const types = new Set([...typesOf(line), ...(label === undefined ? [] : [label])])
    const row = phoneRows.find(({ takes }) => takes(types))
    if (row && !row.loose && place(line, row.into)) continue
    if (row?.loose) later.push([line, row.into])
    else if (!row || row.into[0] === 'mobilePhone') {
      later.push([line, types.has('work') ? ['businessPhone', 'business2Phone'] : types.has('home') ? ['homePhone', 'home2Phone'] : anyPhone])
    }
  }
  for (const [line, into] of later) place(line, into)
}

const emails = (card: Card): Line[] => {
  const foreign = has('x400', 'telex', 'tlx')
  return byPreference(linesOf(card.component, 'EMAIL').filter(line => !foreign(typesOf(line))))
}

/** One slot after the other; a line that repeats an earlier one shares its slot. */
function placeInOrder(card: Card, slots: Map<Slot, Line[]>, fields: readonly Slot[], lines: readonly Line[]): void {
  const seen = new Map<string, Line[]>()
  for (const line of lines) {
    const text = shownText(line, card).toLowerCase()
    const same = seen.get(text)
    if (same) same.push(line)
    else if (text !== '') {
      const first = [line]
      const field = fields[seen.size]
      seen.set(text, first)
      if (field) slots.set(field, first)
    }
  }
}

/** The first of each place; one without a place is as good as one of another. */
function placeAddresses(card: Card, slots: Map<Slot, Line[]>): void {
  const lines = byPreference(linesOf(card.component, 'ADR')).filter(line => partsOf(line, card.version).some(list => list.join('').trim() !== ''))
  const placeOf = (line: Line): AddressPlace => {
    const types = new Set([...typesOf(line), labelOf(card, line) ?? ''])
    return types.has('home') ? 'home' : types.has('work') ? 'business' : 'other'
  }
  for (const place of addressPlaces) {
    const of = lines.filter(line => placeOf(line) === place)
    const line = place === 'other' ? of.find(one => typesOf(one).has('other')) ?? of[0] : of[0]
    if (line) slots.set(place, [line])
  }
}

/** A property that may hold a field: by its name, a TYPE, or the label of its group. */
type Way = { readonly name: string; readonly types?: readonly string[]; readonly labels?: readonly string[] }

const named = (...names: readonly string[]): Way[] => names.map(name => ({ name }))
const related = (...names: readonly string[]): Way[] => [{ name: 'RELATED', types: names }, { name: 'X-ABRELATEDNAMES', labels: names }]

/**
 * Where programs keep what RFC 2426 and RFC 6350 have no property for: Evolution's, KDE's, Outlook's and Apple's names, and those in
 * common use. The last are own ones.
 */
const ways: Readonly<Record<PlainField | 'child' | 'birthday' | 'anniversary', readonly Way[]>> = {
  nickname: named('NICKNAME', 'X-NICKNAME'),
  webPage: named('URL'),
  jobTitle: named('TITLE'),
  note: named('NOTE'),
  fileAs: named('X-EVOLUTION-FILE-AS'),
  spouse: [...related('spouse', 'partner'), ...named('X-SPOUSE', 'X-EVOLUTION-SPOUSE', 'X-KADDRESSBOOK-X-SPOUSESNAME', 'X-MS-SPOUSE')],
  assistant: [
    ...related('assistant'), ...named('X-ASSISTANT', 'X-EVOLUTION-ASSISTANT', 'X-KADDRESSBOOK-X-ASSISTANTSNAME', 'X-MS-ASSISTANT'),
  ],
  manager: [...related('manager'), ...named('X-MANAGER', 'X-EVOLUTION-MANAGER', 'X-KADDRESSBOOK-X-MANAGERSNAME', 'X-MS-MANAGER')],
  officeLocation: named('X-KADDRESSBOOK-X-OFFICE', 'X-OFFICE', 'X-MS-OFFICE-LOCATION'),
  yomiFirstName: named('X-PHONETIC-FIRST-NAME'),
  yomiLastName: named('X-PHONETIC-LAST-NAME'),
  yomiCompany: named('X-PHONETIC-ORG'),
  customerId: named('X-CUSTOMER-ID'),
  governmentId: named('X-GOVERNMENT-ID'),
  accountName: named('X-ACCOUNT-NAME'),
  mms: named('X-MMS'),
  child: [...related('child'), ...named('X-CHILD', 'X-MS-CHILD')],
  birthday: named('BDAY'),
  anniversary: [
    { name: 'ANNIVERSARY' }, { name: 'X-ABDATE', labels: ['anniversary'] },
    ...named('X-ANNIVERSARY', 'X-EVOLUTION-ANNIVERSARY', 'X-KADDRESSBOOK-X-ANNIVERSARY', 'X-MS-ANNIVERSARY'),
  ],
}

function isOneOf(card: Card, line: Line, list: readonly Way[]): boolean {
  return list.some(({ name, types, labels }) => line.name === name
    && (!types || (types.some(type => typesOf(line).has(type)) && isText(line)))
    && (!labels || labels.includes(labelOf(card, line) ?? '')))
}

// RFC 6350, RELATED: an address of another vCard is no name
const isText = (line: Line): boolean =>
  parameterOf(line, 'VALUE')?.toLowerCase() === 'text' || !/^(?:urn|https?|mailto|data|file):/i.test(valueOf(line).trim())

/** The first that says something, and all that say the same. */
function placePlain(card: Card, slots: Map<Slot, Line[]>, field: PlainField | 'birthday' | 'anniversary'): void {
  const found = linesOf(card.component).filter(line => isOneOf(card, line, ways[field]) && shownText(line, card) !== '')
  const lines = field === 'webPage' ? byPreference(found) : found
  const first = lines[0]
  if (first) slots.set(field, lines.filter(line => shownText(line, card) === shownText(first, card)))
}
