import { Readable } from 'node:stream'
import { createTransport } from 'nodemailer'
import { always, type Breaker } from '../base/breaker.ts'
import { Failure, type Kind } from '../base/failure.ts'
import type { Submission } from '../model/ports.ts'
import type { Backend } from './connect.ts'
import type { Login } from './imap-connection.ts'

/** What nodemailer tells of a failed submission. */
type Refusal = {
  readonly code?: string
  readonly command?: string
  readonly responseCode?: number
  readonly response?: string
  readonly rejected?: readonly string[]
  readonly rejectedErrors?: readonly { readonly responseCode?: number }[]
}

const mostRecipients = 10_000
const connectTimeout = 15_000, silence = 120_000

/** RFC 6409, Message Submission: a connection for each message, logged in as the user. Nothing is sent twice. */
export function smtpSubmission(endpoint: Backend['smtp'], login: Login, { run }: Breaker = always): Submission {
  const transport = transportTo(endpoint, login)
  return {
    filesSent: endpoint.keepsSent === true,
    async send(from, to, message) {
      for (const address of [from, ...to]) validate(address)
      if (to.length === 0 || to.length > mostRecipients) throw new Failure('malformed', `${to.length} recipients`)
      const raw = message instanceof Uint8Array
        ? Buffer.from(message.buffer, message.byteOffset, message.length) : Readable.from(message.read(), { objectMode: false })
      try {
        return await run(async alive => {
          // RFC 1870, the size told beforehand
          const sent = await transport.sendMail({ envelope: { from, to: [...to], size: message.length }, raw }).catch((error: unknown) => {
            if (!isSilence(error as Refusal)) alive()
            throw failure(`${endpoint.host}:${endpoint.port}`, error)
          })
          return { refused: (sent.rejected ?? []).map(addressOf) }
        })
      } finally {
        // Where the server broke off, nobody else ends it.
        if (raw instanceof Readable) raw.destroy()
      }
    },
  }
}

/** Connects and logs in, and sends nothing. Throws as `send` does. */
export async function verifySubmission(endpoint: Backend['smtp'], login: Login): Promise<void> {
  try {
    await transportTo(endpoint, login).verify()
  } catch (error) {
    throw failure(`${endpoint.host}:${endpoint.port}`, error)
  }
}

const transportTo = (endpoint: Backend['smtp'], login: Login) => createTransport({
  host: endpoint.host,
  port: endpoint.port,
  secure: endpoint.security === 'tls',
  requireTLS: endpoint.security === 'starttls',
  ignoreTLS: endpoint.security === 'none',
  tls: { rejectUnauthorized: endpoint.rejectUnauthorized ?? true, ...(endpoint.ca ? { ca: endpoint.ca } : {}) },
  ...(endpoint.auth ? { auth: authOf(login) } : {}),
  connectionTimeout: connectTimeout, greetingTimeout: connectTimeout, socketTimeout: silence,
  disableFileAccess: true, disableUrlAccess: true,
})

const authOf = (login: Login): Record<string, string> => login.kind === 'password'
  ? { user: login.user, pass: login.password }
  : { type: 'OAuth2', user: login.user, accessToken: login.token }

const addressOf = (entry: string | { address: string }): string => typeof entry === 'string' ? entry : entry.address

/** A line break in an address would be read as another command or another address. */
function validate(address: string): void {
  if (!address || address.length > 320 || /[\s<>\p{Cc}]/u.test(address)) throw new Failure('malformed', 'an address SMTP cannot carry')
}

/** It did not get as far as the greeting. */
const isSilence = ({ command, responseCode }: Refusal): boolean => command === 'CONN' && !responseCode

function failure(name: string, error: unknown): Failure {
  const { code, command, responseCode = 0, response = '', rejected, rejectedErrors } = error as Refusal
  const said = `${name} said ${responseCode || code || 'nothing'}`
  if (code === 'EAUTH' || command?.startsWith('AUTH')) {
    return new Failure(responseCode >= 500 ? 'auth' : 'unavailable', `${said} to the login`, { cause: error })
  }
  if (rejected?.length) {
    const later = (rejectedErrors ?? []).some(({ responseCode: one = 0 }) => one < 500)
    return new Failure(later ? 'unavailable' : 'malformed', `${said} to each of ${rejected.length} recipients`, { cause: error })
  }
  // It is longer than the server says it takes; nothing was sent.
  if (code === 'EMESSAGE' && !responseCode) return new Failure('too-large', `${name} takes no message of this size`, { cause: error })
  if (responseCode < 500) return new Failure('unavailable', `${said} to ${command ?? 'the connection'}`, { cause: error })
  return new Failure(permanent(responseCode, response), `${said} to ${command ?? 'the message'}`, { cause: error })
}

/** RFC 3463, Enumerated Status Codes: 2.2 is a full mailbox, 2.3 and 3.4 a message too large. */
function permanent(code: number, response: string): Kind {
  const enhanced = /\b5\.(\d{1,3}\.\d{1,3})\b/.exec(response)?.[1]
  if (enhanced === '2.2') return 'quota'
  if (enhanced === '2.3' || enhanced === '3.4' || code === 552) return 'too-large'
  return 'denied'
}
