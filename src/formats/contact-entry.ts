import type { Contact } from '../model/contact.ts'
import type { Entry } from '../model/directory.ts'
import { contactOf } from './contact-read.ts'
import { addressOf, slotsOf } from './contact-slots.ts'
import { linesOf, parameterOf, rawValue } from './content-lines.ts'
import { byPreference, parseCard, textOf, typesOf } from './vcard.ts'

/** Characters of a value, addresses of an entry, certificates of one, and octets of one in base64. */
const most = { text: 256, addresses: 50, certificates: 10, encoded: 64 * 1024 }

/** RFC 2426, RFC 6350: what an address book tells of somebody. Undefined where mail cannot be sent to. Throws `malformed` for no vCard. */
export function readCardEntry(octets: Uint8Array, id: string, kind: Entry['kind']): Entry | undefined {
  const card = parseCard(octets)
  const contact = contactOf(card, slotsOf(card))
  const told = byPreference(linesOf(card.component, 'EMAIL')).map(line => addressOf(textOf(line, card.version)))
  const [first, ...more] = [...new Set(told.filter(address => isAddress.test(address)))].slice(0, most.addresses)
  if (first === undefined) return undefined
  const known = Object.entries(fields).flatMap(([field, from]) => {
    const value = clean(contact[from])
    return value === '' ? [] : [[field, value] as const]
  })
  return { id, kind, displayName: nameOf(contact) || first, addresses: [first, ...more], ...Object.fromEntries(known) }
}

const isAddress = /^[^\s:<>@"]+@[^\s:<>@"]+$/

const clean = (text = ''): string => text.replace(/[\p{Cc}\s]+/gu, ' ').trim().slice(0, most.text)

const nameOf = ({ fullName, firstName, lastName, company }: Contact): string =>
  clean(fullName) || clean([firstName, lastName].filter(Boolean).join(' ')) || clean(company)

const fields = {
  alias: 'nickname', firstName: 'firstName', lastName: 'lastName', phone: 'businessPhone', homePhone: 'homePhone', mobilePhone: 'mobilePhone',
  title: 'jobTitle', company: 'company', office: 'officeLocation',
} as const satisfies { readonly [field in keyof Entry]?: keyof Contact }

// RFC 5280 in the types of RFC 2585 and those that are in use
const certificateTypes = /^data:application\/(?:pkix-cert|x-x509[\w-]*|x-pkix-cert|octet-stream)\b[^,]{0,200};base64\\?,/i

/** RFC 2426, KEY; RFC 6350, KEY: X.509 certificates in DER. What has to be fetched, and keys of another kind, are none. */
export function cardCertificates(octets: Uint8Array): Uint8Array[] {
  return linesOf(parseCard(octets).component, 'KEY').slice(0, most.certificates).flatMap(line => {
    if (line.raw.length > most.encoded) return []
    const value = rawValue(line).trim(), data = certificateTypes.exec(value)
    const encoded = ['b', 'base64'].includes(parameterOf(line, 'ENCODING')?.toLowerCase() ?? '')
    if (!data && (!encoded || typesOf(line).has('pgp'))) return []
    const der = derOf(Buffer.from(data ? value.slice(data[0].length) : value, 'base64'))
    // An X.509 certificate is a SEQUENCE.
    return der[0] === 0x30 ? [der] : []
  })
}

/** Some programs put PEM into base64. */
function derOf(octets: Buffer): Buffer {
  const pem = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(octets.toString('latin1'))
  return pem ? Buffer.from(pem[1]!, 'base64') : octets
}
