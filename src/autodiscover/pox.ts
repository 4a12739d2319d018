import { readBody } from '../base/body.ts'
import { Failure } from '../base/failure.ts'
import { childrenOf, readXml, textAt, type XmlElement } from '../wire/xml-read.ts'
import { printMarkup, type Markup } from '../wire/xml-write.ts'
import {
  admitOr, baseOf, domainOfHost, elsewhereOf, headersOf, isAddress, isOwn, notAllowed, poxPath, uncached, type Ask, type Asker,
} from './house.ts'
import { mobileSync } from './mobile-sync.ts'
import { outlook } from './outlook.ts'
import { errorAnswer, type PoxFault, type Schema } from './pox-answer.ts'

/** Octets; Outlook's have 400. */
const largest = 64 * 1024

const requests = 'http://schemas.microsoft.com/exchange/autodiscover/'

/** By AcceptableResponseSchema. */
const schemas: Readonly<Record<string, Schema>> = {
  [`${requests}mobilesync/responseschema/2006`]: mobileSync, [`${requests}outlook/responseschema/2006a`]: outlook,
}

/** [MS-OXDSCLI] Message Processing Events and Sequencing Rules; [MS-ASCMD] Autodiscover. */
export async function answerPox(ask: Ask): Promise<Response> {
  const { request: { method }, visit } = ask
  if (method !== 'POST' && method !== 'GET' && method !== 'HEAD') return notAllowed('GET, HEAD, POST')
  if (method !== 'POST' && !visit.origin.secure) return redirect(ask)
  if (!visit.credentials) return unauthorized(ask)
  const asker = await admitOr(ask, faults.internal)
  if (asker instanceof Response) return asker
  if ('code' in asker) return told(ask, asker)
  const headers = 'stores' in asker ? headersOf(ask, asker.stores.person) : {}
  if (method !== 'POST') return told(ask, faults.invalid, headers)
  const asked = readRequest(await readBody(ask.request, largest))
  if ('code' in asked) return told(ask, asked, headers)
  visit.facts['schema'] = asked.schema.name
  visit.facts['asked'] = isAddress(asked.address) ? asked.address : undefined
  const said = await answerOf(ask, asked, asker)
  return 'code' in said ? told(ask, said, headers) : answered(said, headers)
}

async function answerOf(ask: Ask, { address, schema }: Asked, asker: Asker): Promise<Markup | PoxFault> {
  const elsewhere = elsewhereOf(ask, asker, address)
  if (elsewhere) return schema.elsewhere(ask, address, elsewhere)
  if ('elsewhere' in asker || !isOwn(ask, asker.stores.person, address)) return schema.notYours(ask, address)
  return schema.settings(ask, address, asker.stores)
}

/** [MS-OXDSCLI] ErrorCode. */
const faults = {
  invalid: { code: '600', message: 'Invalid Request' },
  schema: { code: '601', message: 'The provider for the requested response schema could not be found' },
  internal: { code: '603', message: 'The mail server cannot be reached now' },
} as const satisfies Record<string, PoxFault>

type Asked = { readonly address: string; readonly schema: Schema }

/** [MS-OXDSCLI] Autodiscover Request. Never throws. */
export function readRequest(octets: Uint8Array): Asked | PoxFault {
  let root: XmlElement
  try {
    root = readXml(octets)
  } catch (error) {
    if (error instanceof Failure) return faults.invalid
    throw error
  }
  if (root.name !== 'Autodiscover' || !root.space.startsWith(requests)) return faults.invalid
  const [request, ...more] = childrenOf(root, 'Request')
  if (!request || more.length > 0) return faults.invalid
  const schema = textAt(request, 'AcceptableResponseSchema')
  // A user by LegacyDN comes before one by address, and nobody has one here.
  const address = textAt(request, 'LegacyDN') ? '' : textAt(request, 'EMailAddress')
  if (!schema || address === undefined) return faults.invalid
  if (!Object.hasOwn(schemas, schema)) return faults.schema
  if (address === '' && childrenOf(request, 'LegacyDN').length === 0) return faults.invalid
  return { address, schema: schemas[schema]! }
}

function told(ask: Ask, fault: PoxFault, headers: Readonly<Record<string, string>> = {}): Response {
  ask.visit.facts['status'] = fault.code
  return answered(errorAnswer(ask, fault), headers)
}

function answered(root: Markup, headers: Readonly<Record<string, string>>): Response {
  return new Response(printMarkup(root), { headers: { ...uncached, ...headers, 'content-type': 'text/xml; charset=utf-8' } })
}

/** [MS-OXDISCO] HTTP Redirect: who asks without TLS is told where it is spoken. */
function redirect(ask: Ask): Response {
  const { origin } = ask.visit
  return new Response(null, { status: 302, headers: { ...uncached, location: `${baseOf(ask, domainOfHost(origin.host))}${poxPath}` } })
}

/** The fields by which clients of Exchange's SOAP form know that it is there. */
function unauthorized({ visit }: Ask): Response {
  Object.assign(visit.facts, { failure: 'auth', why: 'no credentials' })
  return new Response('Say who you are.\n', { status: 401, headers: {
    'www-authenticate': 'Basic realm="Postern", charset="UTF-8"', 'x-soap-enabled': 'True', 'content-type': 'text/plain; charset=utf-8',
  } })
}
