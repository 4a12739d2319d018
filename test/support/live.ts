import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { readFileSync } from 'node:fs'
import type { Dovecot, DovecotOptions } from './dovecot.ts'
import { startDovecot } from './dovecot.ts'
import type { EximOptions } from './exim.ts'
import { startExim } from './exim.ts'
import type { Service } from './house.ts'
import { openGround } from './house.ts'
import { makeCertificate } from './certificate.ts'
import type { User } from './users.ts'
import { makeUsers } from './users.ts'

export interface HouseOptions {
  /** Users besides `full`; twelve have names. */
  readonly users?: number
  readonly dovecot?: DovecotOptions
  /** `false` leaves SMTP out. */
  readonly exim?: EximOptions | false
}

/** Real servers on free ports of 127.0.0.1, below one temporary folder. */
export interface House {
  readonly dir: string
  readonly users: readonly User[]
  /** PEM text of the servers' common certificate. */
  readonly ca: string
  readonly dovecot: Dovecot
  readonly imap: { readonly host: string, readonly port: number, readonly tlsPort: number }
  readonly lmtp: { readonly host: string, readonly port: number }
  readonly exim: Service | undefined
  /** Exim's address; throws if the house was started without it. */
  readonly submission: { readonly host: string, readonly port: number }
  /** By number or by name. */
  user(which: number | string): User
  /** Straight to LMTP: the message is in the INBOX when this returns. Throws what the server refused. */
  deliver(to: User | string, message: string | Uint8Array): Promise<void>
  /** A connected second user agent; closed with the house. */
  imapClient(user: User | string): Promise<ImapFlow>
  stop(): Promise<void>
}

/** Starts the servers; ready in about a second. */
export async function startHouse({ users: count = 12, dovecot: dovecotOptions, exim: eximOptions = {} }: HouseOptions = {}): Promise<House> {
  const ground = openGround()
  try {
    const users = makeUsers(count)
    const certificate = makeCertificate(ground)
    const dovecot = await startDovecot(ground, users, certificate, dovecotOptions)
    const exim = eximOptions ? await startExim(ground, users, certificate, dovecot.lmtpPort, eximOptions) : undefined
    const clients: ImapFlow[] = []
    const { host, port, tlsPort } = dovecot
    const byName = new Map(users.map(user => [user.name, user]))
    const user = (which: number | string | User) => {
      const found = typeof which === 'object' ? which : typeof which === 'number' ? users[which] : byName.get(which.split('@')[0] ?? '')
      if (!found) throw new Error('no such user in this house')
      return found
    }
    return {
      dir: ground.dir,
      users,
      ca: readFileSync(certificate.cert, 'utf8'),
      dovecot,
      imap: { host, port, tlsPort },
      lmtp: { host, port: dovecot.lmtpPort },
      exim,
      get submission() {
        if (!exim) throw new Error('this house has no SMTP server')
        return { host, port: exim.port }
      },
      user,
      async deliver(to, message) {
        const transport = createTransport({ host, port: dovecot.lmtpPort, lmtp: true, ignoreTLS: true })
        const address = typeof to === 'string' ? to : to.address
        await transport.sendMail({ envelope: { from: `sender@elsewhere.test`, to: [address] }, raw: Buffer.from(message) })
      },
      async imapClient(who) {
        const { login, password } = user(who)
        const client = new ImapFlow({ host, port, secure: false, doSTARTTLS: false, auth: { user: login, pass: password }, logger: false, disableCompression: true })
        client.on('error', () => {})
        await client.connect()
        clients.push(client)
        return client
      },
      async stop() {
        for (const client of clients) client.close()
        await ground.close()
      },
    }
  } catch (error) {
    await ground.close()
    throw error
  }
}
