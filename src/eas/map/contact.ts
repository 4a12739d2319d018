import { randomUUID } from 'node:crypto'
import { Failure } from '../../base/failure.ts'
import { cleanText, cutUtf8 } from '../../formats/charset.ts'
import { newContact, patchContact } from '../../formats/contact-patch.ts'
import { readContact } from '../../formats/contact-read.ts'
import { addressOf } from '../../formats/contact-slots.ts'
import { smallPicture } from '../../formats/picture.ts'
import { filedAs, type Contact, type ContactPatch, type ContactText, type DayOfYear } from '../../model/contact.ts'
import type { BodyPreference } from '../../state/sync-options.ts'
import { child, children, el, octets, text, type Element, type Node, type Tag } from '../../wire/wbxml.ts'
import { clientOf } from '../quirks.ts'
import type { Version } from '../versions.ts'
import { hearDay, sayDay } from './contact-day.ts'
import { echoed, hearText, sayText, tidy } from './text-body.ts'

/** What the mapping must know beside the contact. */
export type ContactContext = {
  readonly version: Version
  readonly userAgent: string | undefined
  readonly deviceType?: string | undefined
  readonly bodies: readonly BodyPreference[]
  /**
   * [MS-ASCMD] Supported: of these elements, those that the client leaves out are to be cleared, of others kept; undefined where it named
   * none, so that all are cleared.
   */
  readonly supported: ReadonlySet<string> | undefined
}

/** [MS-ASCNTC] Contact class elements that are one text each, in the order clients are used to. */
const texts: readonly (readonly [tag: Tag, field: ContactText])[] = [
  ['Contacts:AssistantName', 'assistant'], ['Contacts:AssistantPhoneNumber', 'assistantPhone'],
  ['Contacts:Business2PhoneNumber', 'business2Phone'],
  ['Contacts:BusinessAddressCity', 'businessCity'], ['Contacts:BusinessAddressCountry', 'businessCountry'],
  ['Contacts:BusinessAddressPostalCode', 'businessPostalCode'], ['Contacts:BusinessAddressState', 'businessState'],
  ['Contacts:BusinessAddressStreet', 'businessStreet'], ['Contacts:BusinessFaxNumber', 'businessFax'],
  ['Contacts:BusinessPhoneNumber', 'businessPhone'], ['Contacts:CarPhoneNumber', 'carPhone'],
  ['Contacts:CompanyName', 'company'], ['Contacts:Department', 'department'],
  ['Contacts:Email1Address', 'email1'], ['Contacts:Email2Address', 'email2'], ['Contacts:Email3Address', 'email3'],
  ['Contacts:FileAs', 'fileAs'], ['Contacts:FirstName', 'firstName'], ['Contacts:MiddleName', 'middleName'],
  ['Contacts:HomeAddressCity', 'homeCity'], ['Contacts:HomeAddressCountry', 'homeCountry'],
  ['Contacts:HomeAddressPostalCode', 'homePostalCode'], ['Contacts:HomeAddressState', 'homeState'],
  ['Contacts:HomeAddressStreet', 'homeStreet'], ['Contacts:HomeFaxNumber', 'homeFax'],
  ['Contacts:HomePhoneNumber', 'homePhone'], ['Contacts:Home2PhoneNumber', 'home2Phone'],
  ['Contacts:JobTitle', 'jobTitle'], ['Contacts:LastName', 'lastName'], ['Contacts:MobilePhoneNumber', 'mobilePhone'],
  ['Contacts:OfficeLocation', 'officeLocation'],
  ['Contacts:OtherAddressCity', 'otherCity'], ['Contacts:OtherAddressCountry', 'otherCountry'],
  ['Contacts:OtherAddressPostalCode', 'otherPostalCode'], ['Contacts:OtherAddressState', 'otherState'],
  ['Contacts:OtherAddressStreet', 'otherStreet'], ['Contacts:PagerNumber', 'pager'], ['Contacts:RadioPhoneNumber', 'radioPhone'],
  ['Contacts:Spouse', 'spouse'], ['Contacts:Suffix', 'suffix'],
  // What stands before a name, whatever its name in the document: all clients use it so.
  ['Contacts:Title', 'prefix'],
  ['Contacts:WebPage', 'webPage'], ['Contacts:YomiCompanyName', 'yomiCompany'], ['Contacts:YomiFirstName', 'yomiFirstName'],
  ['Contacts:YomiLastName', 'yomiLastName'],
  ['Contacts2:CustomerId', 'customerId'], ['Contacts2:GovernmentId', 'governmentId'],
  ['Contacts2:IMAddress', 'im1'], ['Contacts2:IMAddress2', 'im2'], ['Contacts2:IMAddress3', 'im3'],
  ['Contacts2:ManagerName', 'manager'], ['Contacts2:CompanyMainPhone', 'companyMainPhone'],
  ['Contacts2:AccountName', 'accountName'], ['Contacts2:NickName', 'nickname'], ['Contacts2:MMS', 'mms'],
]

