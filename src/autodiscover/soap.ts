import { readBody } from '../base/body.ts'
import { Failure } from '../base/failure.ts'
import { childrenOf, readXml, type XmlElement } from '../wire/xml-read.ts'
import { mark, printMarkup, type Markup } from '../wire/xml-write.ts'
import { admitOr, headersOf, notAllowed, uncached, type Ask } from './house.ts'
import { fault, type Operation } from './soap-answer.ts'
import { domainSettings, userSettings } from './soap-settings.ts'

const space = 'http://schemas.microsoft.com/exchange/2010/Autodiscover'
const soap = 'http://schemas.xmlsoap.org/soap/envelope/', addressing = 'http://www.w3.org/2005/08/addressing'

/** Octets; a request for all settings of one user has 8 KB. */
const largest = 256 * 1024

/** By the name of the request without RequestMessage. */
const operations: Readonly<Record<string, Operation>> = { GetUserSettings: userSettings, GetDomainSettings: domainSettings }

/** [MS-OXWSADISC] Autodiscover Publishing and Lookup SOAP-Based Web Service Protocol. */
export async function answerSoap(ask: Ask): Promise<Response> {
  const { request: { method }, visit } = ask
  if (method !== 'POST') {
    if (!visit.credentials) throw new Failure('auth', 'no credentials')
    return notAllowed('POST')
  }
  const asker = await admitOr(ask, outage)
  if (asker instanceof Response) return asker
  if ('fault' in asker) return faulty(ask, asker)
  const body = bodyOf(await readBody(ask.request, largest))
  if ('fault' in body) return faulty(ask, body)
  const name = /^(\w+)RequestMessage$/.exec(body.name)?.[1] ?? ''
  ask.visit.facts['operation'] = body.name.slice(0, 64)
  const operation = Object.hasOwn(operations, name) && body.space === space ? operations[name] : undefined
  if (!operation) return faulty(ask, { fault: 'a:ActionNotSupported', message: 'There is no such operation here.' })
  const headers = 'stores' in asker ? headersOf(ask, asker.stores.person) : {}
  const [request, ...more] = childrenOf(body, 'Request')
  const content = request && more.length === 0 ? await operation(ask, request, asker) : fault('InvalidRequest', 'One Request is wanted.')
  visit.facts['status'] = typeof content[0]?.content === 'string' ? content[0].content : undefined
  return written(envelope([
    mark('a:Action', `${space}/Autodiscover/${name}Response`, { 's:mustUnderstand': '1' }),
  ], mark(`${name}ResponseMessage`, [mark('Response', content, { 'xmlns:i': 'http://www.w3.org/2001/XMLSchema-instance' })], { xmlns: space })), 200, headers)
}

type Fault = { readonly fault: string; readonly message: string }

const outage: Fault = { fault: 's:Server', message: 'The mail server cannot be reached now.' }

/** SOAP 1.1, SOAP Body: the one element in it. Never throws. */
export function bodyOf(octets: Uint8Array): XmlElement | Fault {
  const invalid: Fault = { fault: 's:Client', message: 'The request is no SOAP envelope with a request.' }
  try {
    const root = readXml(octets)
    if (root.name !== 'Envelope') return invalid
    if (root.space !== soap) return { fault: 's:VersionMismatch', message: 'SOAP 1.1 is wanted.' }
    const [body, ...more] = childrenOf(root, 'Body')
    return more.length === 0 && body?.children.length === 1 ? body.children[0]! : invalid
  } catch (error) {
    if (error instanceof Failure) return invalid
    throw error
  }
}

/** SOAP 1.1, SOAP Fault, Using SOAP in HTTP: status 500. */
function faulty({ visit }: Ask, { fault: code, message }: Fault): Response {
  visit.facts['status'] = code
  return written(envelope([mark('a:Action', `${addressing}/soap/fault`, { 's:mustUnderstand': '1' })],
    mark('s:Fault', [mark('faultcode', code), mark('faultstring', message)])), 500)
}

const envelope = (header: readonly Markup[], body: Markup): Markup =>
  mark('s:Envelope', [mark('s:Header', header), mark('s:Body', [body])], { 'xmlns:s': soap, 'xmlns:a': addressing })

const written = (root: Markup, status: number, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(printMarkup(root), { status, headers: { ...uncached, ...headers, 'content-type': 'text/xml; charset=utf-8' } })
