import type { Guard } from '../../src/base/guard.ts'
import type { Log } from '../../src/base/log.ts'
import { connect, type Backend, type BackendsConfig } from '../../src/backend/connect.ts'
import { easFront } from '../../src/eas/server.ts'
import type { EasSettings } from '../../src/eas/settings.ts'
import { listen } from '../../src/http/server.ts'
import { memoryCache } from '../../src/state/cache.ts'
import { ownMemory } from '../../src/state/shared-memory.ts'
import { redisShared, type SharedConfig } from '../../src/state/shared-redis.ts'
import { keptLog, type Line } from './http.ts'
import { recorder } from './record.ts'
import { DOMAIN } from './users.ts'

export type InstanceOptions = {
  /** Shared by the instances of a site. */
  readonly secret?: string
  readonly now?: () => Date
  readonly settings?: Partial<EasSettings>
  /** Seconds a mail server may stay silent. */
  readonly patience?: number
  readonly megabytes?: number
  /** Between Postern and the mail server. */
  readonly imap?: { readonly host: string; readonly port: number }
  readonly smtp?: { readonly host: string; readonly port: number }
  /** ManageSieve, without encryption. */
  readonly sieve?: { readonly host: string; readonly port: number }
  readonly log?: Log
  /** Where CalDAV and CardDAV are discovered; none where absent. */
  readonly dav?: { readonly url: string; readonly login?: string; readonly pollSeconds?: number; readonly freeBusy?: string }
  readonly notes?: Backend['notes']
  /** The address list. */
  readonly directory?: NonNullable<Backend['directory']>
  readonly addressBook?: NonNullable<Backend['addressBook']>
  readonly certificates?: NonNullable<BackendsConfig['certificates']>
  readonly sessions?: BackendsConfig['sessions']
  readonly guard?: Guard
  readonly shared?: SharedConfig
  /** Milliseconds that the shared cache may take to answer. */
  readonly sharedPatience?: number
}

/** Postern inside of this process, without its command line: over HTTP on a free port. */
export type Instance = {
  readonly url: string
  readonly port: number
  /** What it logged since it was started last. */
  readonly lines: readonly Line[]
  /** Errors nobody expected, over all restarts. */
  bugs(): number
  /** A new one in its place that remembers nothing. */
  restart(): Promise<void>
  close(): Promise<void>
}

type Mail = { readonly host: string; readonly port: number }

/** A house without an SMTP server throws when asked for it. */
function smtpOf(mail: Pick<Servers, 'submission'>): Mail {
  try {
    return mail.submission ?? nowhere
  } catch {
    return nowhere
  }
}

const nowhere: Mail = { host: '127.0.0.1', port: 1 }

type Servers = { readonly imap: Mail; readonly submission?: Mail }

export async function startInstance(mail: Servers, options: InstanceOptions = {}): Promise<Instance> {
  const { secret = 'the secret of all instances of a site', now, settings, patience = 20, megabytes = 64 } = options
  const imap = options.imap ?? mail.imap, smtp = options.smtp ?? smtpOf(mail)
  const record = recorder()
  let bugsBefore = 0
  let current = await start()

  async function start() {
    const log = keptLog(), cache = memoryCache({ megabytes }), own = ownMemory(cache)
    const site = options.shared && await redisShared(options.shared, {
      secret: Buffer.from(secret), own, log: options.log ?? log, patience: options.sharedPatience ?? 5000,
    })
    const backends = connect({
      backends: [{
        domains: [DOMAIN], login: '{local}@{domain}', imap: { host: imap.host, port: imap.port, security: 'none' },
        smtp: { host: smtp.host, port: smtp.port, security: 'none', auth: true },
        ...(options.dav ? { dav: options.dav } : {}),
        ...(options.notes ? { notes: options.notes } : {}),
        ...(options.directory ? { directory: options.directory } : {}),
        ...(options.addressBook ? { addressBook: options.addressBook } : {}),
        ...(options.sieve && { sieve: { ...options.sieve, security: 'none', script: 'postern' } }),
      }],
      sessions: { timeoutSeconds: patience, ...options.sessions },
      ...(options.certificates ? { certificates: options.certificates } : {}),
    }, options.log ?? log, site ?? own)
    const front = easFront({
      settings: {
        secret: Buffer.from(secret), ceiling: '16.1', ceilings: [], merge: [], redirects: [], passwords: undefined, heartbeat: { min: 1, max: 3540 }, pingFolders: 300,
        recipientCache: false, maxRequest: 16 * 1024 * 1024, maxHeld: 16 * 1024 * 1024,
        policy: undefined, ...settings,
      },
      open: backends.open, cache, shared: site ?? own, log: options.log ?? log,
      ...(now ? { now } : {}), ...(options.guard ? { guard: options.guard } : {}), ...(record ? { record } : {}),
    })
    const server = await listen({ host: '127.0.0.1', port: 0, log: options.log ?? log }, { fronts: [front], passThrough: undefined })
    return { server, backends, log, site }
  }

  async function end(): Promise<void> {
    const { server, backends, site } = current
    await server.close(0)
    await backends.close()
    site?.close()
    bugsBefore += server.bugs()
  }

  return {
    get url() { return `http://127.0.0.1:${current.server.port}` },
    get port() { return current.server.port },
    get lines() { return current.log.lines },
    bugs: () => bugsBefore + current.server.bugs(),
    async restart() {
      await end()
      current = await start()
    },
    close: end,
  }
}

