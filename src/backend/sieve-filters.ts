import { always, type Breaker } from '../base/breaker.ts'
import { Failure } from '../base/failure.ts'
import type { Log } from '../base/log.ts'
import { inOffice } from '../model/out-of-office.ts'
import type { Filing, Filters } from '../model/ports.ts'
import type { Backend } from './connect.ts'
import { decodeName } from './imap-names.ts'
import type { Login } from './imap-connection.ts'
import type { ImapFolders } from './imap-folders.ts'
import { ManageSieve } from './managesieve.ts'
import { mayRun } from './sieve-commands.ts'
import { answers, isBusy, noFiltering, parseScript, printScript, type Filtering, type PathFiling, type Recipient } from './sieve-script.ts'

export type SieveParts = {
  readonly endpoint: NonNullable<Backend['sieve']>
  readonly login: Login
  /** Who is meant, for the log. */
  readonly user: string
  readonly recipient: Recipient
  readonly folders: Pick<ImapFolders, 'path'>
  readonly timeoutSeconds: number
  readonly log: Log
  readonly breaker?: Breaker
}

/** Filings in the script; each with so many messages, and none with an id of more characters. */
const mostFilings = 50, mostMessages = 20, longestId = 250

/** Milliseconds a server may be silent: others wait behind. */
const patience = 15_000

/** What was found at the server. */
type Found = {
  readonly filtering: Filtering
  /** Name of the script that runs now. */
  readonly active: string | undefined
  readonly names: readonly string[]
  /** What runs is not what `filtering` says. */
  readonly stale: boolean
}

/**
 * Filters by one script of Postern's own, which is active as long as it has anything to do and then includes (RFC 6609) the script the
 * user had active. Its comments are where its settings are kept. A connection for each use.
 */
export function sieveFilters(parts: SieveParts): Filters {
  const { endpoint, login, user, recipient, folders, timeoutSeconds, log, breaker = always } = parts
  const own = endpoint.script
  let last: Promise<unknown> = Promise.resolve()

  /** One after the other, so that none overwrites what another one has just written. */
  function visit<T>(work: (sieve: ManageSieve) => Promise<T>): Promise<T> {
    const result = last.then(async () => {
      const sieve = await breaker.run(alive => ManageSieve.open(endpoint, login, Math.min(timeoutSeconds * 1000, patience), alive))
      try {
        return await work(sieve)
      } finally {
        sieve.close()
      }
    }).catch((error: unknown) => { throw unasked(error) })
    last = result.catch(() => {})
    return result
  }

  async function look(sieve: ManageSieve): Promise<Found> {
    const scripts = await sieve.list()
    const names = scripts.map(({ name }) => name), active = scripts.find(script => script.active)?.name
    const kept = names.includes(own) ? parseScript(await sieve.get(own)) : noFiltering
    // Somebody has switched off all filters, Postern's among them; the texts are still there.
    if (active === undefined && isBusy(kept)) return { filtering: { outOfOffice: off(kept), filings: [], included: undefined }, active, names, stale: false }
    // Who made another script active since, wants that one.
    const filtering = active === own || active === undefined ? kept : { ...kept, included: active }
    const stale = active !== own && isBusy(filtering)
    // And who has mail answered by it since, wants that answer: to two of them, Sieve is an error.
    if (!await clash(sieve, names, filtering)) return { filtering, active, names, stale }
    return { filtering: { ...filtering, outOfOffice: off(kept) }, active, names, stale: stale || active === own }
  }

  /** Whether the user's script answers mail as well. */
  async function clash(sieve: ManageSieve, names: readonly string[], filtering: Filtering): Promise<boolean> {
    const { included } = filtering
    return included !== undefined && answers(filtering) && names.includes(included) && mayRun(await sieve.get(included), 'vacation')
  }

  async function write(sieve: ManageSieve, { active, names }: Pick<Found, 'active' | 'names'>, wanted: Filtering): Promise<void> {
    if (isBusy(wanted)) {
      if (await clash(sieve, names, wanted)) throw new Failure('conflict', "the user's own script answers mail automatically")
      await sieve.put(own, printScript(wanted, recipient, sieve.extensions))
      if (active === own) return
      await sieve.activate(own)
      if (active === undefined) await uncover(sieve, names, wanted)
      return
    }
    // The user's script first: there is no moment in which it does not run.
    if (active === own) await sieve.activate(wanted.included)
    if (names.includes(own) || Object.keys(wanted.outOfOffice.replies).length > 0 || wanted.outOfOffice.on) {
      await sieve.put(own, printScript({ ...wanted, included: undefined }, recipient, sieve.extensions))
    }
  }

  /** A script that was put in place by hand is listed, by Dovecot, only when another one has become active. It counts as active before. */
  async function uncover(sieve: ManageSieve, before: readonly string[], wanted: Filtering): Promise<void> {
    const names = (await sieve.list()).map(({ name }) => name)
    const included = names.find(name => name !== own && !before.includes(name))
    if (included === undefined) return
    try {
      await write(sieve, { active: own, names }, { ...wanted, included })
    } catch (error) {
      await sieve.activate(included)
      throw error
    }
  }

  function change(edit: (now: Filtering) => Promise<Filtering> | Filtering): Promise<void> {
    return visit(async sieve => {
      const found = await look(sieve)
      const wanted = await edit(found.filtering)
      // An included script that was deleted since is nothing to go back to.
      const { included } = wanted
      await write(sieve, found, included === undefined || found.names.includes(included) ? wanted : { ...wanted, included: undefined })
    })
  }

  async function withPath(filing: Filing): Promise<PathFiling[]> {
    const messages = [...new Set(filing.messages)].filter(id => id.length <= longestId && !/[\s\0<>]/.test(id)).slice(0, mostMessages)
    if (messages.length === 0) return []
    try {
      return [{ ...filing, messages, path: decodeName(await folders.path(filing.folder)) }]
    } catch (error) {
      if (error instanceof Failure && (error.kind === 'not-found' || error.kind === 'denied')) return []
      throw error
    }
  }

  return {
    outOfOffice: () => visit(async sieve => {
      const found = await look(sieve)
      const { filtering, stale } = found
      if (!stale) return filtering.outOfOffice
      try {
        await write(sieve, found, filtering)
        log.info({ user }, "the user's Sieve script is another one, and is taken along")
        return filtering.outOfOffice
      } catch (error) {
        if (!(error instanceof Failure) || error.kind === 'unavailable') throw error
        log.info({ user, kind: error.kind, reason: error.message }, "the user's Sieve script is another one, and cannot be taken along")
        return off(filtering)
      }
    }),
    setOutOfOffice: edit => change(now => ({ ...now, outOfOffice: edit(now.outOfOffice) })),
    setFilings: edit => change(async now => {
      const filings: PathFiling[] = []
      for (const filing of edit(now.filings).slice(-mostFilings)) filings.push(...await withPath(filing))
      return { ...now, filings }
    }),
  }
}

const off = ({ outOfOffice: { replies } }: Filtering) => ({ ...inOffice, replies })

/** The user has logged in, with IMAP: a password that this server alone refuses is not for the client to ask anew. */
const unasked = (error: unknown): unknown => error instanceof Failure && error.kind === 'auth'
  ? new Failure('denied', error.message, { cause: error })
  : error
