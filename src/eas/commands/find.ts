import { Failure, type Kind } from '../../base/failure.ts'
import { parseHeader } from '../../formats/header.ts'
import { printItemId } from '../../state/item-id.ts'
import { child, children, el, text, type Element, type Node, type Tag } from '../../wire/wbxml.ts'
import { noBody } from '../body-wish.ts'
import { wbxml, type Call, type Command } from '../command.ts'
import { existing, mostFound, mostTold, readRows, renderHits, Results, type Hit, type Rows } from '../found.ts'
import { parseKql } from '../kql.ts'
import { readGalSearch, searchGal } from '../gal.ts'
import { displayNames } from '../map/email.ts'
import { outcome } from '../outcome.ts'
import { searchScope } from '../search-scope.ts'

/** [MS-ASCMD] Status (Find). */
const success = '1', invalid = '2', folderSync = '3', startWithZero = '4'
const status: Partial<Record<Kind, string>> = {
  malformed: invalid, 'too-large': invalid, unsupported: invalid, 'not-found': folderSync, stale: folderSync,
}

/** [MS-ASCMD] Preview: characters. */
const previewed = 255

type Criterion = {
  readonly id: string
  readonly text: string
  readonly folders: readonly string[]
  readonly deep: boolean
  readonly rows: Rows
}

// [MS-ASCMD] Find
export const find: Command = {
  async run(call) {
    const { id, execute, gal } = readRequest(call.body)
    if (gal) return findInGal(call, gal)
    const found = await outcome(search(call, readCriterion(id, execute)))
    if (!(found instanceof Failure)) return wbxml(el('Find:Find', [el('Find:Status', success), el('Find:Response', found)]))
    if (!status[found.kind]) throw found
    call.facts['why'] = found.message
    // That the folders changed concerns the whole command.
    return status[found.kind] === folderSync ? wbxml(el('Find:Find', [el('Find:Status', folderSync)])) : refused(success, status[found.kind]!)
  },

  // [MS-ASCMD] Common Status Codes: 111 is a server error after which the client may try again
  refuse: kind => el('Find:Find', [el('Find:Status', status[kind] ?? (kind === 'busy' || kind === 'unavailable' ? '111' : '110'))]),
}

type Store = 'Mailbox' | 'GAL'

const refused = (overall: string, response: string, store: Store = 'Mailbox') =>
  wbxml(el('Find:Find', [el('Find:Status', overall), el('Find:Response', head(response, store))]))

const head = (value: string, store: Store = 'Mailbox'): Node[] => [el('ItemOperations:Store', store), el('Find:Status', value)]

/** Throws `malformed`. */
function readRequest(body: Element | undefined) {
  const id = body && text(body, 'Find:SearchId'), execute = body && child(body, 'Find:ExecuteSearch')
  if (!id || id.length > 256 || !execute) throw new Failure('malformed', 'Find without its SearchId or ExecuteSearch')
  return { id, execute, gal: child(execute, 'Find:MailBoxSearchCriterion') ? undefined : child(execute, 'Find:GalSearchCriterion') }
}

/** [MS-ASCMD] Searching the Global Address List. */
async function findInGal(call: Call, criterion: Element) {
  const search = readGalSearch(call, criterion, 'Find')
  if (search.rows.to >= mostFound) throw new Failure('malformed', 'a Range beyond 999')
  const found = await outcome(searchGal(call, search))
  if (found instanceof Failure) {
    if (found.kind === 'unavailable') throw found
    call.facts['why'] = found.message
    return refused(success, invalid, 'GAL')
  }
  const { properties, from, total } = found
  return wbxml(el('Find:Find', [el('Find:Status', success), el('Find:Response', [
    ...head(success, 'GAL'),
    ...properties.map(nodes => el('Find:Result', [el('Find:Properties', nodes)])),
    ...(properties.length > 0 ? [el('Find:Range', `${from}-${from + properties.length - 1}`)] : []),
    el('Find:Total', String(total)),
  ])]))
}

/** Throws `malformed`. */
function readCriterion(id: string, execute: Element): Criterion {
  const mailbox = child(execute, 'Find:MailBoxSearchCriterion')
  const query = mailbox && child(mailbox, 'Find:Query'), options = mailbox && child(mailbox, 'Find:Options')
  const wanted = query && text(query, 'Find:FreeText')
  if (!query || wanted === undefined) throw new Failure('malformed', 'Find of nothing')
  if ((text(query, 'AirSync:Class') ?? 'Email') !== 'Email') throw new Failure('malformed', 'Find of another class than mail')
  const rows = readRows(options && text(options, 'Find:Range')) ?? { from: 0, to: mostTold - 1 }
  if (rows.to >= mostFound) throw new Failure('malformed', 'a Range beyond 999')
  return {
    id, rows, text: wanted, deep: Boolean(options && child(options, 'Find:DeepTraversal')),
    folders: children(query, 'AirSync:CollectionId').map(one => one.text),
  }
}

async function search(call: Call, { id, text: wanted, folders, deep, rows: { from, to } }: Criterion): Promise<Node[] | AsyncIterable<Node>> {
  const query = parseKql(wanted, call.now())
  const key = { id, wanted, folders, deep }
  if (from > 0 && !Results.known(call, key)) return head(startWithZero)
  const { mail } = call.stores
  const results = await Results.of(call, key, from === 0, {
    async find() {
      const scope = await searchScope(call.stores, call.request.version, { named: folders, deep, contents: ['mail'] })
      return mail.search(scope.map(({ id: folder }) => folder), query, mostFound)
    },
    existing: refs => existing(mail, refs),
  })
  const hits = await results.rows({ from, to: Math.min(to, from + mostTold - 1) })
  Object.assign(call.facts, { found: results.total, items: hits.length })
  return listed(call, hits, from, results.total)
}

async function* listed(call: Call, hits: readonly Hit[], from: number, total: number): AsyncGenerator<Node> {
  yield* head(success)
  let told = 0
  for await (const { ref, nodes, message } of renderHits(call, hits, noBody(previewed))) {
    told++
    yield el('Find:Result', [
      el('AirSync:Class', 'Email'), el('AirSync:ServerId', printItemId(ref)), el('AirSync:CollectionId', ref.folder),
      el('Find:Properties', properties(nodes, message)),
    ])
  }
  if (told > 0) yield el('Find:Range', `${from}-${from + told - 1}`)
  yield el('Find:Total', String(total))
}

/** [MS-ASCMD] Properties (Find): of an item as Sync would tell it, what a list of results shows. */
function properties(nodes: readonly Node[], message: Hit['message']): Node[] {
  const header = parseHeader(message.header)
  const as = (tag: Tag): Node[] => nodes.filter(node => node.tag === tag)
  const names = (tag: Tag, name: string): Node[] => {
    const value = displayNames(header, name)
    return value ? [el(tag, value)] : []
  }
  const body = nodes.find(({ tag }) => tag === 'AirSyncBase:Body')?.children as readonly Node[] | undefined
  const preview = body?.find(({ tag }) => tag === 'AirSyncBase:Preview')
  return [
    ...as('Email:Subject'), ...as('Email:DateReceived'), ...as('Email:DisplayTo'),
    ...names('Find:DisplayCc', 'cc'), ...names('Find:DisplayBcc', 'bcc'),
    ...as('Email:Importance'), ...as('Email:Read'), ...as('Email2:IsDraft'),
    ...(preview ? [el('Find:Preview', preview.children)] : []),
    el('Find:HasAttachments', as('AirSyncBase:Attachments').length > 0 ? '1' : '0'),
    ...as('Email:From'),
  ]
}
