import type { MailServers, PublicServer } from '../model/mail-servers.ts'
import type { Stores } from '../model/ports.ts'
import { childrenOf, textAt, type XmlElement } from '../wire/xml-read.ts'
import { mark, type Markup } from '../wire/xml-write.ts'
import { addressThere, displayNameOf, elsewhereOf, isAddress, isOwn, primaryOf, soapPath, type Ask, type Asker, type Elsewhere } from './house.ts'
import { fault, nil, type Operation } from './soap-answer.ts'

/** Users or domains of one request, and settings asked of each; Exchange takes 90 users. */
const most = { asked: 100, settings: 200 }

type Known = { readonly address: string; readonly name: string; readonly servers: MailServers | undefined }

/** [MS-OXWSADISC] User Settings: those that there are here, by their names, with the type of their value. */
const settings: Readonly<Record<string, (known: Known) => Markup[] | undefined>> = {
  UserDisplayName: ({ name }) => text('UserDisplayName', name),
  AutoDiscoverSMTPAddress: ({ address }) => text('AutoDiscoverSMTPAddress', address),
  InternalImap4Connections: ({ servers }) => connection('InternalImap4Connections', servers?.imap),
  ExternalImap4Connections: ({ servers }) => connection('ExternalImap4Connections', servers?.imap),
  InternalSmtpConnections: ({ servers }) => connection('InternalSmtpConnections', servers?.smtp),
  ExternalSmtpConnections: ({ servers }) => connection('ExternalSmtpConnections', servers?.smtp),
}

const text = (name: string, value: string): Markup[] =>
  [mark('UserSetting', [mark('Name', name), mark('Value', value)], { 'i:type': 'StringSetting' })]

const connection = (name: string, server: PublicServer | undefined): Markup[] | undefined => server && [
  mark('UserSetting', [mark('Name', name), mark('ProtocolConnections', [mark('ProtocolConnection', [
    mark('Hostname', server.host), mark('Port', String(server.port)), mark('EncryptionMethod', server.security === 'tls' ? 'SSL' : 'TLS'),
  ])])], { 'i:type': 'ProtocolConnectionCollectionSetting' }),
]

/** [MS-OXWSADISC] GetUserSettings. Of nobody but the user who asks. */
export const userSettings: Operation = async (ask, request, asker) => {
  const wanted = wishes(request, 'RequestedSettings')
  const addresses = childrenOf(request, 'Users').flatMap(users => childrenOf(users, 'User')).map(user => textAt(user, 'Mailbox') ?? '')
  if (!wanted || addresses.length === 0 || addresses.length > most.asked) {
    return fault('InvalidRequest', 'Users and RequestedSettings are wanted, and not too many.')
  }
  const answers: Markup[] = []
  for (const address of addresses) answers.push(mark('UserResponse', await userAnswer(ask, address, wanted, asker)))
  return [...fault('NoError', ''), mark('UserResponses', answers)]
}

async function userAnswer(ask: Ask, address: string, wanted: readonly string[], asker: Asker): Promise<Markup[]> {
  if (!isAddress(address)) return nothing('InvalidUser', 'This is no address.')
  const elsewhere = elsewhereOf(ask, asker, address)
  if (elsewhere) return redirected(address, elsewhere)
  if ('elsewhere' in asker || !isOwn(ask, asker.stores.person, address)) return nothing('InvalidUser', 'This is not an address of the user.')
  const known = await knownOf(ask, address, asker.stores)
  const told = wanted.flatMap(name => Object.hasOwn(settings, name) ? settings[name]!(known) ?? [] : [])
  const missing = wanted.filter(name => !Object.hasOwn(settings, name) || settings[name]!(known) === undefined)
  return [
    ...fault('NoError', 'No error.'), nil('RedirectTarget'),
    mark('UserSettingErrors', missing.map(name => mark('UserSettingError', [
      ...fault('SettingIsNotAvailable', 'There is no such setting here.'), mark('SettingName', name),
    ]))),
    mark('UserSettings', told),
  ]
}

const knownOf = async (ask: Ask, address: string, stores: Stores): Promise<Known> =>
  ({ address: primaryOf(stores.person, address), name: await displayNameOf(ask, stores, address), servers: ask.house.serversOf(address) })

/** [MS-OXWSADISC] ErrorCode: RedirectAddress, RedirectUrl. */
function redirected(address: string, to: Elsewhere): Markup[] {
  const there = addressThere(to, address), sentence = 'The user is served elsewhere.'
  return there === undefined
    ? nothing('RedirectUrl', sentence, `${new URL(to.url).origin}${soapPath}`) : nothing('RedirectAddress', sentence, there)
}

const nothing = (code: string, message: string, target?: string): Markup[] => [
  ...fault(code, message), target === undefined ? nil('RedirectTarget') : mark('RedirectTarget', target),
  mark('UserSettingErrors'), mark('UserSettings'),
]

/** [MS-OXWSADISC] GetDomainSettings: all there is are addresses of EWS, which is not here. Refused setting by setting. */
export const domainSettings: Operation = async ({ house }, request) => {
  const wanted = wishes(request, 'RequestedSettings')
  const domains = childrenOf(request, 'Domains').flatMap(list => childrenOf(list, 'Domain')).map(domain => domain.text.trim().toLowerCase())
  if (!wanted || domains.length === 0 || domains.length > most.asked) {
    return fault('InvalidRequest', 'Domains and RequestedSettings are wanted, and not too many.')
  }
  return [...fault('NoError', ''), mark('DomainResponses', domains.map(domain => {
    const served = isAddress(`x@${domain}`) && house.serversOf(`x@${domain}`) !== undefined
    return mark('DomainResponse', [
      ...served ? fault('NoError', 'No error.') : fault('InvalidDomain', 'The domain is not served here.'),
      mark('DomainSettingErrors', served ? wanted.map(name => mark('DomainSettingError', [
        ...fault('SettingIsNotAvailable', 'There is no such setting here.'), mark('SettingName', name),
      ])) : []),
      mark('DomainSettings'),
      nil('RedirectTarget'),
    ])
  }))]
}

/** The names of the settings asked for; undefined for none, or too many. */
function wishes(request: XmlElement, list: string): string[] | undefined {
  const names = childrenOf(request, list).flatMap(one => childrenOf(one, 'Setting')).map(setting => setting.text.trim().slice(0, 128))
  return names.length > 0 && names.length <= most.settings ? [...new Set(names)] : undefined
}