const days = [['Contacts:Anniversary', 'anniversary'], ['Contacts:Birthday', 'birthday']] as const
const lists = [['Contacts:Categories', 'Contacts:Category', 'categories'], ['Contacts:Children', 'Contacts:Child', 'children']] as const

/** Octets of a text; of a picture, and of it in base64: [MS-ASCNTC] Picture; entries: [MS-ASCNTC] Category, Child. */
const most = { text: 32 * 1024, picture: 36 * 1024, base64: 48 * 1024, entries: 300 }

const shown = (value: string | undefined): string => cutUtf8(cleanText(value ?? ''), most.text)

/** What is told of a field, which is more than is stored of it where names tell it. */
const told = (contact: Contact, field: ContactText): string => shown(field === 'fileAs' ? contact.fileAs ?? filedAs(contact) : contact[field])

/**
 * [MS-ASCNTC] Contact class elements; undefined for a list of contacts, which is none. What says nothing is left out. Throws `malformed`
 * for what is no vCard.
 */
export function say(stored: Uint8Array, context: ContactContext): readonly Node[] | undefined {
  const contact = readContact(stored)
  if (contact.isGroup) return undefined
  const client = clientOf(context.userAgent, context.deviceType ?? '')
  const picture = contact.picture && smallPicture(contact.picture, most.picture)
  return [
    ...sayText(contact.note ?? '', context.bodies, context.version, 'Contacts'),
    ...days.flatMap(([tag, field]) => contact[field] ? [el(tag, sayDay(contact[field], client))] : []),
    ...texts.flatMap(([tag, field]) => told(contact, field) ? [el(tag, told(contact, field))] : []),
    ...lists.flatMap(([tag, item, field]) => contact[field].length > 0 ? [el(tag, contact[field].map(one => el(item, shown(one))))] : []),
    ...(picture ? [el('Contacts:Picture', Buffer.from(picture).toString('base64'))] : []),
  ]
}

/**
 * What is stored, with what the client says in it; a new vCard where nothing is. Only fields that are said otherwise than they are told
 * change. Throws `malformed`, also for a picture that is too large.
 */
export function hear(stored: Uint8Array | undefined, data: Element, context: ContactContext): Uint8Array {
  const before = stored && readContact(stored)
  const client = clientOf(context.userAgent, context.deviceType ?? '')
  const patch = {
    ...hearTexts(before, data, context.supported), ...hearDays(before, data, context.supported, client),
    ...hearLists(before, data, context.supported), ...hearNote(before, data, context), ...hearPicture(before, data, client),
  }
  return stored ? patchContact(stored, patch) : newContact(patch, randomUUID())
}

/** Whether an element that is not there says that its field is empty: not where it is ghosted. */
const clears = (tag: Tag, supported: ContactContext['supported']): boolean => supported === undefined || supported.has(tag)

const lineBreaks = (value: string): string => cleanText(value).replace(/\r\n?/g, '\n').trim()

