import {
  addressParts, addressPlaces, emailFields, filedAs, imFields, nameFields, phoneFields, plainFields, type AddressPlace, type Contact,
  type ContactPatch, type ContactText, type DayOfYear,
} from '../model/contact.ts'
import {
  escapeText, insert, isLine, lineOf, linesOf, printLines, rawValue, rewriteLine, splitEscaped, valueOf, writeComponent, writeDocument,
  writeLine, writeParameter, type Component, type Line, type Parameter, type Written,
} from './content-lines.ts'
import { renamed } from './contact-name.ts'
import { addressPieces, categoriesOf, contactOf, fullNameOf, namesOf, noYear, streetOf } from './contact-read.ts'
import { schemes, shownText, slotsOf, type Slot, type Slots } from './contact-slots.ts'
import { parseCard, printCard, textOf, typesOf, type Card, type CardVersion } from './vcard.ts'

/** A vCard, and what is to become of its lines. */
type Edit = {
  readonly card: Card
  readonly slots: Slots
  readonly before: Contact
  readonly patch: ContactPatch
  readonly changed: Map<Line, readonly Line[]>
  readonly added: Line[]
}

/** The stored octets with what is to change, and nothing else, changed in them. Throws `malformed` where there is no vCard. */
export function patchContact(octets: Uint8Array, patch: ContactPatch): Uint8Array {
  if (Object.values(patch).every(value => value === undefined)) return octets
  const card = parseCard(octets), slots = slotsOf(card)
  const edit: Edit = { card, slots, before: contactOf(card, slots), patch, changed: new Map(), added: [] }
  for (const field of plainFields) if (field !== 'fileAs') patchSlot(edit, field, patch[field])
  for (const fields of [phoneFields, imFields]) for (const field of fields) patchSlot(edit, field, patch[field])
  patchEmails(edit)
  for (const place of addressPlaces) patchAddress(edit, place)
  patchNames(edit)
  patchFileAs(edit)
  for (const field of ['birthday', 'anniversary'] as const) patchDay(edit, field, patch[field])
  if (patch.children) patchChildren(edit, patch.children)
  if (patch.categories) patchCategories(edit, patch.categories)
  if (patch.picture !== undefined) patchPicture(edit, patch.picture)
  return edit.changed.size + edit.added.length === 0 ? octets : printCard(card, edited(edit))
}

/** A new vCard of version 3.0, which all servers and clients understand. */
export function newContact(patch: ContactPatch, uid: string): Uint8Array {
  const lines = [['VERSION', '3.0'], ['PRODID', '-//Postern//EN'], ['UID', uid], ['N', ';;;;'], ['FN', '']] as const
  const component = writeComponent('VCARD', lines.map(([label, value]) => writeLine({ label, value }, '\r\n')), '\r\n')
  const fullName = renamed('', {}, { ...patch, fullName: '' } as Partial<Contact>)
  const octets = printLines(writeDocument(component))
  const patched = patchContact(octets, patch)
  return fullName === fullNameOf(parseCard(patched)) ? patched : named(patched, fullName)
}

function put({ changed, added }: Edit, line: Line | undefined, ...lines: readonly Line[]): void {
  if (line) changed.set(line, lines)
  else added.push(...lines)
}

/** Apple keeps the label of a property in a property of its own, which says nothing when the first is gone. */
const isLabel = ({ name }: Line): boolean => name === 'X-ABLABEL' || name === 'X-ABADR'

function edited({ card: { component }, changed, added }: Edit): Component {
  const content = component.content.flatMap((one): Component['content'] => (isLine(one) ? changed.get(one) : undefined) ?? [one])
  const gone = new Set([...changed].flatMap(([{ group }, lines]) => group !== undefined && lines.length === 0 ? [group] : []))
  const left = new Set(content.filter(isLine).filter(line => !isLabel(line)).map(({ group }) => group))
  const kept = content.filter(one => !isLine(one) || !isLabel(one) || !gone.has(one.group ?? '') || left.has(one.group))
  return insert({ ...component, content: kept }, ...added)
}

