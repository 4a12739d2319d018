import { createHash, createHmac } from 'node:crypto'
import { canonicalDeviceId } from '../base/devices.ts'
import type { Cache } from '../state/cache.ts'
import type { EasRequest } from './request.ts'
import { policyOf, type Policy, type Who } from './rules.ts'
import type { EasSettings } from './settings.ts'

/** [MS-ASPROV] PolicyKey: the temporary key proves that the policy was received, the final one that it was acknowledged. */
export type Phase = 'temporary' | 'final'

/**
 * Derived and not stored: any process knows it, it stays while the policy does and becomes another one when the policy changes.
 * Decimal, 32 bits, never 0, as the base64 query has room for.
 */
export function policyKey(settings: Pick<EasSettings, 'secret' | 'policy'>, phase: Phase, account: string, deviceId: string): string {
  const policy = createHash('sha256').update(JSON.stringify(Object.entries(settings.policy ?? {}).sort())).digest()
  const mac = createHmac('sha256', settings.secret)
    .update(`policy\0${phase}\0${account}\0${canonicalDeviceId(deviceId)}\0`).update(policy).digest()
  return String(mac.readUInt32BE() || 1)
}

/** A key that was found right, for as long as the configuration has this very policy. */
type Proven = { readonly policy: Policy; readonly key: string }

/** [MS-ASCMD] Common Status Codes, 142 to 144: why this device must provision first, else undefined. */
export async function policyFault(
  { settings, cache }: { readonly settings: EasSettings; readonly cache: Cache }, request: EasRequest, account: string, who: Who,
): Promise<'142' | '144' | undefined> {
  if (request.command === 'Provision') return undefined
  const policy = await policyOf(settings, request.userAgent, who)
  if (!policy) return undefined
  const { policyKey: key, device, deviceId } = request
  if (!key || key === '0') return '142'
  const slot = `policy:${account}/${device}`, proven = cache.get<Proven>(slot)
  if (proven?.policy === policy && proven.key === key) return undefined
  if (key !== policyKey({ ...settings, policy }, 'final', account, deviceId)) return '144'
  cache.set(slot, { policy, key } satisfies Proven, { size: 64 })
  return undefined
}
