import { Failure, type Kind } from '../../base/failure.ts'
import { holdsObjects, type FolderId } from '../../model/folder.ts'
import { el, type Node } from '../../wire/wbxml.ts'
import { empty, wbxml, type Answer, type Call, type Command } from '../command.ts'
import { countResync, countStatus, countTold } from '../counting.ts'
import { isRecipients } from '../recipients.ts'
import { heedResync } from '../resync.ts'
import { statusOf } from '../respond.ts'
import { waitForChange } from '../wait.ts'
import { changedFolders, type Standing } from '../folders.ts'
import { refusedCollection } from './sync-answer.ts'
import { openCollection, type Collection, type Told } from './sync-collection.ts'
import { serveRecipients, type Done } from './sync-recipients.ts'
import { forgetAnswer, recallRequest, rememberRequest, repeated, type SyncAsked } from './sync-memory.ts'
import { SyncRefused, type CollectionRequest } from './sync-request.ts'
import { since } from '../versions.ts'

/** Collections of one request that the log names. */
const mostNamed = 8

/** [MS-ASCMD] Status (Sync), those of the whole request. */
const status: Partial<Record<Kind, string>> = { malformed: '4', stale: '3', 'not-found': '12', quota: '9', busy: '16', unavailable: '16' }

// [MS-ASCMD] Sync
export const sync: Command = {
  async run(call) {
    const asked = readOrRefuse(call)
    if (!('request' in asked)) return wbxml(asked)
    const stored = repeated(call, asked)
    if (stored) return stored
    forgetAnswer(call) // The same request after another one is no repetition.
    const outcomes = await open(call, asked), { wait } = asked.request
    if (wait === undefined || outcomes.some(isNews)) return tell(call, asked, outcomes)
    return { kind: 'waiting', answer: waitAndTell(call, asked, outcomes, wait) }
  },
  refuse: kind => bare(status[kind] ?? '5'),
}

const bare = (value: string, limit?: number): Node =>
  el('AirSync:Sync', [
    el('AirSync:Status', value),
    ...(limit === undefined ? [] : [el('AirSync:Limit', String(limit))]),
  ])

/** The request with what an earlier one said filled in; or the refusal that asks for it in full. */
function readOrRefuse(call: Call): SyncAsked | Node {
  try {
    if (!call.body && !since(call.request.version, '12.1')) throw new Failure('malformed', 'an empty Sync request')
    return recallRequest(call) ?? bare('13')
  } catch (error) {
    if (error instanceof SyncRefused) return bare(error.status, error.limit)
    throw error
  }
}

/** A collection that could not be served. */
type Refused = Done & { readonly refused: true }
/** One whose server does not answer: others do not wait for it. */
type Away = Refused & { readonly away: CollectionRequest; readonly why: Failure }
/** A collection that is done with: one that could not be served, or is the recipient cache; or one on its way. */
type Outcome = Collection | Done | Refused | Away
const served = (outcome: Outcome): outcome is Collection => !('done' in outcome)
const isAway = (outcome: Outcome): outcome is Away => 'away' in outcome
const isNews = (outcome: Outcome): boolean => served(outcome) ? outcome.hasNews : outcome.news

/** Who serves a collection is decided here: mailboxes, or the recipient information cache, which takes no commands. */
async function begin(call: Call, collection: CollectionRequest, window: number): Promise<Outcome> {
  await heedResync(call, collection)
  return isRecipients(call, collection.id) ? serveRecipients(call, collection, window) : openCollection(call, collection)
}

async function open(call: Call, asked: SyncAsked): Promise<readonly Outcome[]> {
  const { request } = asked
  call.facts['collections'] = request.collections.length
  const opened: Outcome[] = []
  // [MS-ASCMD] Add (Sync): a Status of the whole request.
  if (request.collections.some(({ id, commands }) => commands.length && isRecipients(call, id))) {
    throw new Failure('malformed', 'commands for the recipient cache')
  }
  for (const one of request.collections) opened.push(await attempt(call, one, () => begin(call, one, request.window)))
  return look(call, asked, opened)
}

async function waitAndTell(call: Call, asked: SyncAsked, outcomes: readonly Outcome[], seconds: number): Promise<Answer> {
  const waiting = outcomes.filter(served).filter(one => one.wantsChanges), away = outcomes.filter(isAway)
  const standings = new Map<FolderId, Standing>([...away.map(one => [one.away.id, undefined] as const), ...standingsOf(waiting)])
  const woken = await waitForChange(call, [...standings.keys()], id => standings.get(id), seconds)
  return tell(call, asked, woken.kind === 'changed' ? await look(call, asked, await goOn(call, outcomes)) : outcomes)
}

