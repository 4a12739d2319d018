import { check as tryBackends } from './backend/check.ts'
import { checkGroups } from './backend/check-directory.ts'
import { checkDns } from './backend/check-dns.ts'
import { bad, good, type Finding } from './backend/check-finding.ts'
import type { Credentials } from './base/front.ts'
import { checkDevices } from './check-devices.ts'
import type { Config } from './config.ts'
import { groupsNamed } from './eas/rules.ts'
import { redisTrouble } from './state/redis-line.ts'

/** What is looked at: everything that stands behind Postern for a user, and what leads clients of a mail domain here. */
type Wish = { readonly credentials: Credentials | undefined; readonly dns?: string | undefined; readonly resolver?: string | undefined }

/** `postern check`: what works and what does not, in sentences. */
export async function checkAll(config: Config, { credentials, dns, resolver }: Wish): Promise<Finding[]> {
  const { backends, autodiscover, cache: { shared } } = config
  return [
    ...dns ? await checkDns(dns, { url: autodiscover?.url, ...(resolver === undefined ? {} : { resolver }) }) : [],
    ...credentials ? [
      ...await tryBackends(backends, credentials), ...await checkGroups(backends, credentials, groupsNamed(config.eas)),
      await checkShared(shared), ...await checkDevices(config),
    ] : [],
  ]
}

async function checkShared(server: Config['cache']['shared']): Promise<Finding> {
  if (!server) return good('No shared cache is configured: each process goes by its own memory, and one process needs no other.')
  const trouble = await redisTrouble(server), name = `The shared cache at ${server.url}`
  return trouble === undefined ? good(`${name} answers and keeps what it is given.`)
    : bad(`${name} cannot be used: ${trouble}. Each process goes by its own memory.`)
}
