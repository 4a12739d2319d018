import { createHash } from 'node:crypto'
import type { DeviceStore } from '../base/devices.ts'
import { Failure } from '../base/failure.ts'
import type { Front, FrontAnswer } from '../base/front.ts'
import { gate } from '../base/gate.ts'
import type { Log } from '../base/log.ts'
import type { Shared } from '../base/shared.ts'
import { act, deviceKeyOf, wishOf } from '../http/admin-actions.ts'
import { deviceLook, type DeviceLook } from './device-look.ts'
import { deviceOf, filters, listOf, requestsOf, sorts } from './device-view.ts'
import { readFiles } from './files.ts'
import { guesses } from './guesses.ts'
import { pageFront, type Asked, type Ordered } from './page-front.ts'
import { isPassword, unknowable } from './password-hash.ts'
import { sessions } from './session.ts'

export type AdminPageParts = {
  /** Hashes of passwords, by names. */
  readonly people: Readonly<Record<string, string>>
  readonly secret: Uint8Array
  readonly store: DeviceStore
  readonly shared: Shared
  readonly log: Log
}

/** Rows of a list, where the page does not say. */
const usualRows = 100, mostRows = 2000, mostRequests = 60
/** Milliseconds for which all pages are shown the same. */
const ages = { shortest: 1000, longest: 5000 }

/**
 * The page of administrators at the root of their listener. Below `api/` (see `pageFront`): GET `devices` (`search`, `filter`, `sort`, `most`), `requests`,
 * `devices/{user}/{id}`, its `trace` (`from`: what comes behind so many pieces) and `trace.txt`; POST `devices/{user}/{id}/{action}` as the interface for
 * programs has it, in the name of who is signed in.
 */
export function adminPage({ people, secret, store, shared, log }: AdminPageParts): Front {
  const { prove } = guesses('admin', shared)
  // Each takes a core and 32 MiB.
  const proving = gate('passwords', { places: 2, perSecond: 2, queue: 20 })
  const hashOf = (name: string): string | undefined => Object.hasOwn(people, name) ? people[name] : undefined
  const look = deviceLook(store, ages)
  return pageFront({
    kind: 'admin', path: '/', files: readFiles('admin.html', 'admin.js', 'admin-device.js', 'admin-words.js', 'page.js', 'page.css', 'admin.css'), log,
    sessions: sessions('admin', { secret, shared }),
    prove: (name, password, { address }) => prove(name, address, async () => {
      const hash = hashOf(name), leave = await proving.enter()
      const right = await isPassword(password, hash ?? unknowable).finally(leave)
      if (!right || hash === undefined) throw new Failure('auth', 'the name or the password is wrong')
      return { name, mark: markOf(hash) }
    }),
    holds({ name, mark }) {
      const hash = hashOf(name)
      return hash !== undefined && markOf(hash) === mark
    },
    ask: asked => ask(asked, store, look),
    async order({ path, said, session, visit }: Ordered) {
      const [top, user = '', id, what = '', ...rest] = path
      if (top !== 'devices' || rest.length) throw nothingHere()
      const device = await act({ store, log }, deviceKeyOf(user, id), what, wishOf({ ...said, by: session.name }), visit.address)
      look.anew()
      return deviceOf(device)
    },
  })
}

async function ask({ path: [top, user, id, what, ...rest], query }: Asked, store: DeviceStore, look: DeviceLook): Promise<unknown> {
  if (top === 'requests' && user === undefined) return requestsOf(await look.devices(), mostRequests)
  if (top !== 'devices' || rest.length) throw nothingHere()
  if (user === undefined) {
    return listOf(await look.devices(), {
      search: (query.get('search') ?? '').slice(0, 200), filter: oneOf(filters, query.get('filter')), sort: oneOf(sorts, query.get('sort')),
      most: Math.min(Math.max(1, Number(query.get('most')) || usualRows), mostRows),
    })
  }
  const key = deviceKeyOf(user, id)
  if (what === 'trace') {
    const trace = await store.traced(key), from = Number(query.get('from')) || 0
    // One that was begun anew is shorter than what the page has of the former.
    const first = from > 0 && from <= trace.length ? from : 0
    return { first, trace: trace.slice(first) }
  }
  if (what === 'trace.txt') return textFile(`trace-${key.id.replace(/[^\w.-]/g, '_')}.txt`, (await store.traced(key)).join('\n'))
  if (what !== undefined) throw nothingHere()
  const device = await store.device(key)
  if (!device) throw new Failure('not-found', 'No such device is known.')
  return deviceOf(device)
}

const nothingHere = (): Failure => new Failure('not-found', 'There is nothing here.')

function oneOf<T extends string>(words: readonly T[], said: string | null): T {
  const word = said === null ? words[0] : words.find(one => one === said)
  if (word === undefined) throw new Failure('malformed', 'There is no such choice.')
  return word
}

const textFile = (name: string, text: string): FrontAnswer => ({
  status: 200, body: Buffer.from(`${text}\n`),
  headers: [['content-type', 'text/plain; charset=utf-8'], ['content-disposition', `attachment; filename="${name}"`], ['cache-control', 'no-store']],
})

/** A session ends with the password that began it. */
const markOf = (hash: string): string => createHash('sha256').update(hash).digest('base64url').slice(0, 12)
