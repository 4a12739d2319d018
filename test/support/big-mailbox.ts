import { chownSync, linkSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { House } from './live.ts'

/** Links that file systems take to one file: ext4 stops at 65,000. */
const mostLinks = 50_000
const day = 86_400

/**
 * So many messages in a new user's INBOX of a house with Maildirs, by turns old (`even`, of three years ago) and new (`odd`, of yesterday): a few
 * small files, linked to again and again. Dovecot's index is there when this returns.
 */
export async function bigMailbox(house: House, name: string, count: number): Promise<void> {
  const first = await house.imapClient(name)
  await first.mailboxOpen('INBOX')
  await first.logout()
  const root = join(house.dir, 'dovecot/mail', name, 'mail'), { uid, gid } = statSync(root), now = Math.floor(Date.now() / 1000)
  for (const folder of ['cur', 'new', 'tmp']) mkdirSync(join(root, folder), { recursive: true })
  const files: string[] = []
  for (let n = 0; n < count; n++) {
    const kind = n % 2, which = 2 * Math.floor(n / (2 * mostLinks)) + kind
    const path = join(root, 'cur', `${now}.M${n}P1.big,S=${size}:2,S`)
    if (files[which] !== undefined) {
      linkSync(files[which], path)
      continue
    }
    files[which] = path
    writeFileSync(path, text(kind ? 'odd' : 'even'))
    chownSync(path, uid, gid)
    const time = now - (kind ? 1 : 3 * 365) * day
    utimesSync(path, time, time)
  }
  const client = await house.imapClient(name)
  const { exists } = await client.mailboxOpen('INBOX')
  if (exists !== count || readdirSync(join(root, 'new')).length) throw new Error(`${exists} of ${count} messages in ${root}`)
  await client.logout()
}

const text = (word: string): string =>
  `From: a@corpus.test\nTo: b@corpus.test\nSubject: ${word.padEnd(4)}\nDate: Mon, 23 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: text/plain\n\nThis is ${word.padEnd(4)}.\n`
const size = text('odd').length
