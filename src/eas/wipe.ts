import type { Orders, Wipe } from '../base/devices.ts'
import { Failure } from '../base/failure.ts'
import { child, el, text, type Node } from '../wire/wbxml.ts'
import type { Call } from './command.ts'

const directives = { full: 'Provision:RemoteWipe', account: 'Provision:AccountOnlyRemoteWipe' } as const

/** [MS-ASPROV] Status (RemoteWipe). */
const wiped = '1', couldNot = '2'

/**
 * [MS-ASPROV] Responding to a Remote Wipe Directive Acknowledgment, and what comes before it: the answer to a Provision of a device that is
 * to be wiped; undefined for any other. What is told is kept before the phone hears it, so that nobody takes back what was told.
 */
export async function answerWipe({ devices, stores, request, body, log }: Call): Promise<Node | undefined> {
  const key = { user: stores.person.account, id: request.deviceId }
  const known = devices?.orders(key)?.wipe
  if (!devices || !known || known.state === 'done') return undefined
  const directive = directives[known.kind]
  const acknowledged = body && child(body, directive)
  const status = acknowledged && text(acknowledged, 'Provision:Status')
  if (acknowledged && status !== wiped && status !== couldNot) throw new Failure('malformed', 'an acknowledgement without a status')
  let before: Wipe | undefined
  const { wipe } = await devices.change(key, now => {
    before = now?.wipe
    return now?.wipe ? step(now, now.wipe, status) : now
  }) ?? {}
  if (!wipe) return undefined
  if (wipe.state !== before?.state) {
    log.info({ audit: 'wipe', user: key.user, device: key.id, kind: wipe.kind, state: wipe.state, by: wipe.by }, `device wipe ${wipe.state}`)
  }
  if (wipe.state === 'done') return el('Provision:Provision', [el('Provision:Status', '1')])
  return el('Provision:Provision', [el('Provision:Status', status === couldNot ? '2' : '1'), el(directive)])
}

/** A device that acknowledges what it was not told is told first. */
function step(orders: Orders, wipe: Wipe, status: string | undefined): Orders {
  const heard = wipe.state === 'told' || wipe.state === 'failed'
  const state = wipe.state === 'done' ? 'done' : !heard || !status ? 'told' : status === wiped ? 'done' : 'failed'
  return state === wipe.state ? orders : { ...orders, wipe: { ...wipe, state, changed: Date.now() } }
}
