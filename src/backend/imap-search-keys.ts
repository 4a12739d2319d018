import { Failure } from '../base/failure.ts'
import type { MailQuery, QueryField } from '../model/query.ts'
import { printDay } from './imap-mailbox.ts'
import { quote } from './imap-names.ts'
import type { Piece } from './imap-writer.ts'

/** Search keys as they go into a command; `charset`: some of them are UTF-8. */
export type Keys = { readonly pieces: readonly Piece[]; readonly charset: boolean }

export type KeysOptions = {
  /** RFC 6203, FUZZY. */
  readonly fuzzy?: boolean
  /** For a server that searches nothing but ASCII: of other words their longest run of it. */
  readonly ascii?: boolean
}

/** Conditions one command may have, and octets of each. */
const mostKeys = 100, longest = 1000

/** Date keys know days only, and those of the server's own zone: a day more on both sides, where the exact instant is looked at later. */
const margin = 1

const day = 86_400_000

/**
 * RFC 9051, SEARCH Command. Texts are quoted, or literals where they are not ASCII. What cannot be said exactly is said too widely where
 * the query is a plain list of conditions. Throws `too-large` for too many conditions, `unsupported` for a text that cannot be sought.
 */
export function searchKeys(query: MailQuery, options: KeysOptions = {}): Keys {
  const writer = new KeyWriter(options)
  writer.write(query, true)
  return writer.keys()
}

class KeyWriter {
  readonly #options: KeysOptions
  readonly #pieces: { line: string; literal?: Uint8Array }[] = [{ line: '' }]
  #charset = false
  #keys = 0

  constructor(options: KeysOptions) {
    this.#options = options
  }

  keys(): Keys {
    return { pieces: this.#pieces, charset: this.#charset }
  }

  /** `top`: not within an `or` or `not`. */
  write(query: MailQuery, top: boolean): void {
    if (++this.#keys > mostKeys) throw new Failure('too-large', 'a search with too many conditions')
    switch (query.kind) {
      case 'and': return this.#all(query.of, top)
      case 'or': return this.#any(query.of)
      case 'not': return this.#not(query.of, top)
      case 'text': return this.#text('TEXT', query.text)
      case 'body': return this.#text('BODY', query.text)
      case 'field': return this.#text(fields[query.field], query.text)
      case 'since': return this.#say(`SINCE ${printDay(dayOf(query.at, Math.floor) - (top ? margin : 0))}`)
      case 'before': return this.#say(`BEFORE ${printDay(dayOf(query.at, Math.ceil) + (top ? margin : 0))}`)
      case 'flag': return this.#say(flagKey(query.flag))
      case 'attachment': return this.#say(top ? 'ALL' : mixed)
    }
  }

  #all(of: readonly MailQuery[], top: boolean): void {
    if (of.length === 0) return this.#say('ALL')
    if (of.length === 1) return this.write(of[0]!, top)
    // A list needs parentheses where one key is wanted; at the top they harm nobody.
    this.#say('(')
    for (const one of of) this.write(one, top)
    this.#pieces.at(-1)!.line += ')'
  }

  #any([first, ...rest]: readonly MailQuery[]): void {
    if (!first) return this.#say('NOT ALL')
    if (rest.length > 0) this.#say('OR')
    this.write(first, false)
    if (rest.length > 0) this.#any(rest)
  }

  #not(of: MailQuery, top: boolean): void {
    if (of.kind === 'attachment' && top) return this.#say('ALL')
    this.#say('NOT')
    this.write(of, false)
  }

  #text(key: string, given: string): void {
    const text = this.#options.ascii ? asciiOf(given) : given.replace(/\p{Cc}+/gu, ' ').trim()
    const octets = Buffer.from(text, 'utf8')
    if (octets.length === 0 || octets.length > longest) throw new Failure('unsupported', 'a text that cannot be searched for')
    this.#say(`${this.#options.fuzzy ? 'FUZZY ' : ''}${key}`)
    if (/^[\x20-\x7e]*$/.test(text)) return this.#say(quote(text))
    this.#charset = true
    this.#pieces.at(-1)!.literal = octets
    this.#pieces.push({ line: '' })
  }

  #say(word: string): void {
    const last = this.#pieces.at(-1)!
    const apart = last.line === '' ? this.#pieces.length > 1 : !last.line.endsWith('(')
    last.line += apart ? ` ${word}` : word
  }
}

const fields: Readonly<Record<QueryField, string>> = {
  from: 'FROM', to: 'TO', cc: 'CC', bcc: 'BCC', subject: 'SUBJECT', 'message-id': 'HEADER Message-ID', references: 'HEADER References',
  'in-reply-to': 'HEADER In-Reply-To', importance: 'HEADER Importance',
}

/** What most messages with files are; those that are not are found where the structure itself is looked at. */
const mixed = 'HEADER Content-Type "multipart/mixed"'

const systemFlags: Readonly<Record<string, string>> = {
  '\\seen': 'SEEN', '\\answered': 'ANSWERED', '\\flagged': 'FLAGGED', '\\deleted': 'DELETED', '\\draft': 'DRAFT',
}

function flagKey(flag: string): string {
  const system = systemFlags[flag.toLowerCase()]
  if (!system && !/^[\w$.-]{1,100}$/.test(flag)) throw new Failure('unsupported', 'not a flag')
  return system ?? `KEYWORD ${flag}`
}

/** Within four digits of a year. */
const dayOf = (at: Date, round: (days: number) => number): number => Math.min(Math.max(round(at.getTime() / day), 366), 2_900_000)

/** Too short a run would find nearly everything. */
const shortest = 3

function asciiOf(text: string): string {
  const runs = text.match(/[\x21-\x7e]+(?: [\x21-\x7e]+)*/g) ?? []
  const run = runs.sort((a, b) => b.length - a.length)[0] ?? ''
  if (run.length < shortest) throw new Failure('unsupported', 'the mail server searches ASCII only')
  return run
}
