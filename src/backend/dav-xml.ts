import { StringDecoder } from 'node:string_decoder'
import { Failure } from '../base/failure.ts'
import { xmlTree } from '../base/xml-tree.ts'

/** An element by its namespace and name in one: `DAV:href`. Text is what stands directly in it; `attribute` its attribute `name`. */
export type XmlElement = { readonly name: string; readonly attribute: string | undefined; text: string; readonly children: XmlElement[] }

/** RFC 4918, response: what a server says of one address. */
export type DavRow = {
  /** Path, still percent-encoded, without scheme and host. */
  readonly path: string
  /** Of the response as a whole: 404, 507 ...; undefined where its properties are told. */
  readonly status: number | undefined
  /** Those with status 200, by name. */
  readonly properties: ReadonlyMap<string, XmlElement>
  /** The server could not tell for now, of this address or of a property asked for: 401, 423, 429, or 5xx but 501. */
  readonly trouble: number | undefined
}

export type Multistatus = { readonly rows: readonly DavRow[]; readonly syncToken: string | undefined }

const dav = 'DAV:', caldav = 'urn:ietf:params:xml:ns:caldav:', carddav = 'urn:ietf:params:xml:ns:carddav:', server = 'http://calendarserver.org/ns/:'
export const names = { dav, caldav, carddav, server }

/** `elements` of one response; octets of an object (`data`), and of any other text. */
const most = { depth: 32, attributes: 100, rows: 200_000, elements: 20_000, inAll: 4_000_000, data: 32 * 1024 ** 2, text: 64 * 1024 }

/**
 * RFC 4918, multistatus, read as it comes. Throws `unavailable` for anything else: an answer that is no XML (a login page, say), or
 * that was made to exhaust who reads it.
 */
export async function readMultistatus(body: AsyncIterable<Uint8Array>): Promise<Multistatus> {
  const rows: DavRow[] = []
  const root = await read(body, element => {
    if (element.name !== `${dav}response`) return false
    if (rows.push(...rowsOf(element)) > most.rows) throw unavailable('the DAV server tells of too many objects')
    return true
  })
  if (root.name !== `${dav}multistatus`) throw unavailable('the DAV server does not answer as a DAV server')
  return { rows, syncToken: root.children.find(({ name }) => name === `${dav}sync-token`)?.text.trim() }
}

/** RFC 6638, CALDAV:schedule-response: what is said of a recipient, and about whom. */
export type ScheduleAnswer = { readonly recipient: string; readonly status: string; readonly data: string | undefined }

/** The same of what a POST to an outbox is answered with. Throws as `readMultistatus`. */
export async function readScheduleResponse(body: AsyncIterable<Uint8Array>): Promise<readonly ScheduleAnswer[]> {
  const answers: ScheduleAnswer[] = []
  const root = await read(body, element => {
    if (element.name !== `${caldav}response`) return false
    const said = (name: string): string | undefined => childOf(element, `${caldav}${name}`)?.text
    const recipient = childOf(childOf(element, `${caldav}recipient`), `${dav}href`)?.text ?? said('recipient') ?? ''
    if (answers.push({ recipient, status: said('request-status') ?? '', data: said('calendar-data') }) > most.rows) {
      throw unavailable('the DAV server tells of too many people')
    }
    return true
  })
  if (root.name !== `${caldav}schedule-response`) throw unavailable('the DAV server does not answer as one that schedules')
  return answers
}

const unavailable = (what: string): Failure => new Failure('unavailable', what)

const faults = {
  syntax: (message: string) => unavailable(`the DAV server does not answer in XML: ${message}`),
  doctype: () => unavailable('the DAV server answers with a document type'),
  depth: () => unavailable('the answer of the DAV server is nested too deep'),
  attributes: () => unavailable('an element of the DAV server has too many attributes'),
}

/** The root of a document; children of it that `taken` takes are not kept. */
async function read(body: AsyncIterable<Uint8Array>, taken: (element: XmlElement) => boolean): Promise<XmlElement> {
  let elements = 0, inAll = 0
  const tree = xmlTree<XmlElement>({
    most, faults,
    element({ uri, local, attributes }) {
      if (++elements > most.elements || ++inAll > most.inAll) throw unavailable('the answer of the DAV server has too many elements')
      return { name: `${uri}${uri.endsWith(':') ? '' : ':'}${local}`, attribute: attributes['name']?.value, text: '', children: [] }
    },
    closed(element, open) {
      if (open.length !== 1 || !taken(element)) return
      open[0]!.children.pop()
      elements = open[0]!.children.length
    },
  })
  const decoder = new StringDecoder('utf8')
  let run = 0
  for await (const chunk of body) {
    const octets = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength), at = octets.lastIndexOf('<')
    tree.write(decoder.write(octets))
    // The parser tells text when it has the whole of it.
    run = at < 0 ? run + octets.length : octets.length - at
    if (run > (tree.open.at(-1)?.name.endsWith('-data') ? most.data : most.text + octets.length)) {
      throw unavailable('the DAV server says too much in one element')
    }
  }
  tree.write(decoder.end())
  const root = tree.end()
  if (!root) throw unavailable('the DAV server answers with nothing')
  return root
}

function rowsOf(response: XmlElement): DavRow[] {
  const status = numberOf(childOf(response, `${dav}status`)?.text)
  const properties = new Map<string, XmlElement>()
  let trouble = isTrouble(status) ? status : undefined
  for (const part of response.children.filter(({ name }) => name === `${dav}propstat`)) {
    const told = numberOf(childOf(part, `${dav}status`)?.text)
    if (isTrouble(told)) trouble = told
    if (told !== 200) continue
    for (const property of childOf(part, `${dav}prop`)?.children ?? []) properties.set(property.name, property)
  }
  return response.children.filter(({ name }) => name === `${dav}href`).flatMap(({ text }) => {
    const path = pathOf(text)
    return path === undefined ? [] : [{ path, status, properties, trouble }]
  })
}

const isTrouble = (status = 0): boolean => status === 401 || status === 423 || status === 429 || (status >= 500 && status !== 501)

const childOf = (element: XmlElement | undefined, name: string): XmlElement | undefined =>
  element?.children.find(one => one.name === name)

const numberOf = (line: string | undefined): number | undefined => {
  const digits = /^\s*HTTP\/[\d.]+\s+(\d{3})/.exec(line ?? '')?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** The path of an address, whole or not. */
function pathOf(href: string): string | undefined {
  try {
    return new URL(href.trim(), 'http://x').pathname
  } catch {
    return undefined
  }
}

/** For text and attributes; what XML has no way to say is left out. */
export const escapeXml = (text: string): string => text
  // eslint-disable-next-line no-control-regex
  .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
  .replace(/[&<>"\r]/g, found => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' })[found]!)

/** A request body, with the prefixes D, C (CalDAV), A (CardDAV) and S (calendarserver.org). */
export const document = (name: string, content: string): string =>
  `<?xml version="1.0" encoding="utf-8"?><${name} xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="urn:ietf:params:xml:ns:carddav" xmlns:S="http://calendarserver.org/ns/">${content}</${name}>`
