import type { Kind } from './corpus-bodies.ts'
import { bodies, encodeWords, FOREIGN, generator, pick } from './corpus-bodies.ts'
import type { Stored } from './seed.ts'

export interface CorpusMessage extends Stored {
  readonly kind: Kind
  readonly raw: Uint8Array
  readonly date: Date
  readonly subject: string
  readonly messageId: string
}

export interface CorpusOptions {
  readonly count: number
  /** The same seed gives the same octets. */
  readonly seed?: number
  readonly to?: string
  /** Date of the newest message; the others spread over the `days` before it, oldest first. */
  readonly until?: Date
  readonly days?: number
}

// Roughly what a working person's mailbox holds, in percent.
const WEIGHTS: readonly (readonly [Kind, number])[] = [['plain', 16], ['alternative', 28], ['newsletter', 16], ['attachment', 10],
  ['inline', 6], ['legacy', 7], ['international', 5], ['reply', 12]]
const NAMES = ['Berta Müller', 'Doe, John', 'Aleš Novák', 'Support Team', 'Chen Wei', 'María García', 'Olu Adeyemi'] as const
const LIST = ['List-Id: News <news.corpus.test>', 'List-Unsubscribe: <https://corpus.test/u>', 'Precedence: bulk']
const NEWEST = '2026-11-20T12:00:00Z'
const DAY = 86_400_000

/** Deterministic messages of realistic kinds, oldest first, 18 KB on average; RFC 5322 with CRLF. */
export function* corpus(options: CorpusOptions): Generator<CorpusMessage> {
  const { count, seed = 1, to = 'anna@postern.test', until, days = 365 } = options
  const random = generator(seed)
  const write = bodies(random)
  const newest = until?.getTime() ?? Date.parse(NEWEST)
  let thread: { id: string, subject: string }[] = []
  for (let n = 0; n < count; n += 1) {
    const kind = weighted(random)
    const date = new Date(Math.floor((newest - (count - 1 - n) * days * DAY / count) / 1000) * 1000)
    const messageId = `<${seed}.${n}.${Math.floor(random() * 1e9)}@corpus.test>`
    if (kind !== 'reply' || thread.length > 30) thread = []
    const parent = thread.at(-1)
    const subject = parent ? `Re: ${parent.subject.replace(/^Re: /, '')}`
      : kind === 'international' ? pick(random, FOREIGN) : write.words(2 + Math.floor(random() * 7))
    const header = [
      `Return-Path: <sender${n % 97}@corpus.test>`,
      `Received: from mail.corpus.test ([192.0.2.7]) by mx.postern.test with ESMTPS id ${n.toString(36)};\r\n ${printDate(date)}`,
      `Date: ${printDate(date)}`,
      `From: ${printName(pick(random, NAMES))} <sender${n % 97}@corpus.test>`,
      `To: ${to}`,
      ...random() < 0.2 ? [`Cc: ${printName(pick(random, NAMES))} <copy${n % 13}@corpus.test>`] : [],
      `Subject: ${encodeWords(subject)}`,
      `Message-ID: ${messageId}`,
      ...parent ? [`In-Reply-To: ${parent.id}`, `References: ${thread.map(({ id }) => id).join('\r\n ')}`] : [],
      ...kind === 'newsletter' ? LIST : [],
      ...random() < 0.05 ? ['X-Priority: 1', 'Importance: high'] : [],
      'MIME-Version: 1.0',
    ]
    const raw = Buffer.concat([Buffer.from(`${header.join('\r\n')}\r\n`), write[kind]()])
    thread.push({ id: messageId, subject })
    yield { kind, raw, date, subject, messageId, flags: random() < 0.7 ? ['\\Seen'] : [] }
  }
}

function weighted(random: () => number): Kind {
  let left = random() * WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [kind, weight] of WEIGHTS) {
    left -= weight
    if (left < 0) return kind
  }
  return 'plain'
}

// RFC 5322, Date and Time Specification
const printDate = (date: Date) => date.toUTCString().replace('GMT', '+0000')

// RFC 5322, Address Specification: a display name
const printName = (name: string) => /^[\x20-\x7e]*$/.test(name) ? `"${name}"` : encodeWords(name)
