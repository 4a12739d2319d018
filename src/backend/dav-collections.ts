import { createHash, randomUUID } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import type { Folder, FolderId, ObjectContent } from '../model/folder.ts'
import { octetsOf, type DavClient } from './dav-client.ts'
import type { DavHomes } from './dav-homes.ts'
import { isAt, isBelow, lastSegment, withSlash } from './dav-rows.ts'
import { document, escapeXml, names, readMultistatus, type DavRow, type XmlElement } from './dav-xml.ts'

/** A collection as its folder, and how to ask for it. */
export type DavCollection = Folder & {
  readonly content: ObjectContent
  readonly path: string
  readonly state: CollectionState
  /** RFC 6578 is there. */
  readonly syncs: boolean
}

/** What tells that nothing changed, without asking further: DAV:sync-token and the CTag of calendarserver.org. */
export type CollectionState = { readonly token: string | undefined; readonly ctag: string | undefined }

const { dav, caldav, carddav, server } = names
const most = 1000

/** RFC 4791, CALDAV:supported-calendar-component-set: what is in a folder of each. */
const components: Readonly<Record<string, ObjectContent>> = { VEVENT: 'calendar', VTODO: 'tasks', VJOURNAL: 'notes' }
export const componentOf = (content: ObjectContent): string => Object.keys(components).find(name => components[name] === content) ?? ''
const letters: Readonly<Record<ObjectContent, string>> = { calendar: 'c', tasks: 't', notes: 'n', contacts: 'b' }

const properties = document('D:propfind', `<D:prop><D:resourcetype/><D:displayname/><D:sync-token/><S:getctag/><C:supported-calendar-component-set/>\
<D:current-user-privilege-set/><D:supported-report-set/></D:prop>`)

/** All collections of a user, in one request a home. */
export async function listCollections(client: DavClient, homes: DavHomes): Promise<DavCollection[]> {
  const paths = [...new Set([homes.calendars, homes.contacts].flatMap(path => path ?? []))]
  const rows = (await Promise.all(paths.map(path => lookAtAll(client, path)))).flat()
  const seen = new Set<string>()
  const found = rows.filter(({ path }) => !seen.has(path) && seen.add(path)).slice(0, most).flatMap(collectionsOf)
  return withDefaults(found.sort((a, b) => a.path < b.path ? -1 : 1))
}

/** Throws `unavailable` where the answer may have left out a collection: a phone would take that for gone, with all that is in it. */
async function lookAtAll(client: DavClient, home: string): Promise<readonly DavRow[]> {
  const rows = await look(client, home, properties)
  const trouble = rows.find(row => row.trouble !== undefined)?.trouble
  if (trouble !== undefined) throw new Failure('unavailable', `the DAV server answers ${trouble} for a collection or a home of collections`)
  if (!rows.some(row => isAt(row, home))) throw new Failure('unavailable', 'the DAV server does not tell of the home it was asked for')
  return rows.filter(row => isBelow(row, home))
}

/** The states of all collections below these homes, by path. */
export async function listStates(client: DavClient, homes: readonly string[]): Promise<ReadonlyMap<string, CollectionState>> {
  const body = document('D:propfind', '<D:prop><D:sync-token/><S:getctag/></D:prop>')
  const rows = (await Promise.all(homes.map(path => look(client, path, body)))).flat()
  return new Map(rows.map(row => [row.path, stateOf(row)]))
}

/** One address book by its own address, for reading. Throws `unavailable` for what is none. */
export async function lookAtBook(client: DavClient, path: string): Promise<DavCollection> {
  const row = (await look(client, path, properties, '0')).find(one => isAt(one, path))
  if (row?.trouble !== undefined) throw new Failure('unavailable', `the DAV server answers ${row.trouble} for the address book`)
  const book = row && collectionsOf({ ...row, path: withSlash(path) }).find(({ content }) => content === 'contacts')
  if (!book) throw new Failure('unavailable', `there is no address book at ${path}`)
  return book
}

async function look(client: DavClient, path: string, body: string, depth: '0' | '1' = '1'): Promise<readonly DavRow[]> {
  const answer = await client.ask({ method: 'PROPFIND', path, headers: { depth }, body })
  return (await readMultistatus(answer.body)).rows.map(row => ({ ...row, path: withSlash(row.path) }))
}

const stateOf = ({ properties }: DavRow): CollectionState => ({ token: said(properties, `${dav}sync-token`), ctag: said(properties, `${server}getctag`) })

function said(properties: DavRow['properties'], name: string): string | undefined {
  const text = properties.get(name)?.text.trim()
  return text === '' ? undefined : text
}

