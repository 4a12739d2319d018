import { hash } from 'node:crypto'
import { signCms } from '../formats/cms-sign.ts'
import { mark, printMarkup, type Markup } from '../wire/xml-write.ts'
import { baseOf, domainOf, isAddress, notAllowed, uncached, type Ask } from './house.ts'

const doctype = '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">'

/** Apple, Configuration Profile Reference: an account of com.apple.eas.account. It holds no secret and is made for any address of a domain. */
export function answerMobileconfig(ask: Ask): Response {
  const { request: { method, url }, visit, house, now } = ask
  if (method !== 'GET' && method !== 'HEAD') return notAllowed('GET, HEAD')
  const address = (url.searchParams.get('email') ?? url.searchParams.get('emailaddress') ?? '').trim()
  if (!isAddress(address)) return new Response('The query wants email=, with an address.\n', { status: 400, headers: { ...uncached, ...plain } })
  visit.facts['user'] = address
  const elsewhere = house.elsewhere([`@${domainOf(address)}`])
  if (!elsewhere && !house.serversOf(address)) return new Response('The domain is not served here.\n', { status: 404, headers: { ...uncached, ...plain } })
  const { settings: { signer } } = house
  const profile = printMarkup(profileOf(ask, address, new URL(elsewhere?.url ?? baseOf(ask, domainOf(address)))), doctype)
  visit.facts['signed'] = signer !== undefined
  const body = signer ? signCms(Buffer.from(profile), signer, now) : Buffer.from(profile)
  return new Response(body as Uint8Array<ArrayBuffer>, { headers: {
    ...uncached, 'content-type': 'application/x-apple-aspen-config', 'content-disposition': 'attachment; filename="email.mobileconfig"',
  } })
}

/** Where the profile for an address is. */
export const profilePath = (address: string): string => `/email.mobileconfig?email=${encodeURIComponent(address)}`

const plain = { 'content-type': 'text/plain; charset=utf-8' }

function profileOf({ house }: Ask, address: string, base: URL): Markup {
  const name = house.settings.name ?? domainOf(address)
  // The same address and host are the same profile: a new one takes the place of the old one.
  const id = `${base.hostname.split('.').reverse().join('.')}.eas.${uuid(address)}`
  const account = dictionary([
    ['PayloadType', 'com.apple.eas.account'], ['PayloadVersion', 1], ['PayloadIdentifier', `${id}.account`],
    ['PayloadUUID', uuid(`${id}.account`)], ['PayloadDisplayName', `${name} (${address})`],
    ['Host', base.host], ['SSL', true], ['EmailAddress', address], ['UserName', address],
  ])
  return mark('plist', [dictionary([
    ['PayloadType', 'Configuration'], ['PayloadVersion', 1], ['PayloadIdentifier', id], ['PayloadUUID', uuid(id)],
    ['PayloadDisplayName', name], ['PayloadDescription', `Mail, calendars and contacts of ${address}`], ['PayloadContent', [account]],
  ])], { version: '1.0' })
}

type Value = string | number | true | readonly Markup[]

const dictionary = (entries: readonly (readonly [key: string, value: Value])[]): Markup =>
  mark('dict', entries.flatMap(([key, value]) => [mark('key', key), valueOf(value)]))

function valueOf(value: Value): Markup {
  if (value === true) return mark('true')
  if (typeof value === 'number') return mark('integer', String(value))
  return typeof value === 'string' ? mark('string', value) : mark('array', value)
}

/** RFC 9562, UUID Version 8: of a hash, so that it is the same each time. */
function uuid(text: string): string {
  const hex = hash('sha256', text.toLowerCase())
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`.toUpperCase()
}
