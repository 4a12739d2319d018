import { easFront, type EasFront } from '../../src/eas/server.ts'
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
import { recorder } from './record.ts'

export const easSettings: EasSettings = {
  secret: Buffer.from('a secret of the tests'), ceiling: '16.1', ceilings: [], redirects: [], passwords: undefined, heartbeat: { min: 1, max: 3540 }, pingFolders: 5,
  recipientCache: false, maxRequest: 1024 * 1024, maxHeld: 1024 * 1024, policy: undefined,
}

export type EasServer = {
  readonly account: MemoryAccount
  readonly front: EasFront
  readonly served: Served
  readonly exchanges: readonly Exchange[]
  /** What the front logged. */
  readonly log: readonly Line[]
  phone(options?: Partial<PhoneOptions>): Phone
  /** Another process: the same settings and mail, an empty memory. */
  forget(): void
  stop(): Promise<void>
}

/** The EAS front over an account in memory, behind a real HTTP server. The password is `secret`. */
export async function easServer(
  settings: Partial<EasSettings> = {}, account = new MemoryAccount(), now: () => Date = () => new Date(),
  share: (own: Shared) => Promise<Shared> = async own => own,
): Promise<EasServer> {
  const exchanges: Exchange[] = []
  const kept = recorder()
  const phones: Phone[] = []
  const open: Open = async credentials => {
    if (credentials.kind !== 'password' || credentials.password !== 'secret') throw new Failure('auth', 'wrong password')
    if (credentials.user !== account.person.login) throw new Failure('auth', 'no such user')
    return account.stores()
  }
  const memory: { cache: Cache } = { cache: memoryCache({ megabytes: 16 }) }
  const cache: Cache = {
    get: key => memory.cache.get(key),
    set: (key, value, options) => memory.cache.set(key, value, options),
    delete: key => memory.cache.delete(key),
  }
  const record = (exchange: Exchange): void => {
    exchanges.push(exchange)
    kept?.(exchange)
  }
  const log = keptLog()
  const front = easFront({ settings: { ...easSettings, ...settings }, open, cache, shared: await share(ownMemory(cache)), log, record, now })
  const served = await serve(front)
  return {
    account, front, served, exchanges, log: log.lines,
    phone(options = {}) {
      const phone = new Phone({ url: served.url, user: account.person.login, password: 'secret', ...options })
      phones.push(phone)
      return phone
    },
    forget: () => void (memory.cache = memoryCache({ megabytes: 16 })),
    async stop() {
      for (const phone of phones) phone.close()
      await served.close(0)
      if (served.bugs()) throw new Error(
        `${served.bugs()} bugs: ${JSON.stringify(served.log.lines.filter(line => line.level === 'error'))}`
      )
    },
  }
}
