import { quote } from './imap-names.ts'
import { bignumber, list, number, pairs, text, type Value } from './imap-response.ts'
import type { ImapCapabilities } from './imap-capabilities.ts'
import type { Command } from './imap-session.ts'

export type MailboxState = {
  readonly validity: number
  readonly uidNext: number
  /** 0n where the server keeps none. */
  readonly highestModseq: bigint
  readonly messages: number
}

/** RFC 9051, STATUS */
export function statusCommand(path: string, { condstore }: Pick<ImapCapabilities, 'condstore'>, found: (state: MailboxState) => void): Command {
  return {
    line: `STATUS ${quote(path)} (MESSAGES UIDNEXT UIDVALIDITY${condstore ? ' HIGHESTMODSEQ' : ''})`,
    on: ({ name, values }) => { if (name === 'STATUS' && samePath(text(values[0]), path)) found(readStatus(list(values[1]))) },
    optional: true,
  }
}

/** INBOX is one mailbox in any case of letters. */
export const samePath = (a: string, b: string): boolean => a === b || (a.toUpperCase() === 'INBOX' && b.toUpperCase() === 'INBOX')

export function readStatus(values: readonly Value[]): MailboxState {
  const items = new Map(pairs(values))
  return {
    validity: number(items.get('UIDVALIDITY')), uidNext: number(items.get('UIDNEXT')), messages: number(items.get('MESSAGES')),
    highestModseq: bignumber(items.get('HIGHESTMODSEQ')),
  }
}
