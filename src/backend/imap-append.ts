import { Failure } from '../base/failure.ts'
import type { Appending } from '../model/ports.ts'
import type { ImapConnection } from './imap-connection.ts'
import { quote } from './imap-names.ts'

/** RFC 9051, APPEND, up to its literal. Throws `malformed` for flags that are none. */
export function appendLine(path: string, flags: readonly string[]): string {
  if (flags.some(flag => !/^\\?[\w$.-]{1,100}$/.test(flag))) throw new Failure('malformed', 'not a flag')
  return `APPEND ${quote(path)}${flags.length ? ` (${flags.join(' ')})` : ''}`
}

const crlf = Buffer.from('\r\n')

/**
 * RFC 9051, APPEND of a message that flows in, on a connection that serves nothing else and is closed afterwards. The literal is one the
 * server is asked about, so that a mailbox which takes nothing says so before the first octet. The last octets are held back until the
 * end: a server forgets a literal that breaks off. `line` is what stands before the literal; `patience`: milliseconds the server may take
 * for each step.
 */
export async function appending(connection: ImapConnection, line: string, length: number, patience: number): Promise<Appending> {
  const { promise: asked, resolve: go } = Promise.withResolvers<void>()
  const [answer] = connection.send([{ line: `${line} {${length}}`, patient: true, go }])
  const early = answer!.then(() => { throw new Failure('unavailable', 'APPEND was answered before its literal') })
  early.catch(() => {})
  let left = length
  let held: Uint8Array = new Uint8Array()

  /** A server that does not take its step in time is gone. */
  async function within<T>(step: Promise<T>): Promise<T> {
    const slow = setTimeout(() => connection.close(), patience)
    try {
      return await step
    } catch (error) {
      connection.close()
      throw error
    } finally {
      clearTimeout(slow)
    }
  }

  const pour = (octets: Uint8Array): Promise<void> => within(Promise.race([connection.pour(octets), early]))

  await within(Promise.race([asked, early]))
  return {
    async write(octets) {
      left -= octets.length
      if (left < 0) throw new Failure('unavailable', 'more octets than were announced')
      const before = held
      held = octets
      if (before.length > 0) await pour(before)
    },
    async finish() {
      if (left > 0) throw new Failure('unavailable', 'fewer octets than were announced')
      await pour(held)
      // The answer may come at once.
      await within(Promise.all([connection.pour(crlf), answer]))
      connection.close()
    },
    abandon: () => connection.close(),
  }
}