async function tell(call: Call, asked: SyncAsked, outcomes: readonly Outcome[]): Promise<Answer> {
  // [MS-ASCMD] Empty Sync Response came with 12.1.
  const brief = since(call.request.version, '12.1')
  const news = outcomes.filter(outcome => !brief || isNews(outcome))
  count(call, outcomes.filter(served))
  const said = await Promise.all(outcomes.map(async outcome => served(outcome) ? describe(call, outcome, outcomes.length === 1) : outcome))
  rememberRequest(call, asked, news.length === 0)
  if (news.length === 0) return empty
  const shown = said.filter((_, index) => news.includes(outcomes[index]!)).map(({ done }) => done)
  const answered = wbxml(el('AirSync:Sync', [el('AirSync:Collections', shown)]))
  // What was refused now may be served when it is asked for again, and there may be news where there was none.
  return said.some(one => 'refused' in one) || !outcomes.some(isNews) ? answered : asked.keep(answered)
}

/** What there is to tell of objects may be away by now, too. */
async function describe(call: Call, collection: Collection, alone: boolean): Promise<Pick<Done, 'done'> | Refused> {
  try {
    return { done: await collection.describe() }
  } catch (error) {
    if (alone || !(error instanceof Failure) || !isLater(error) || !holdsObjects(collection.folder.id)) throw error
    return refuse(call, collection.request, error)
  }
}

function refuse(call: Call, request: CollectionRequest, failure: Failure): Refused {
  const done = refusedCollection(call, request, failure.kind)
  countStatus(call, statusOf(done))
  countResync(call, failure)
  return { done, news: true, items: 0, refused: true }
}

const isLater = ({ kind }: Failure): boolean => kind === 'unavailable' || kind === 'busy'

/** Those that were away are begun anew. */
async function goOn(call: Call, outcomes: readonly Outcome[]): Promise<Outcome[]> {
  const next: Outcome[] = []
  for (const one of outcomes) {
    next.push(isAway(one) ? await attempt(call, one.away, () => openCollection(call, one.away)) : served(one) ? one.movedOn() : one)
  }
  return next
}

const standingsOf = (collections: readonly Collection[]) => new Map(collections.map(({ folder, standing }) => [folder.id, standing]))

/** Asks each collection for changes until the window over all of them is full; those without any cost one round trip together. */
async function look(call: Call, { request }: SyncAsked, opened: readonly Outcome[]): Promise<Outcome[]> {
  const wanting = opened.filter(served).filter(one => one.wantsChanges)
  const looked = wanting.length > 1 ? await changedFolders(call.stores, standingsOf(wanting), call.now()) : undefined
  const maybe = looked && (looked.unknown.size < wanting.length ? looked.changed : looked.unknown)
  const told = opened.reduce((sum, outcome) => sum + (served(outcome) ? 0 : outcome.items), 0)
  let left = Math.max(0, request.window - told)
  const outcomes: Outcome[] = []
  for (const outcome of opened) {
    if (!served(outcome) || !outcome.wantsChanges || (!outcome.made && (left === 0 || maybe?.has(outcome.folder.id) === false))) {
      outcomes.push(outcome)
      continue
    }
    const gathered = await attempt(call, outcome.request, () => outcome.gather(Math.min(left, outcome.request.window)))
    if (served(gathered)) left = Math.max(0, left - gathered.told.adds - gathered.told.updates - gathered.told.deletes)
    outcomes.push(gathered)
  }
  const away = outcomes.find(isAway)
  // Nothing is left to say but that: the whole request is to be tried again.
  if (away && outcomes.every(isAway)) throw away.why
  return outcomes
}

/** A failure of one collection is its own status; the others go on. What concerns the account ends the request. */
async function attempt(call: Call, request: CollectionRequest, work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Failure) || error.kind === 'auth') throw error
    if (isLater(error) && !holdsObjects(request.id)) throw error
    if (isLater(error)) {
      // A client that said nothing there hears nothing of it; to any other the collection is to be tried again.
      const news = request.key === '0' || request.commands.length > 0
      return { ...refuse(call, request, error), news, away: request, why: error }
    }
    if (error.kind === 'stale') call.facts['resync'] = `${request.id}: ${error.message}`.slice(0, 200)
    call.log.info({ collection: request.id, kind: error.kind, reason: error.message }, 'collection refused')
    return refuse(call, request, error)
  }
}

function count(call: Call, collections: readonly Collection[]): void {
  const sum = (name: keyof Told): number => collections.reduce((total, { told }) => total + told[name], 0)
  const { facts } = call
  for (const { folder, told } of collections) countTold(call, folder.content, told)
  // Where devices are remembered, so that one can be had to begin one of them anew.
  if (call.devices) facts['synced'] = collections.slice(0, mostNamed).map(({ request: { id }, folder: { role, content } }) => `${id} ${role ?? content}`).join(', ') || undefined
  facts['commands'] = collections.reduce((total, { request }) => total + request.commands.length, 0)
  facts['unkept'] = sum('unkept') || undefined
  facts['adds'] = sum('adds')
  facts['updates'] = sum('updates')
  facts['deletes'] = sum('deletes')
}