// vCard 2.1 has no escape for a line break, and no character set of its own
const written = (version: CardVersion, value: string, structured = false): Pick<Written, 'value' | 'quotedPrintable'> => version === '2.1'
  ? { value: structured ? value : value.replace(/;/g, '\\;'), quotedPrintable: /[^\x20-\x7e]/.test(value) }
  : { value: structured ? value : escapeText(value) }

/** One piece of a value that is made of components. */
const piece = (version: CardVersion, text: string): string => version === '2.1' ? text.replace(/;/g, '\\;') : escapeText(text)

/** A value of components: those that say the same as before stand as they are written, and so do more than there should be. */
function composed(version: CardVersion, line: Line | undefined, before: readonly string[], after: readonly string[]): string {
  const stored = line ? splitEscaped(valueOf(line), ';') : []
  const pieces = Array.from({ length: Math.max(stored.length, after.length) }, (_, index) => {
    const text = after[index]
    const same = text === undefined || (index < stored.length && text === (before[index] ?? ''))
    return same ? stored[index] ?? '' : piece(version, text)
  })
  while (line && pieces.length > stored.length && pieces.at(-1) === '') pieces.pop()
  return pieces.join(';')
}

function patchSlot(edit: Edit, slot: Slot, value: string | null | undefined): void {
  const lines = edit.slots.get(slot) ?? []
  if (value === undefined) return
  if (!value) for (const line of lines) put(edit, line)
  else if (lines.length === 0) put(edit, undefined, newLine(edit, slot, value))
  else for (const line of lines) if (shownText(line, edit.card) !== value) put(edit, line, withText(edit, line, value))
}

/** The line with another text, in the form the property has. */
function withText({ card: { document, version } }: Pick<Edit, 'card'>, line: Line, text: string): Line {
  const stored = textOf(line, version)
  if (line.name === 'TEL' && /^tel:/i.test(stored)) {
    // RFC 3966, URI Syntax: no spaces
    if (/^\+?[\d().-]+$/.test(text)) return rewriteLine(line, { value: `tel:${text}` }, document.lineEnd)
    const parameters = [...line.parameters.filter(({ name }) => name !== 'VALUE'), writeParameter('VALUE', 'text')]
    return rewriteLine(line, { parameters, ...written(version, text) }, document.lineEnd)
  }
  const scheme = line.name === 'IMPP' && !/^[a-z][a-z-]+:/i.test(text) ? schemes.exec(stored)?.[0] ?? '' : ''
  const mailto = line.name === 'EMAIL' && /^mailto:/i.test(stored) ? 'mailto:' : ''
  return rewriteLine(line, written(version, scheme + mailto + text), document.lineEnd)
}

/** RFC 2426, TEL, ADR; the types of Evolution and Apple where there is no other. */
const types: { readonly [slot in Slot]?: readonly string[] } = {
  homePhone: ['HOME', 'VOICE'], home2Phone: ['HOME', 'VOICE'], businessPhone: ['WORK', 'VOICE'], business2Phone: ['WORK', 'VOICE'],
  mobilePhone: ['CELL'], homeFax: ['HOME', 'FAX'], businessFax: ['WORK', 'FAX'], pager: ['PAGER'], carPhone: ['CAR'],
  radioPhone: ['X-EVOLUTION-RADIO'], assistantPhone: ['X-EVOLUTION-ASSISTANT'], companyMainPhone: ['MAIN'],
  home: ['HOME'], business: ['WORK'],
}

const labels: { readonly [slot in Slot]?: string } = {
  nickname: 'NICKNAME', webPage: 'URL', jobTitle: 'TITLE', note: 'NOTE', fileAs: 'X-EVOLUTION-FILE-AS', spouse: 'X-SPOUSE',
  assistant: 'X-ASSISTANT', manager: 'X-MANAGER', officeLocation: 'X-KADDRESSBOOK-X-Office', yomiFirstName: 'X-PHONETIC-FIRST-NAME',
  yomiLastName: 'X-PHONETIC-LAST-NAME', yomiCompany: 'X-PHONETIC-ORG', customerId: 'X-CUSTOMER-ID', governmentId: 'X-GOVERNMENT-ID',
  accountName: 'X-ACCOUNT-NAME', mms: 'X-MMS', child: 'RELATED', birthday: 'BDAY', home: 'ADR', business: 'ADR', other: 'ADR',
}

