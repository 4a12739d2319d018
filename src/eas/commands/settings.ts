import { Failure, type Kind } from '../../base/failure.ts'
import type { Person } from '../../model/ports.ts'
import { child, el, text, type Element, type Node, type Tag } from '../../wire/wbxml.ts'
import { wbxml, type Call, type Command } from '../command.ts'
import { since } from '../versions.ts'

/** [MS-ASCMD] Status (Settings). */
const status: Partial<Record<Kind, string>> = { malformed: '2', denied: '3', unavailable: '4' }
const success = '1', protocolError = '2', invalidArguments = '5', deniedByPolicy = '7', rightsManagementDisabled = '168'

// [MS-ASCMD] Settings: each part of the request is answered with a status of its own.
export const settings: Command = {
  async run(call) {
    if (!call.body || call.body.children.length === 0) throw new Failure('malformed', 'Settings that ask for nothing')
    const tags = call.body.children.map(({ tag }) => tag)
    if (new Set(tags).size < tags.length) throw new Failure('malformed', 'a property twice')
    const answers = call.body.children.map(part => parts[part.tag]?.(call, part))
    if (answers.includes(undefined)) throw new Failure('malformed', 'an unknown property')
    return wbxml(el('Settings:Settings', [el('Settings:Status', success), ...answers.flatMap(answer => answer ?? [])]))
  },

  refuse: kind => el('Settings:Settings', [el('Settings:Status', status[kind] ?? '4')]),
}

const parts: { readonly [tag: string]: (call: Call, part: Element) => Node } = {
  'Settings:UserInformation': (call, part) => child(part, 'Settings:Get')
    ? told('Settings:UserInformation', success, [el('Settings:Get', userInformation(call))])
    : told('Settings:UserInformation', protocolError),

  'Settings:DeviceInformation': (call, part) => {
    hearDevice(call, part)
    return told('Settings:DeviceInformation', child(part, 'Settings:Set') ? success : protocolError)
  },

  // Automatic replies are nothing Postern can look up or change yet: it sends none, and says so when one is asked for.
  'Settings:Oof': (_, part) => child(part, 'Settings:Get')
    ? told('Settings:Oof', success, [el('Settings:Get', [el('Settings:OofState', '0')])])
    : told('Settings:Oof', invalidArguments),

  'Settings:DevicePassword': () => told('Settings:DevicePassword', deniedByPolicy),
  'Settings:RightsManagementInformation': () => told('Settings:RightsManagementInformation', rightsManagementDisabled),
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
