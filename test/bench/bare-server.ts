// What a nothing-changed Sync cannot do without: HTTP by node:http, and one STATUS on an IMAP connection that is open. Started by bare.ts.
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import type { Account } from './raw-imap.ts'
import { RawImap } from './raw-imap.ts'

/** What it is told on standard input. */
export type BareWish = { readonly account: Account; readonly port: number; readonly headers: Readonly<Record<string, string>> }

const { account, port, headers } = await json(process.stdin) as BareWish
const imap = await RawImap.open(account)
createServer({ keepAliveTimeout: 180_000 }, (req, res) => {
  req.resume().once('end', () => {
    void imap.run(['STATUS INBOX (UIDVALIDITY UIDNEXT HIGHESTMODSEQ MESSAGES)']).then(() => res.writeHead(200, headers).end())
  })
}).listen(port, '127.0.0.1', () => process.stdout.write('ready\n'))