function newLine({ card: { document, version } }: Edit, slot: Slot, text: string): Line {
  const kinds = (types[slot] ?? []).map(kind => writeParameter('TYPE', version === '4.0' ? kind.toLowerCase() : kind))
  const relation = (version === '4.0' && slot === 'spouse') || slot === 'child' ? slot : undefined
  const line = (label: string, parameters: readonly Parameter[], value: string): Line =>
    writeLine({ label, parameters, ...written(version, value) }, document.lineEnd)
  if (relation) return line('RELATED', [writeParameter('TYPE', relation), writeParameter('VALUE', 'text')], text)
  if (slot.startsWith('email')) return line('EMAIL', version === '4.0' ? [] : [writeParameter('TYPE', 'INTERNET')], text)
  if (/^im\d/.test(slot)) return line('IMPP', [], /^[a-z][a-z-]+:/i.test(text) ? text : `im:${text}`)
  return line(labels[slot] ?? 'TEL', kinds, text)
}

/**
 * Which address is first and which second has no meaning of its own: one that goes on to be there keeps its line, new ones take the
 * lines of those that are gone.
 */
function patchEmails(edit: Edit): void {
  const wanted = emailFields.map(field => edit.patch[field] === undefined ? edit.before[field] : edit.patch[field])
  const old = emailFields.map(field => edit.before[field])
  if (wanted.every((value, index) => (value ?? '') === (old[index] ?? ''))) return
  const isNew = (value: string | null | undefined): value is string => !!value && !old.includes(value)
  const free = emailFields.filter((_, index) => old[index] && !wanted.includes(old[index]))
  for (const [index, field] of emailFields.entries()) {
    const value = wanted[index]
    if (!isNew(value)) continue
    const own = free.includes(field) ? field : free.find(one => !isNew(wanted[emailFields.indexOf(one)]))
    if (own) free.splice(free.indexOf(own), 1)
    if (own) patchSlot(edit, own, value)
    else put(edit, undefined, newLine(edit, field, value))
  }
  for (const field of free) patchSlot(edit, field, null)
}

function patchAddress(edit: Edit, place: AddressPlace): void {
  const { card, patch, before } = edit
  const after = Object.fromEntries(addressParts.map(part => {
    const value = patch[`${place}${part}`]
    return [part, (value === undefined ? before[`${place}${part}`] : value) ?? '']
  })) as Record<(typeof addressParts)[number], string>
  if (addressParts.every(part => after[part] === (before[`${place}${part}`] ?? ''))) return
  const line = edit.slots.get(place)?.[0]
  const old = line ? addressPieces(line, card) : []
  const doors = street(old, after.Street)
  const pieces = [...doors, after.City, after.State, after.PostalCode, after.Country]
  if (pieces.every(text => text === '')) return line && put(edit, line)
  const change = written(card.version, composed(card.version, line, old, pieces), true)
  if (line) {
    // A label written for the old address does not fit the new one.
    const parameters = line.parameters.filter(({ name }) => name !== 'LABEL')
    put(edit, line, rewriteLine(line, { parameters, ...change }, card.document.lineEnd))
    for (const label of linesOf(card.component, 'LABEL').filter(one => sameTypes(one, line))) put(edit, label)
  } else {
    const kinds = (types[place] ?? []).map(kind => writeParameter('TYPE', card.version === '4.0' ? kind.toLowerCase() : kind))
    put(edit, undefined, writeLine({ label: 'ADR', parameters: kinds, ...change }, card.document.lineEnd))
  }
}

const sameTypes = (one: Line, other: Line): boolean => {
  const [first, second] = [typesOf(one), typesOf(other)].map(set => [...set].filter(type => type !== 'pref').sort().join())
  return first === second
}