/** A field as it is stored: of a mail address the address only. */
const heard = (field: ContactText, value = ''): string => field.startsWith('email') ? addressOf(lineBreaks(value)) : lineBreaks(value)

function hearTexts(before: Contact | undefined, data: Element, supported: ContactContext['supported']): ContactPatch {
  const patch: { [field in ContactText]?: string | null } = {}
  for (const [tag, field] of texts) {
    const value = text(data, tag)
    if (value === undefined && !clears(tag, supported)) continue
    const said = heard(field, value)
    if (said !== (before ? told(before, field).trim() : '')) patch[field] = said || null
  }
  return patch
}

function hearDays(
  before: Contact | undefined, data: Element, supported: ContactContext['supported'], client: string | undefined,
): ContactPatch {
  const patch: { birthday?: DayOfYear | null; anniversary?: DayOfYear | null } = {}
  for (const [tag, field] of days) {
    const value = text(data, tag)
    if (value === undefined && !clears(tag, supported)) continue
    const old = before?.[field], day = value ? hearDay(value, client) : null
    const same = day && old ? old.year === day.year && old.month === day.month && old.day === day.day : !day && !old
    if (!same) patch[field] = day
  }
  return patch
}

function hearLists(before: Contact | undefined, data: Element, supported: ContactContext['supported']): ContactPatch {
  return Object.fromEntries(lists.flatMap(([tag, item, field]) => {
    const list = child(data, tag)
    if (!list && !clears(tag, supported)) return []
    const entries = list ? children(list, item) : []
    if (entries.length > most.entries) throw new Failure('malformed', `more than ${most.entries} of ${item}`)
    const said = entries.map(one => lineBreaks(one.text)).filter(Boolean)
    const old = (before?.[field] ?? []).map(one => shown(one).trim())
    return said.length === old.length && said.every((one, index) => one === old[index]) ? [] : [[field, said]]
  }))
}

// [MS-ASCNTC] Truncating the Contact Notes Field: no Body leaves the note as it is
function hearNote(before: Contact | undefined, data: Element, { version, bodies }: ContactContext): ContactPatch {
  const said = hearText(data, version, 'Contacts')
  const old = before?.note ?? ''
  if (said === undefined || said.trim() === tidy(old).trim() || said === echoed(old, bodies, version)) return {}
  return { note: said.trim() === '' ? null : said }
}

/**
 * [MS-ASCNTC] Picture. The small one a client was given and gives back is not news. iOS sends an empty one along with changes of other
 * things, where it was not itself that set the picture (8.2 and later), so from it that says nothing.
 */
function hearPicture(before: Contact | undefined, data: Element, client: string | undefined): ContactPatch {
  const element = child(data, 'Contacts:Picture')
  if (!element) return {}
  const given = element.opaque ?? Buffer.from(element.text, 'base64')
  if (given.length === 0) return client === 'iOS' || !before?.picture ? {} : { picture: null }
  const length = element.opaque ? Math.ceil(given.length / 3) * 4 : octets(element).length
  if (length > most.base64) throw new Failure('malformed', 'a Picture of more than 48 KB')
  const known = before?.picture && [before.picture, smallPicture(before.picture, most.picture)]
  return known?.some(one => one && Buffer.from(given).equals(one)) ? {} : { picture: given }
}

/**
 * Whether a client that has just said this would be told something else now. Numbers and addresses beyond those it can show move up
 * when one before them goes, and unless it is told at once, its next change would take them for deleted.
 */
export function isNews(stored: Uint8Array, data: Element, context: ContactContext): boolean {
  const contact = readContact(stored)
  return texts.some(([tag, field]) => {
    const value = text(data, tag)
    if (field === 'fileAs' || (value === undefined && !clears(tag, context.supported))) return false
    return told(contact, field).trim() !== heard(field, value)
  })
}

/** What a folder of contacts holds. */
export const contactClass = { say, hear, ending: '.vcf' } as const
