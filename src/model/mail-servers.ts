/** A server as users' own programs reach it. */
export type PublicServer = { readonly host: string; readonly port: number; readonly security: 'tls' | 'starttls' }

/** What a mail program needs to know of a user's servers. What cannot be reached from outside, or may not, is absent. */
export type MailServers = {
  /** The user's name at IMAP and SMTP. */
  readonly login: string
  /** As `Person.account`. */
  readonly account: string
  readonly imap: PublicServer | undefined
  readonly smtp: PublicServer | undefined
  readonly dav: { readonly url: string; readonly login: string } | undefined
}

/** The servers of an address, by its domain alone: whether there is such a user is not asked. Undefined where nobody serves it. */
export type ServersOf = (address: string) => MailServers | undefined
