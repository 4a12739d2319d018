/** A day; contacts often leave out the year. */
export type DayOfYear = { readonly year: number | undefined; readonly month: number; readonly day: number }

export const phoneFields = [
  'homePhone', 'home2Phone', 'businessPhone', 'business2Phone', 'mobilePhone', 'homeFax', 'businessFax', 'pager', 'carPhone', 'radioPhone',
  'assistantPhone', 'companyMainPhone',
] as const
export const emailFields = ['email1', 'email2', 'email3'] as const
export const imFields = ['im1', 'im2', 'im3'] as const
export const nameFields = ['lastName', 'firstName', 'middleName', 'prefix', 'suffix'] as const
export const addressPlaces = ['home', 'business', 'other'] as const
export const addressParts = ['Street', 'City', 'State', 'PostalCode', 'Country'] as const
/** Each of them a text of its own. */
export const plainFields = [
  'nickname', 'webPage', 'jobTitle', 'note', 'fileAs', 'spouse', 'assistant', 'manager', 'officeLocation', 'yomiFirstName', 'yomiLastName',
  'yomiCompany', 'customerId', 'governmentId', 'accountName', 'mms',
] as const

export type PhoneField = (typeof phoneFields)[number]
export type EmailField = (typeof emailFields)[number]
export type ImField = (typeof imFields)[number]
export type NameField = (typeof nameFields)[number]
export type AddressPlace = (typeof addressPlaces)[number]
export type AddressField = `${AddressPlace}${(typeof addressParts)[number]}`
export type PlainField = (typeof plainFields)[number]

export type ContactText = NameField | PhoneField | EmailField | ImField | AddressField | PlainField | 'company' | 'department'

/**
 * A person or a company as an address book shows them. Line breaks are LF. Where a store has more telephone numbers, addresses or the
 * like than there are fields, the first are here, and the others stay where they are.
 */
export type Contact = { readonly [field in ContactText]?: string } & {
  /** What is written over the contact. */
  readonly fullName: string
  readonly children: readonly string[]
  readonly categories: readonly string[]
  readonly birthday: DayOfYear | undefined
  readonly anniversary: DayOfYear | undefined
  /** The file as it is stored; undefined where there is none, or only an address of one. */
  readonly picture: Uint8Array | undefined
  /** A list of contacts, which is none itself. */
  readonly isGroup: boolean
}

/** What is to change: a value, or null for no value. What is undefined stays. */
export type ContactPatch = { readonly [field in ContactText]?: string | null | undefined } & {
  readonly children?: readonly string[] | undefined
  readonly categories?: readonly string[] | undefined
  readonly birthday?: DayOfYear | null | undefined
  readonly anniversary?: DayOfYear | null | undefined
  readonly picture?: Uint8Array | null | undefined
}

/** What a list of contacts is sorted by where nobody said anything: `Roe, Anna`. */
export function filedAs(contact: Partial<Contact>): string {
  const given = [contact.firstName, contact.middleName].filter(Boolean).join(' ')
  const person = [contact.lastName, given].filter(Boolean).join(', ')
  return person || contact.company || contact.nickname || contact.email1 || contact.fullName || ''
}
