import { Failure, type Kind } from '../../base/failure.ts'
import type { Person } from '../../model/ports.ts'
import { child, el, text, type Element, type Node, type Tag } from '../../wire/wbxml.ts'
import { wbxml, type Call, type Command } from '../command.ts'
import { hearOutOfOffice, hearType, sayOutOfOffice } from '../map/out-of-office.ts'
import { outcome } from '../outcome.ts'
import { since } from '../versions.ts'

/** [MS-ASCMD] Status (Settings). */
const status: Partial<Record<Kind, string>> = {
  malformed: '2', denied: '3', unsupported: '3', unavailable: '4', busy: '4', 'too-large': '5', quota: '5', conflict: '6',
}
const success = '1', protocolError = '2', deniedByPolicy = '7', rightsManagementDisabled = '168'

// [MS-ASCMD] Settings: each part of the request is answered with a status of its own.
export const settings: Command = {
  async run(call) {
    if (!call.body || call.body.children.length === 0) throw new Failure('malformed', 'Settings that ask for nothing')
    const asked = call.body.children
    if (asked.some(({ tag }) => !Object.hasOwn(parts, tag))) throw new Failure('malformed', 'an unknown property')
    if (new Set(asked.map(({ tag }) => tag)).size < asked.length) throw new Failure('malformed', 'a property twice')
    const answers: Node[] = []
    for (const part of asked) answers.push(await parts[part.tag]!(call, part))
    return wbxml(el('Settings:Settings', [el('Settings:Status', success), ...answers]))
  },

  refuse: kind => el('Settings:Settings', [el('Settings:Status', status[kind] ?? '4')]),
}

const parts: { readonly [tag: string]: (call: Call, part: Element) => Node | Promise<Node> } = {
  'Settings:UserInformation': (call, part) => child(part, 'Settings:Get')
    ? told('Settings:UserInformation', success, [el('Settings:Get', userInformation(call))])
    : told('Settings:UserInformation', protocolError),

  'Settings:DeviceInformation': (call, part) => {
    hearDevice(call, part)
    return told('Settings:DeviceInformation', child(part, 'Settings:Set') ? success : protocolError)
  },

  'Settings:Oof': async (call, part) => {
    const done = await outcome(outOfOffice(call, part))
    if (!(done instanceof Failure)) return told('Settings:Oof', success, done)
    call.log.info({ kind: done.kind, reason: done.message }, 'automatic replies were not told or not set')
    return told('Settings:Oof', status[done.kind] ?? '4')
  },

  'Settings:DevicePassword': () => told('Settings:DevicePassword', deniedByPolicy),
  'Settings:RightsManagementInformation': () => told('Settings:RightsManagementInformation', rightsManagementDisabled),
}

// [MS-ASCMD] Oof, Get Request and Response, Set Request and Response.
async function outOfOffice({ stores: { filters } }: Call, part: Element): Promise<Node[]> {
  const get = child(part, 'Settings:Get'), set = child(part, 'Settings:Set')
  if (!get === !set) throw new Failure('malformed', 'an Oof that neither gets nor sets')
  // No audience is told of where none can be answered, and setting one is denied.
  if (!filters && set) throw new Failure('denied', 'no ManageSieve is configured')
  if (!filters) return [el('Settings:Get', [el('Settings:OofState', '0')])]
  if (set) {
    await filters.setOutOfOffice(now => hearOutOfOffice(set, now))
    return []
  }
  const type = hearType(get!)
  return [el('Settings:Get', sayOutOfOffice(await filters.outOfOffice(), type))]
}

const told = (tag: Tag, value: string, rest: readonly Node[] = []): Node => el(tag, [el('Settings:Status', value), ...rest])

/** What a phone tells of itself, here and in Provision: for the log. */
export function hearDevice(call: Call, information: Element): void {
  const set = child(information, 'Settings:Set')
  if (!set) return
  const said = (tag: Tag): string | undefined => text(set, tag)?.slice(0, 128) || undefined
  Object.assign(call.facts, { model: said('Settings:Model'), os: said('Settings:OS') })
}

// [MS-ASCMD] EmailAddresses: below Get up to 14.0, from 14.1 below an Account, of which the primary one has no AccountId.
function userInformation({ stores, request }: Call): Node[] {
  const { person } = stores
  if (!since(request.version, '14.1')) return [el('Settings:EmailAddresses', person.addresses.map(smtpAddress))]
  return [el('Settings:Accounts', [el('Settings:Account', [
    ...(person.displayName ? [el('Settings:UserDisplayName', person.displayName)] : []),
    el('Settings:EmailAddresses', [...person.addresses.map(smtpAddress), ...primary(person)]),
  ])])]
}

const smtpAddress = (address: string): Node => el('Settings:SMTPAddress', address)
const primary = ({ addresses }: Person): Node[] => addresses[0] ? [el('Settings:PrimarySmtpAddress', addresses[0])] : []