function collectionsOf(row: DavRow): DavCollection[] {
  const { path, properties } = row
  const types = new Set(properties.get(`${dav}resourcetype`)?.children.map(({ name }) => name))
  const contents = types.has(`${carddav}addressbook`) ? ['contacts'] as const : types.has(`${caldav}calendar`) ? contentsOf(properties) : []
  const reports = properties.get(`${dav}supported-report-set`)
  const syncs = !reports || namesIn(reports).has(`${dav}sync-collection`)
  return contents.map(content => ({
    id: idOf(path, content), parent: undefined, name: said(properties, `${dav}displayname`) ?? lastSegment(path), role: undefined, content, selectable: true,
    readOnly: !isWritable(properties.get(`${dav}current-user-privilege-set`)), path, state: stateOf(row), syncs,
  }))
}

/** A calendar that says nothing takes everything; few expect journals there. */
function contentsOf(properties: DavRow['properties']): readonly ObjectContent[] {
  const set = properties.get(`${caldav}supported-calendar-component-set`)
  if (!set) return ['calendar', 'tasks']
  return attributesOf(set).flatMap(name => components[name.toUpperCase()] ?? [])
}

const attributesOf = ({ children }: XmlElement): string[] => children.flatMap(({ attribute }) => attribute ?? [])

/** All element names below. */
function namesIn(element: XmlElement): Set<string> {
  return new Set(element.children.flatMap(child => [child.name, ...namesIn(child)]))
}

/** RFC 3744, DAV:current-user-privilege-set: a server without it lets the owner write. */
function isWritable(privileges: XmlElement | undefined): boolean {
  if (!privileges) return true
  const granted = namesIn(privileges)
  return ['all', 'write', 'write-content', 'bind'].some(name => granted.has(`${dav}${name}`))
}

/** Lasting while the collection keeps its address, which no rename changes. */
const idOf = (path: string, content: ObjectContent): FolderId =>
  `${letters[content]}.${createHash('sha256').update(path).digest('base64url').slice(0, 11)}` as FolderId

/** How servers and clients call the one they make first. */
const usual = ['personal', 'default', 'calendar', 'contacts', 'addressbook', 'address-book', 'tasks', 'notes', 'home', 'kalender', 'kontakte']

/** The first of each kind that takes changes, by usual names, is the default one; a collection that takes one kind alone goes before others. */
function withDefaults(found: readonly DavCollection[]): DavCollection[] {
  const kinds = (path: string): number => found.filter(one => one.path === path).length
  const rank = ({ path, name, readOnly }: DavCollection): number => {
    const at = Math.min(...[lastSegment(path), name].map(each => usual.indexOf(each.toLowerCase())).map(index => index < 0 ? usual.length : index))
    return (readOnly ? 10_000 : 0) + kinds(path) * 100 + at
  }
  const firsts = new Set((Object.keys(letters) as ObjectContent[]).flatMap(content => {
    const own = found.filter(one => one.content === content).sort((a, b) => rank(a) - rank(b))
    return own[0] && !own[0].readOnly ? [own[0]] : []
  }))
  return [...firsts, ...found.filter(one => !firsts.has(one))].map(one => firsts.has(one) ? { ...one, isDefault: true } : one)
}

/** Its path. RFC 4791, MKCALENDAR; RFC 5689, Extended MKCOL. */
export async function makeCollection(
  client: DavClient, homes: DavHomes, content: ObjectContent, name: string, segment: string = randomUUID(),
): Promise<string | undefined> {
  const home = content === 'contacts' ? homes.contacts : homes.calendars
  if (!home) return undefined
  const path = `${home}${segment}/`
  const shown = `<D:displayname>${escapeXml(name)}</D:displayname>`
  if (content === 'contacts') {
    const body = document('D:mkcol', `<D:set><D:prop><D:resourcetype><D:collection/><A:addressbook/></D:resourcetype>${shown}</D:prop></D:set>`)
    await octetsOf(await client.ask({ method: 'MKCOL', path, body }))
  } else {
    const set = `<C:supported-calendar-component-set><C:comp name="${componentOf(content)}"/></C:supported-calendar-component-set>`
    await octetsOf(await client.ask({ method: 'MKCALENDAR', path, body: document('C:mkcalendar', `<D:set><D:prop>${shown}${set}</D:prop></D:set>`) }))
  }
  return path
}

export async function renameCollection(client: DavClient, path: string, name: string): Promise<void> {
  const body = document('D:propertyupdate', `<D:set><D:prop><D:displayname>${escapeXml(name)}</D:displayname></D:prop></D:set>`)
  const { rows } = await readMultistatus((await client.ask({ method: 'PROPPATCH', path, body })).body)
  const done = rows.some(({ properties, status }) => properties.has(`${dav}displayname`) || status === 200)
  if (!done) throw new Failure('denied', 'the DAV server does not rename this collection')
}
