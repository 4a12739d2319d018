import { easFront, type EasFront, type EasParts } from '../../src/eas/server.ts'
import { Failure } from '../../src/base/failure.ts'
import type { Exchange } from '../../src/eas/respond.ts'
import type { EasSettings } from '../../src/eas/settings.ts'
import type { Open } from '../../src/model/ports.ts'
import type { Shared } from '../../src/base/shared.ts'
import { memoryCache, type Cache } from '../../src/state/cache.ts'
import { ownMemory } from '../../src/state/shared-memory.ts'
import { Phone, type PhoneOptions } from './eas-client.ts'
import { keptLog, serve, type Line, type Served } from './http.ts'
import { MemoryAccount } from './memory.ts'
import { alone, type Memory } from './memories.ts'
import { recorder } from './record.ts'

export const easSettings: EasSettings = {
  secret: Buffer.from('a secret of the tests'), ceiling: '16.1', ceilings: [], merge: [], redirects: [], passwords: undefined, heartbeat: { min: 1, max: 3540 }, pingFolders: 5,
  recipientCache: false, maxRequest: 1024 * 1024, maxHeld: 1024 * 1024, policy: undefined,
}

/** What servers share that are told nothing else. */
export const site: { memory: Memory } = { memory: alone }

export type EasServer = {
  readonly account: MemoryAccount
  readonly front: EasFront
  readonly served: Served
  readonly exchanges: readonly Exchange[]
  /** What the front logged. */
  readonly log: readonly Line[]
  phone(options?: Partial<PhoneOptions>): Phone
  /** Another process: the same settings and mail, an empty memory, and nothing known to the site. */
  forget(): void
  stop(): Promise<void>
}

/** The EAS front over an account in memory, behind a real HTTP server. The password is `secret`. */
export async function easServer(
  settings: Partial<EasSettings> = {}, account = new MemoryAccount(), now: () => Date = () => new Date(),
  memory: Memory = site.memory, more: Pick<EasParts, 'devices'> = {},
): Promise<EasServer> {
  const exchanges: Exchange[] = []
  const recording = recorder()
  const phones: Phone[] = []
  const open: Open = async credentials => {
    if (credentials.kind !== 'password' || credentials.password !== 'secret') throw new Failure('auth', 'wrong password')
    if (credentials.user !== account.person.login) throw new Failure('auth', 'no such user')
    return account.stores()
  }
  const kept: { cache: Cache } = { cache: memoryCache({ megabytes: 16 }) }
  const cache: Cache = {
    get: key => kept.cache.get(key),
    set: (key, value, options) => kept.cache.set(key, value, options),
    delete: key => kept.cache.delete(key),
  }
  let opened = memory.share(ownMemory(cache))
  const shared: Shared = {
    recall: async <T>(name: string) => (await opened).recall<T>(name),
    recallAll: async <T>(names: readonly string[]) => (await opened).recallAll<T>(names),
    keep: async (name, value, options) => (await opened).keep(name, value, options),
    hold: async name => (await opened).hold(name),
    count: async (name, seconds) => (await opened).count(name, seconds),
    counted: async names => (await opened).counted(names),
  }
  const record = (exchange: Exchange): void => {
    exchanges.push(exchange)
    recording?.(exchange)
  }
  const log = keptLog()
  const front = easFront({ settings: { ...easSettings, ...settings }, open, cache, shared, log, record, now, ...more })
  const served = await serve(front)
  return {
    account, front, served, exchanges, log: log.lines,
    phone(options = {}) {
      const phone = new Phone({ url: served.url, user: account.person.login, password: 'secret', ...options })
      phones.push(phone)
      return phone
    },
    forget() {
      kept.cache = memoryCache({ megabytes: 16 })
      void opened.then(before => before.close?.())
      opened = memory.share(ownMemory(cache))
    },
    async stop() {
      for (const phone of phones) phone.close()
      await served.close(0)
      ;(await opened).close?.()
      if (served.bugs()) throw new Error(
        `${served.bugs()} bugs: ${JSON.stringify(served.log.lines.filter(line => line.level === 'error'))}`
      )
    },
  }
}