/** Post office box, extended address and street out of lines: what is still there stays where it was, and so does the number of lines. */
function street(old: readonly string[], text: string): [string, string, string] {
  const [box = '', extended = '', first = ''] = old
  if (text === streetOf(old)) return [box, extended, first]
  const lines = text.split('\n')
  const count = (one: string): number => one === '' ? 0 : one.split('\n').length
  const kept = lines.length === count(box) + count(extended) + count(first)
  const take = (one: string): string => {
    const n = count(one)
    const here = lines.slice(0, n).join('\n')
    if (n === 0 || (!kept && here !== one)) return ''
    lines.splice(0, n)
    return here
  }
  return [take(box), take(extended), lines.join('\n')]
}

function patchNames(edit: Edit): void {
  const { card, patch } = edit
  const old = namesOf(card)
  const given = Object.entries(patch).filter(([field, value]) => value !== undefined && isName(field))
  let after = { ...old, ...Object.fromEntries(given) } as Partial<Contact>
  const changed = (fields: readonly ContactText[]): boolean => fields.some(field => (after[field] ?? '') !== (edit.before[field] ?? ''))
  if (changed(nameFields)) setName(edit, after)
  // A company that was known by its full name only needs a property of its own when a person's name comes in its place.
  const namesake = changed(nameFields) && edit.before.company !== undefined && !lineOf(card.component, 'ORG')
  if (changed(['company', 'department']) || namesake) setCompany(edit, after)
  const byAddress = fullNameOf(card) === edit.before.email1
  if (byAddress && patch.email1 !== undefined) after = { ...after, email1: patch.email1! }
  if (!changed([...nameFields, 'company', ...(byAddress ? ['email1'] as const : [])])) return
  const fullName = renamed(fullNameOf(card), edit.before, { ...edit.before, ...after })
  setFullName(edit, fullName)
}

const isName = (field: string): boolean => ([...nameFields, 'company', 'department'] as string[]).includes(field)

/** RFC 2426, N. */
function setName(edit: Edit, after: Partial<Contact>): void {
  const { card: { component, version, document }, before } = edit
  const line = lineOf(component, 'N')
  const texts = (names: Partial<Contact>): string[] => nameFields.map(field => names[field] ?? '')
  const change = written(version, composed(version, line, texts(before), texts(after)), true)
  put(edit, line, line ? rewriteLine(line, change, document.lineEnd) : writeLine({ label: 'N', ...change }, document.lineEnd))
}

/** RFC 2426, ORG: units below the department stay. */
function setCompany(edit: Edit, after: Partial<Contact>): void {
  const { card: { component, version, document }, before } = edit
  const line = lineOf(component, 'ORG')
  const texts = (names: Partial<Contact>): string[] => [names.company ?? '', names.department ?? '']
  const units = splitEscaped(composed(version, line, texts(before), texts(after)), ';')
  while (units.at(-1) === '') units.pop()
  const value = units.join(';')
  if (value === '') return line && put(edit, line)
  const change = written(version, value, true)
  put(edit, line, line ? rewriteLine(line, change, document.lineEnd) : writeLine({ label: 'ORG', ...change }, document.lineEnd))
}

function setFullName(edit: Edit, text: string): void {
  const { card: { component, version, document } } = edit
  const line = linesOf(component, 'FN').find(one => textOf(one, version) === fullNameOf(edit.card)) ?? lineOf(component, 'FN')
  if (line && textOf(line, version) === text) return
  const change = written(version, text)
  put(edit, line, line ? rewriteLine(line, change, document.lineEnd) : writeLine({ label: 'FN', ...change }, document.lineEnd))
}

function named(octets: Uint8Array, fullName: string): Uint8Array {
  const card = parseCard(octets)
  const edit: Edit = { card, slots: new Map(), before: contactOf(card, new Map()), patch: {}, changed: new Map(), added: [] }
  setFullName(edit, fullName)
  return printCard(card, edited(edit))
}

/** What follows from the names needs no property of its own. */
function patchFileAs(edit: Edit): void {
  const value = edit.patch.fileAs
  if (!value || edit.slots.has('fileAs')) return patchSlot(edit, 'fileAs', value)
  const after = Object.fromEntries(Object.entries(edit.patch).filter(([, one]) => one !== undefined)) as Partial<Contact>
  if (value !== filedAs({ ...edit.before, ...after })) patchSlot(edit, 'fileAs', value)
}

