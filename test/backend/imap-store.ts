import { imapFolders, type FoldersOptions, type ImapFolders } from '../../src/backend/imap-folders.ts'
import { imapMail, type MailDeps } from '../../src/backend/imap-mail.ts'
import { imapMailbox, type ImapMailbox } from '../../src/backend/imap-mailbox.ts'
import { recall } from '../../src/backend/imap-recall.ts'
import { ImapSession, type SessionOptions } from '../../src/backend/imap-session.ts'
import { imapWatch, type ImapWatch, type WatchOptions } from '../../src/backend/imap-watch.ts'
import { unlimited } from '../../src/base/budget.ts'
import { silent, type Log } from '../../src/base/log.ts'
import type { MailStore } from '../../src/model/ports.ts'
import type { User } from '../support/users.ts'

export type Store = { session: ImapSession; folders: ImapFolders; mailbox: ImapMailbox; mail: MailStore; watch: ImapWatch; close(): void }

type Where = { readonly host: string; readonly port: number }
type Options = { session?: Partial<SessionOptions>; watch?: Partial<WatchOptions>; folders?: FoldersOptions; ahead?: Partial<MailDeps['ahead']>; log?: Log }

/** A user's mail as src/backend/connect.ts would put it together, with its parts in reach. */
export async function openStore(where: Where, user: User, options: Options = {}): Promise<Store> {
  const endpoint = { host: where.host, port: where.port, security: 'none' as const }
  const login = { kind: 'password' as const, user: user.login, password: user.password }
  const session = new ImapSession({ endpoint, login, idleSeconds: 60, timeoutSeconds: 10, ...options.session })
  await session.open()
  const folders = imapFolders(session, options.folders)
  const mailbox = imapMailbox(session, folders)
  const watch = imapWatch({ endpoint, login, folders, mailbox, ...options.watch })
  const mail = imapMail({ session, folders, mailbox, recall: recall({ mailboxes: 16 }), watch, log: options.log ?? silent, ahead: { budget: unlimited, user: user.login, ...options.ahead } })
  return { session, folders, mailbox, mail, watch, close() { watch.close(); session.close() } }
}

export const letter = (n: number, extra = ''): string =>
  `From: Anna <anna@postern.test>\r\nTo: bob@postern.test\r\nSubject: Letter ${n}\r\nMessage-ID: <${n}@postern.test>\r\n` +
  `Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n${extra}\r\nThis is letter ${n}.\r\n`

export const letters = (count: number): string[] => Array.from({ length: count }, (_, n) => letter(n + 1))
