import {
  addressParts, addressPlaces, emailFields, imFields, nameFields, phoneFields, plainFields, type AddressField, type Contact,
  type ContactText, type DayOfYear, type NameField,
} from '../model/contact.ts'
import { lineOf, linesOf, parameterOf, rawValue, valueOf, type Line } from './content-lines.ts'
import { shownText, slotsOf, type Slots } from './contact-slots.ts'
import { listOf, parseCard, partsOf, textOf, typesOf, type Card } from './vcard.ts'

/** Octets of a picture in base64 that are looked at; entries of a list that are. */
const most = { picture: 24 * 1024 * 1024, entries: 300 }

/** RFC 2426, RFC 6350: a stored vCard as far as it can be understood. Throws `malformed` where there is none. */
export function readContact(octets: Uint8Array): Contact {
  const card = parseCard(octets)
  return contactOf(card, slotsOf(card))
}

export function contactOf(card: Card, slots: Slots): Contact {
  const texts: { [field in ContactText]?: string } = { ...namesOf(card) }
  for (const field of [...phoneFields, ...emailFields, ...imFields, ...plainFields]) {
    const line = slots.get(field)?.[0]
    if (line) texts[field] = shownText(line, card)
  }
  return {
    ...texts, ...addressesOf(card, slots),
    fullName: fullNameOf(card),
    children: (slots.get('child') ?? []).slice(0, most.entries).map(line => shownText(line, card)),
    categories: categoriesOf(card).slice(0, most.entries),
    birthday: dayOf(slots.get('birthday')?.[0]),
    anniversary: dayOf(slots.get('anniversary')?.[0]),
    picture: pictureOf(card),
    isGroup: isGroup(card),
  }
}

/** All of them, of which the first are shown. */
export const categoriesOf = (card: Card): string[] =>
  [...new Set(linesOf(card.component, 'CATEGORIES').flatMap(line => listOf(line, card.version)))]

/** RFC 6350, KIND; Apple's and Evolution's older ways. */
const groups = [['KIND', 'group'], ['X-ADDRESSBOOKSERVER-KIND', 'group'], ['X-EVOLUTION-LIST', 'true']] as const

/** A list of contacts, which is none itself. */
export const isGroup = ({ component }: Card): boolean =>
  groups.some(([name, value]) => linesOf(component, name).some(line => rawValue(line).trim().toLowerCase() === value))

export const fullNameOf = (card: Card): string =>
  linesOf(card.component, 'FN').map(line => textOf(line, card.version)).find(text => text !== '') ?? ''

export type Names = { readonly [field in NameField | 'company' | 'department']?: string }

/**
 * RFC 2426, N, FN and ORG. Who has a full name and no names is a company where the properties say so, and else is named by what the full
 * name seems to be made of.
 */
export function namesOf(card: Card): Names {
  const line = lineOf(card.component, 'N')
  const parts = line ? partsOf(line, card.version) : []
  const written = Object.fromEntries(nameFields.flatMap((field, index) => {
    const text = (parts[index] ?? []).map(piece => piece.trim()).filter(Boolean).join(field === 'suffix' ? ', ' : ' ')
    return text ? [[field, text]] : []
  }))
  const org = lineOf(card.component, 'ORG')
  const [company = '', department = ''] = org ? partsOf(org, card.version).map(list => list.join(',').trim()) : []
  const full = fullNameOf(card)
  const kind = lineOf(card.component, 'KIND')
  const asCompany = kind !== undefined && /^(?:org|application|location)$/i.test(rawValue(kind).trim())
  const alone = Object.keys(written).length === 0 && full !== ''
  const names = !alone ? written : asCompany || full === company || isShownAsCompany(card) || isAddress(card, full) ? {} : splitName(full)
  const employer = company || (alone && asCompany ? full : '')
  return { ...names, ...(employer ? { company: employer } : {}), ...(department ? { department } : {}) }
}

