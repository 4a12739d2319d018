import type { Cache } from '../state/cache.ts'
import { text } from '../wire/wbxml.ts'
import { offer } from './commands.ts'
import type { Call } from './command.ts'
import { ceilingOf, daysLeft, type Who } from './rules.ts'
import type { EasSettings } from './settings.ts'
import type { Version } from './versions.ts'

/** The header fields every answer to a client has: [MS-ASHTTP] Response Headers. */
export type OutgoingHead = {
  /** The highest version for this client. */
  readonly ceiling: Version
  readonly headers: Readonly<Record<string, string>>
  /** From now on they tell the versions and commands, and that the client shall begin anew. */
  announce(): void
}

export async function outgoingHead(settings: EasSettings, agent: string | undefined, who: Who, now: Date): Promise<OutgoingHead> {
  const ceiling = await ceilingOf(settings, agent, who)
  const headers: Record<string, string> = {
    'ms-server-activesync': ceiling, 'cache-control': 'private',
    ...expiryOf(settings, who.names, now)?.headers,
  }
  return {
    ceiling, headers,
    announce() {
      const offered = offer(ceiling)
      Object.assign(headers, offered, { 'x-ms-rp': offered['ms-asprotocolversions'] })
    },
  }
}

/** What is to be said of a password that expires soon or has expired. */
export type Expiry = { readonly expired: boolean; readonly headers: Readonly<Record<string, string>> }

export function expiryOf(settings: Pick<EasSettings, 'passwords'>, names: readonly string[], now: Date): Expiry | undefined {
  const left = daysLeft(settings, names, now)
  return left === undefined ? undefined : { expired: left < 0, headers: expiry(String(Math.max(left, 0)), settings.passwords!.url) }
}

/** The document spells the first in two ways. */
const expiry = (days: string, url: string): Readonly<Record<string, string>> =>
  ({ 'x-ms-credentials-expire': days, 'x-ms-credential-expire': days, 'x-ms-credential-service-url': url })

/** [MS-ASHTTP] Handling HTTP Requests: a FolderSync with key 0 is told the versions; the client knows better than to begin anew again. */
export const asksHierarchyAnew = ({ request, body }: Pick<Call, 'request' | 'body'>): boolean =>
  request.command === 'FolderSync' && body !== undefined && text(body, 'FolderHierarchy:SyncKey') === '0'

/** [MS-ASHTTP] X-MS-RP: whether this device was offered other versions when it was here last. True once. */
export function hasChanged(cache: Cache, scope: string, ceiling: Version): boolean {
  const slot = `offered:${scope}`
  const before = cache.get<Version>(slot)
  if (before !== ceiling) cache.set(slot, ceiling, { size: 64 })
  return before !== undefined && before !== ceiling
}
