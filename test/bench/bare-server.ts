// What a request cannot do without: HTTP by node:http, and one STATUS on an IMAP connection that is open, if there is one. Started by bare.ts.
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import type { Account } from './raw-imap.ts'
import { RawImap } from './raw-imap.ts'

/** What it is told on standard input. Without an account a Ping is never answered, and anything else at once. */
export type BareWish = { readonly account?: Account; readonly port: number; readonly headers: Readonly<Record<string, string>> }

const { account, port, headers } = await json(process.stdin) as BareWish
const imap = account && await RawImap.open(account)
createServer({ keepAliveTimeout: 180_000 }, (req, res) => {
  const waits = !imap && req.url!.includes('Cmd=Ping')
  req.resume().once('end', () => {
    if (imap) void imap.run(['STATUS INBOX (UIDVALIDITY UIDNEXT HIGHESTMODSEQ MESSAGES)']).then(() => res.writeHead(200, headers).end())
    else if (!waits) res.writeHead(200, headers).end()
  })
}).listen(port, '127.0.0.1', () => process.stdout.write('ready\n'))