const isShownAsCompany = ({ component }: Card): boolean => {
  const line = lineOf(component, 'X-ABSHOWAS')
  return line !== undefined && rawValue(line).trim().toUpperCase() === 'COMPANY'
}

const isAddress = (card: Card, full: string): boolean => linesOf(card.component, 'EMAIL').some(line => shownText(line, card) === full)

/** `Roe, Anna` or `Anna Maria Roe`. */
function splitName(full: string): Names {
  const [, last, first] = /^([^,]+),\s*([^,]+)$/.exec(full) ?? []
  if (last && first) return { lastName: last.trim(), firstName: first.trim() }
  const words = full.split(/\s+/)
  return words.length > 1 ? { firstName: words.slice(0, -1).join(' '), lastName: words.at(-1)! } : { firstName: full }
}

/** RFC 6350, ADR: post office box, extended address, street, locality, region, postal code, country. */
export const addressOrder = { box: 0, extended: 1, street: 2, City: 3, State: 4, PostalCode: 5, Country: 6 } as const

export const addressPieces = (line: Line, card: Card): string[] =>
  partsOf(line, card.version).map(list => list.map(piece => piece.trim()).filter(Boolean).join(', '))

/** All that leads to the door, one below the other (trap 72). */
export const streetOf = (pieces: readonly string[]): string =>
  [pieces[addressOrder.box], pieces[addressOrder.extended], pieces[addressOrder.street]].filter(Boolean).join('\n')

function addressesOf(card: Card, slots: Slots): { [field in AddressField]?: string } {
  const texts: { [field in AddressField]?: string } = {}
  for (const place of addressPlaces) {
    const line = slots.get(place)?.[0]
    const pieces = line ? addressPieces(line, card) : []
    for (const part of addressParts) {
      const text = part === 'Street' ? streetOf(pieces) : pieces[addressOrder[part]]
      if (text) texts[`${place}${part}`] = text
    }
  }
  return texts
}

// RFC 6350, Date and Time; the other form is that of ISO 8601, which RFC 2426 has
const date = /^(?:(\d{4})-?|--)(\d\d)-?(\d\d)(?:[T ].*)?$/

/** Apple's way to leave out the year in vCard 3.0: a leap year long ago. */
export const noYear = 1604

/** The day as its numerals say, whatever the time of day and the zone (trap 73). Undefined for what is no whole day. */
function dayOf(line: Line | undefined): DayOfYear | undefined {
  const match = line && parameterOf(line, 'VALUE')?.toLowerCase() !== 'text' ? date.exec(valueOf(line).trim()) : null
  if (!line || !match) return undefined
  const omitted = parameterOf(line, 'X-APPLE-OMIT-YEAR') ?? String(noYear)
  const year = match[1] === undefined || match[1] === omitted ? undefined : Number(match[1])
  return validDay({ year, month: Number(match[2]), day: Number(match[3]) })
}

export function validDay(day: DayOfYear): DayOfYear | undefined {
  const date = new Date(0)
  date.setUTCFullYear(day.year ?? noYear, day.month - 1, day.day)
  return date.getUTCMonth() === day.month - 1 && date.getUTCDate() === day.day && day.year !== 0 ? day : undefined
}

/** RFC 2426, PHOTO; RFC 6350, PHOTO: base64 or a `data:` address. What has to be fetched is none: the address may be anybody's. */
function pictureOf(card: Card): Uint8Array | undefined {
  for (const line of linesOf(card.component, 'PHOTO')) {
    if (line.raw.length > most.picture) continue
    const value = rawValue(line).trim()
    const data = /^data:[^,]{0,200};base64\\?,/i.exec(value)
    const encoded = ['b', 'base64'].includes(parameterOf(line, 'ENCODING')?.toLowerCase() ?? '')
    if (!data && (!encoded || typesOf(line).has('url') || /^(?:https?|file|cid):/i.test(value))) continue
    const octets = Buffer.from(data ? value.slice(data[0].length) : value, 'base64')
    if (octets.length > 0) return octets
  }
  return undefined
}
