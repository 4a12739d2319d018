import { Failure } from '../base/failure.ts'

/** An atom in upper case, a string, or either within the parentheses of a response code, whose nesting is not told. */
export type Word = { readonly kind: 'atom' | 'string' | 'code'; readonly text: string }

/** Octets of a line outside of its literals, words of it, and octets of one literal. */
const mostOctets = 64 * 1024, mostWords = 1000
export const mostLiteral = 2 * 1024 * 1024

const LF = 0x0a, CR = 0x0d, SPACE = 0x20, QUOTE = 0x22, OPEN = 0x28, CLOSE = 0x29, BACKSLASH = 0x5c, CURLY = 0x7b

/**
 * RFC 5804, Formal Syntax: the line these octets begin with, as words, and how many octets it took; undefined while it is not there as a
 * whole. Throws `unavailable` for what is no such line, and for one that is too large.
 */
export function readLine(octets: Buffer): { readonly words: readonly Word[]; readonly length: number } | undefined {
  const words: Word[] = []
  let at = 0, inLiterals = 0, depth = 0
  for (;;) {
    if (at - inLiterals > mostOctets || words.length > mostWords) throw nonsense('a line without an end')
    const octet = octets[at]
    if (octet === undefined) return undefined
    if (octet === CR || octet === LF) {
      const end = octet === CR ? at + 1 : at
      if (end >= octets.length) return undefined
      if (octets[end] !== LF || depth > 0) throw nonsense('a line that ends too early')
      return { words, length: end + 1 }
    }
    if (octet === SPACE) at++
    else if (octet === OPEN || octet === CLOSE) {
      depth += octet === OPEN ? 1 : -1
      if (depth < 0) throw nonsense('a parenthesis that was not opened')
      at++
    } else {
      const found = octet === QUOTE ? quoted(octets, at) : octet === CURLY ? literal(octets, at) : atom(octets, at)
      if (!found) return undefined
      if (octet === CURLY) inLiterals += found.end - at
      words.push({ kind: depth > 0 ? 'code' : found.kind, text: found.text })
      at = found.end
    }
  }
}

type Found = Word & { readonly end: number }

function quoted(octets: Buffer, at: number): Found | undefined {
  const limit = Math.min(octets.length, at + mostOctets)
  let end = at + 1
  while (end < limit && octets[end] !== QUOTE) end += octets[end] === BACKSLASH ? 2 : 1
  if (end >= limit) {
    if (limit === octets.length) return undefined
    throw nonsense('a string without an end')
  }
  return { kind: 'string', text: octets.toString('utf8', at + 1, end).replace(/\\([^])/g, '$1'), end: end + 1 }
}

/** `{5}` CRLF and five octets; servers need no `+`, and some write it. */
function literal(octets: Buffer, at: number): Found | undefined {
  const [, head = '', digits = ''] = /^(\{(\d{1,10})\+?\}\r?\n)/.exec(octets.toString('latin1', at, at + 20)) ?? []
  if (!head) {
    if (octets.length - at < 16) return undefined
    throw nonsense('a literal without its length')
  }
  if (Number(digits) > mostLiteral) throw nonsense(`a literal of ${digits} octets`)
  const start = at + head.length, end = start + Number(digits)
  return end > octets.length ? undefined : { kind: 'string', text: octets.toString('utf8', start, end), end }
}

function atom(octets: Buffer, at: number): Found | undefined {
  let end = at
  while (end < octets.length && isAtom(octets[end]!)) end++
  if (end === at) throw nonsense('a character that is none of a word')
  return end === octets.length ? undefined : { kind: 'atom', text: octets.toString('latin1', at, end).toUpperCase(), end }
}

const isAtom = (octet: number): boolean =>
  octet > SPACE && octet < 0x7f && octet !== QUOTE && octet !== OPEN && octet !== CLOSE && octet !== CURLY

const nonsense = (what: string): Failure => new Failure('unavailable', `the ManageSieve server sent ${what}`)