const two = (number: number): string => String(number).padStart(2, '0')

/** In the form the stored date has; a new one in that of its version. */
function patchDay(edit: Edit, field: 'birthday' | 'anniversary', day: DayOfYear | null | undefined): void {
  if (day === undefined) return
  const { card: { version, document } } = edit
  const lines = edit.slots.get(field) ?? []
  if (day === null) {
    for (const line of lines) put(edit, line)
    return
  }
  const label = field === 'birthday' ? 'BDAY' : version === '4.0' ? 'ANNIVERSARY' : 'X-ANNIVERSARY'
  const plain = (parameters: readonly Parameter[]): Parameter[] =>
    parameters.filter(({ name }) => name !== 'X-APPLE-OMIT-YEAR' && name !== 'VALUE')
  for (const line of lines.length > 0 ? lines : [undefined]) {
    const basic = line ? /^\d{8}|^--\d{4}/.test(rawValue(line)) : version === '4.0'
    const separator = basic ? '' : '-'
    const apple = day.year === undefined && version !== '4.0' && !(line && rawValue(line).startsWith('--'))
    const year = apple ? `${noYear}-` : day.year === undefined ? `--` : `${String(day.year).padStart(4, '0')}${separator}`
    const value = `${year}${two(day.month)}${apple ? '-' : separator}${two(day.day)}`
    const parameters = [...plain(line?.parameters ?? []), ...(apple ? [writeParameter('X-APPLE-OMIT-YEAR', String(noYear))] : [])]
    put(edit, line, writeLine({ label: line?.label ?? label, parameters, value }, document.lineEnd))
  }
}

/** Children that go on to be there keep their lines. */
function patchChildren(edit: Edit, children: readonly string[]): void {
  const lines = (edit.slots.get('child') ?? []).slice(0, edit.before.children.length)
  const shown = new Set(lines.map(line => shownText(line, edit.card)))
  for (const line of lines) if (!children.includes(shownText(line, edit.card))) put(edit, line)
  for (const child of new Set(children)) if (child && !shown.has(child)) put(edit, undefined, newLine(edit, 'child', child))
}

function patchCategories(edit: Edit, categories: readonly string[]): void {
  const { card, card: { component, version, document }, before } = edit
  const said = [...new Set(categories)].filter(Boolean)
  if (said.length === before.categories.length && said.every(one => before.categories.includes(one))) return
  const [first, ...rest] = linesOf(component, 'CATEGORIES')
  for (const line of rest) put(edit, line)
  const wanted = [...new Set([...said, ...categoriesOf(card).slice(before.categories.length)])]
  const value = { ...written(version, wanted.map(one => piece(version, one)).join(','), true) }
  if (wanted.length === 0) return first && put(edit, first)
  put(edit, first, first ? rewriteLine(first, value, document.lineEnd) : writeLine({ label: 'CATEGORIES', ...value }, document.lineEnd))
}

const signatures: readonly (readonly [type: string, octets: string])[] =
  [['jpeg', '\xff\xd8'], ['png', '\x89PNG'], ['gif', 'GIF8'], ['bmp', 'BM']]

function patchPicture(edit: Edit, picture: Uint8Array | null): void {
  const { card: { component, version, document } } = edit
  const [line, ...rest] = linesOf(component, 'PHOTO')
  if (!picture) {
    for (const one of [line, ...rest]) if (one) put(edit, one)
    return
  }
  const octets = Buffer.from(picture)
  const [type] = signatures.find(([, head]) => octets.toString('latin1', 0, 8).startsWith(head)) ?? ['jpeg']
  const label = line?.label ?? 'PHOTO'
  const inline = [writeParameter('ENCODING', version === '2.1' ? 'BASE64' : 'b'), writeParameter('TYPE', type.toUpperCase())]
  const base64 = octets.toString('base64')
  put(edit, line, writeLine(version === '4.0'
    ? { label, value: `data:image/${type};base64,${base64}` }
    : { label, parameters: inline, value: base64 }, document.lineEnd))
}
