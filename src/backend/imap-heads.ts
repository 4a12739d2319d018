import type { FolderId } from '../model/folder.ts'
import { sentFields, type Head } from '../model/message.ts'
import type { MailContent, MailStore } from '../model/ports.ts'
import { outbox, type ImapFolders } from './imap-folders.ts'
import { readDate, type ImapMailbox, type MailboxState } from './imap-mailbox.ts'
import { list, number, octets, pairs, text, type Response } from './imap-response.ts'
import { gone, type Batch, type ImapSession } from './imap-session.ts'

/** Addresses of a longer field are not all seen. */
const maxHeader = 16_384
const section = `HEADER.FIELDS (${sentFields.join(' ').toUpperCase()})`

/** One STATUS where nothing came or went, else a FETCH of the last sequence numbers too: RFC 9051, STATUS, FETCH. */
export function imapHeads(session: ImapSession, folders: ImapFolders, mailbox: ImapMailbox): MailStore['heads'] {
  return async (folder: FolderId, most, known) => {
    const there = contentOf(await mailbox.stateOf(folder))
    if (known && same(known, there)) return { content: known }
    if (there.messages === 0 || folder === outbox.id) return { content: there, heads: [] }
    const { state, result } = await folders.at(folder, path => session.read(path, () => headsBatch(Math.max(1, there.messages - most + 1))))
    return { content: contentOf(state), heads: result.sort((a, b) => b.uid - a.uid).slice(0, most) }
  }
}

const contentOf = ({ validity, uidNext, messages }: MailboxState): MailContent => ({ validity, uidNext, messages })
const same = (a: MailContent, b: MailContent): boolean =>
  a.validity === b.validity && a.uidNext === b.uidNext && a.messages === b.messages

function headsBatch(first: number): Batch<Head[]> {
  const found = new Map<number, Head>()
  const on = ({ name, values }: Response): void => {
    if (name !== 'FETCH') return
    const items = new Map(pairs(list(values[0])))
    // Servers spell the list of fields in their own way; nobody else asks for these.
    const header = [...items].find(([item]) => /^BODY\[HEADER\.FIELDS.*X-FORWARDED-MESSAGE-ID/i.test(item))?.[1]
    const uid = number(items.get('UID'))
    if (header !== undefined && uid) found.set(uid, { uid, received: readDate(text(items.get('INTERNALDATE'))).time, header: octets(header) })
  }
  const line = `FETCH ${first}:* (UID INTERNALDATE BODY.PEEK[${section}]<0.${maxHeader}>)`
  return {
    commands: [{ line, on, optional: true }],
    result: answers => {
      gone(answers)
      return [...found.values()]
    },
  }
}
