import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

/** A message to store as it is; `date` becomes its INTERNALDATE. */
export interface Stored {
  readonly raw: string | Uint8Array
  readonly flags?: readonly string[]
  readonly date?: Date
}

export interface Account {
  readonly host: string
  readonly port: number
  readonly login: string
  readonly password: string
}

const BATCH = 500

/**
 * Appends messages to a folder (created if missing; its full path, in Unicode) and returns how many.
 * RFC 3502 MULTIAPPEND with RFC 7888 literals: some thousand messages a second, as nothing waits for an answer.
 */
export async function seed(account: Account, folder: string, messages: Iterable<Stored | string | Uint8Array>): Promise<number> {
  const socket = connect(account.port, account.host)
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  const write = async (data: string | Uint8Array) => { if (!socket.write(data)) await once(socket, 'drain') }
  const end = async (tag: string) => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error('IMAP server closed the connection')
      if (value.startsWith(`${tag} `)) return value
    }
  }
  try {
    await lines.next()
    await write(`l LOGIN "${account.login}" "${account.password}"\r\nc CREATE "${modifiedUtf7(folder)}"\r\n`)
    await end('c')
    let count = 0
    for (const batch of batches(messages)) {
      await write(`a APPEND "${modifiedUtf7(folder)}"`)
      for (const message of batch) {
        const { raw, flags = [], date }: Stored =
          typeof message === 'object' && 'raw' in message ? message : { raw: message }
        const bytes = typeof raw === 'string' ? Buffer.from(raw) : raw
        await write(` (${flags.join(' ')})${date ? ` "${printDateTime(date)}"` : ''} {${bytes.length}+}\r\n`)
        await write(bytes)
      }
      await write('\r\n')
      const answer = await end('a')
      if (!answer.startsWith('a OK')) throw new Error(`cannot seed ${folder}: ${answer}`)
      count += batch.length
    }
    return count
  } finally {
    socket.destroy()
  }
}

function* batches<T>(items: Iterable<T>): Generator<T[]> {
  let batch: T[] = []
  for (const item of items) {
    batch.push(item)
    if (batch.length === BATCH) { yield batch; batch = [] }
  }
  if (batch.length > 0) yield batch
}

// RFC 3501, Mailbox International Naming Convention
const modifiedUtf7 = (name: string) => name.replace(/&/g, '&-').replace(/[^\x20-\x7e]+/g, run =>
  `&${Buffer.from(run, 'utf16le').swap16().toString('base64').replace(/=+$/, '').replace(/\//g, ',')}-`)

// RFC 3501, date-time
function printDateTime(date: Date): string {
  const [, day = '', month, year, time] = date.toUTCString().split(/[ ,]+/)
  return `${day.padStart(2, '0')}-${month}-${year} ${time} +0000`
}
