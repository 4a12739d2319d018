import type { PublicServer } from '../model/mail-servers.ts'
import { mark, type Markup } from '../wire/xml-write.ts'
import { addressThere, displayNameOf, poxPath, primaryOf } from './house.ts'
import { errorAnswer, response, type Schema } from './pox-answer.ts'

const space = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a'

/** [MS-OXDSCLI] Autodiscover Response: servers of the Internet's own protocols. No EXCH or EXHTTP, whatever a client would speak. */
export const outlook: Schema = {
  name: 'outlook',
  async settings(ask, address, stores) {
    const servers = ask.house.serversOf(address)
    if (!servers?.imap || !servers.smtp) return { code: '501', message: 'There are no settings for this address' }
    const { login, imap, smtp } = servers
    return response(space, [
      mark('User', [mark('DisplayName', await displayNameOf(ask, stores, address)), mark('AutoDiscoverSMTPAddress', primaryOf(stores.person, address))]),
      account('settings', [
        mark('Protocol', protocol('IMAP', imap, login)),
        mark('Protocol', [...protocol('SMTP', smtp, login), mark('UsePOPAuth', 'off'), mark('SMTPLast', 'off')]),
      ]),
    ])
  },
  elsewhere(_, address, to) {
    const there = addressThere(to, address)
    return response(space, [there === undefined
      ? account('redirectUrl', [mark('RedirectUrl', `${new URL(to.url).origin}${poxPath}`)])
      : account('redirectAddr', [mark('RedirectAddr', there)])])
  },
  notYours: ask => errorAnswer(ask, { code: '500', message: 'The email address cannot be found' }),
}

const account = (action: string, content: readonly Markup[]): Markup =>
  mark('Account', [mark('AccountType', 'email'), mark('Action', action), ...content])

/** Encryption comes before SSL where a client knows it. */
const protocol = (type: string, { host, port, security }: PublicServer, login: string): Markup[] => [
  mark('Type', type), mark('Server', host), mark('Port', String(port)), mark('LoginName', login), mark('DomainRequired', 'off'),
  mark('SPA', 'off'), mark('SSL', security === 'tls' ? 'on' : 'off'), mark('Encryption', security === 'tls' ? 'SSL' : 'TLS'),
  mark('AuthRequired', 'on'),
]
