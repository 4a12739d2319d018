// What a request cannot do without: HTTP by node:http, and one STATUS on an IMAP connection that is open, if there is one. Started by bare.ts.
import cluster from 'node:cluster'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import type { Account } from './raw-imap.ts'
import { RawImap } from './raw-imap.ts'

/**
 * What it is told on standard input. Without an account a Ping is never answered, and anything else at once. `workers` processes answer where
 * that is said, each with a connection of its own, and get the connections of clients by turns as those of Postern do.
 */
export type BareWish = { readonly account?: Account; readonly port: number; readonly headers: Readonly<Record<string, string>>; readonly workers?: number }

const ready = (): void => void process.stdout.write('ready\n')

async function serve({ account, port, headers }: BareWish, done = () => {}): Promise<void> {
  const imap = account && await RawImap.open(account)
  createServer({ keepAliveTimeout: 180_000 }, (req, res) => {
    const waits = !imap && req.url!.includes('Cmd=Ping')
    req.resume().once('end', () => {
      if (imap) void imap.run(['STATUS INBOX (UIDVALIDITY UIDNEXT HIGHESTMODSEQ MESSAGES)']).then(() => res.writeHead(200, headers).end())
      else if (!waits) res.writeHead(200, headers).end()
    })
  }).listen(port, '127.0.0.1', done)
}

async function begin(): Promise<void> {
  const wish = await json(process.stdin) as BareWish
  if (wish.workers === undefined) return serve(wish, ready)
  cluster.schedulingPolicy = cluster.SCHED_RR
  const workers = Array.from({ length: wish.workers }, () => cluster.fork())
  for (const worker of workers) worker.send(wish)
  await Promise.all(workers.map(worker => once(worker, 'listening')))
  ready()
}

if (cluster.isPrimary) await begin()
else process.once('message', wish => void serve(wish as BareWish))
