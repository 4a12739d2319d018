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
  readonly recipient: Recipient
  readonly folders: Pick<ImapFolders, 'path'>
  readonly timeoutSeconds: number
  readonly log: Log
}

/** Filings in the script; each with so many messages, and none with an id of more characters. */
const mostFilings = 50, mostMessages = 20, longestId = 250

/** What was found at the server. */
type Found = {
  readonly filtering: Filtering
  /** Name of the script that runs now. */
  readonly active: string | undefined
  readonly names: readonly string[]
}

/**
 * Filters by one script of Postern's own, which is active as long as it has anything to do and then includes (RFC 6609) the script the
 * user had active. Its comments are where its settings are kept. A connection for each use.
 */
export function sieveFilters(parts: SieveParts): Filters {
  const { endpoint, login, recipient, folders, timeoutSeconds, log } = parts
  const own = endpoint.script
  let last: Promise<unknown> = Promise.resolve()

  /** One after the other, so that none overwrites what another one has just written. */
  function visit<T>(work: (sieve: ManageSieve) => Promise<T>): Promise<T> {
    const result = last.then(async () => {
      const sieve = await ManageSieve.open(endpoint, login, timeoutSeconds * 1000)
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
    // Who made another script active since, wants that one.
    if (active !== own && active !== undefined) return { filtering: { ...kept, included: active }, active, names }
    if (active === own || !isBusy(kept)) return { filtering: kept, active, names }
    // Somebody has switched off all filters, Postern's among them; the texts are still there.
    return { filtering: { outOfOffice: off(kept), filings: [], included: undefined }, active, names }
  }

  async function write(sieve: ManageSieve, { active, names }: Found, wanted: Filtering): Promise<void> {
    if (isBusy(wanted)) {
      const { included } = wanted
      if (included !== undefined && answers(wanted) && mayRun(await sieve.get(included), 'vacation')) {
        throw new Failure('conflict', "the user's own script answers mail automatically")
      }
      await sieve.put(own, printScript(wanted, recipient, sieve.extensions))
      if (active !== own) await sieve.activate(own)
      return
    }
    // The user's script first: there is no moment in which it does not run.
    if (active === own) await sieve.activate(wanted.included)
    if (names.includes(own) || Object.keys(wanted.outOfOffice.replies).length > 0 || wanted.outOfOffice.on) {
      await sieve.put(own, printScript({ ...wanted, included: undefined }, recipient, sieve.extensions))
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
      if (error instanceof Failure && error.kind === 'not-found') return []
      throw error
    }
  }

  return {
    outOfOffice: () => visit(async sieve => {
      const found = await look(sieve)
      const { filtering, active } = found
      if (active === own || !isBusy(filtering)) return filtering.outOfOffice
      // Settings that hold, but another script is active.
      try {
        await write(sieve, found, filtering)
        log.info({ user: login.user }, 'another Sieve script was active and is included now')
        return filtering.outOfOffice
      } catch (error) {
        if (!(error instanceof Failure) || error.kind === 'unavailable') throw error
        log.info({ user: login.user, kind: error.kind, reason: error.message }, 'another Sieve script is active')
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
