import { Failure } from '../base/failure.ts'
import type { MailQuery } from '../model/query.ts'
import { restriction } from './kql-properties.ts'

/** Characters, terms, and parentheses within each other. */
const longest = 2048, mostTerms = 50, deepest = 16

/**
 * [MS-KQL] Keyword Query Language, what of it people type: words, "phrases", property:value, AND, OR, NOT, + and -, parentheses. Words
 * side by side must all be there; restrictions of one property side by side are alternatives. Broken syntax is read as words. Throws
 * `malformed` where nothing is asked for, `too-large` for too much of it.
 */
export function parseKql(text: string, now: Date): MailQuery {
  if (text.length > longest) throw new Failure('too-large', 'a query of too many characters')
  const parser = new Parser(tokens(text), now)
  const query = parser.parse()
  if (!query) throw new Failure('malformed', 'a query that asks for nothing')
  return query
}

type Sign = '(' | ')' | 'and' | 'or' | 'not'
type Token =
  | { [K in Sign]: { readonly kind: K } }[Sign]
  | { readonly kind: 'word'; readonly text: string }
  /** `value` is missing where a parenthesis follows. */
  | { readonly kind: 'property'; readonly name: string; readonly operator: string; readonly value: string | undefined; readonly text: string }

const word = new RegExp([
  '"(?<phrase>[^"]*)"?', '(?<name>\\p{L}+)(?<operator><>|<=|>=|[:=<>])(?:"(?<quoted>[^"]*)"?|(?<open>\\()|(?<value>[^\\s()"]+))',
  '(?<plain>[^\\s()"]+)', '(?<paren>[()])',
].join('|'), 'gu')
const operators: Readonly<Record<string, 'and' | 'or' | 'not'>> = { AND: 'and', OR: 'or', NOT: 'not', NEAR: 'and', ONEAR: 'and' }

function tokens(text: string): Token[] {
  const found: Token[] = []
  // A sign in front of whatever it belongs to stands by itself.
  for (const match of text.replace(/(^|[\s(])([+-])(?=[\p{L}\p{N}"(])/gu, '$1$2 ').matchAll(word)) {
    const { phrase, name, operator, quoted, open, value, plain, paren } = match.groups!
    if (paren) found.push({ kind: paren as '(' | ')' })
    else if (name) {
      const [said, inside] = open ? [name, undefined] : [match[0], quoted ?? value!]
      found.push({ kind: 'property', name: name.toLowerCase(), operator: operator!, value: inside, text: said })
    }
    else if (phrase !== undefined) found.push({ kind: 'word', text: phrase })
    else if (plain === '-') found.push({ kind: 'not' })
    else if (Object.hasOwn(operators, plain!)) found.push({ kind: operators[plain!]! })
    else if (plain !== '+') found.push({ kind: 'word', text: plain!.replace(/\*+$/, '') })
    if (open) found.push({ kind: '(' })
  }
  return found
}

type Property = Token & { readonly kind: 'property' }

class Parser {
  readonly #tokens: readonly Token[]
  readonly #now: Date
  #at = 0
  #terms = 0
  #depth = 0

  constructor(all: readonly Token[], now: Date) {
    this.#tokens = all
    this.#now = now
  }

  parse(): MailQuery | undefined {
    const parts: MailQuery[] = []
    while (this.#at < this.#tokens.length) {
      const part = this.#alternatives(undefined)
      if (part) parts.push(part)
      this.#at++ // a closing parenthesis that closes nothing
    }
    return join('and', parts)
  }

  #alternatives(property: Property | undefined): MailQuery | undefined {
    if (++this.#depth > deepest) throw new Failure('too-large', 'a query of too many parentheses')
    const parts: MailQuery[] = []
    for (;;) {
      const part = this.#sequence(property)
      if (part) parts.push(part)
      if (this.#peek() !== 'or') break
      this.#at++
    }
    this.#depth--
    return join('or', parts)
  }

  /** Until a parenthesis closes or an OR comes. */
  #sequence(property: Property | undefined): MailQuery | undefined {
    const parts: MailQuery[][] = []
    let sideBySide = new Map<string, MailQuery[]>()
    for (let kind = this.#peek(); kind && kind !== ')' && kind !== 'or'; kind = this.#peek()) {
      const token = this.#tokens[this.#at]!
      const part = this.#term(property)
      if (token.kind === 'and') sideBySide = new Map()
      if (!part) continue
      const name = token.kind === 'property' && /^[:=]$/.test(token.operator) ? token.name : undefined
      const same = name === undefined ? undefined : sideBySide.get(name)
      if (same) same.push(part)
      else parts.push([part])
      if (name !== undefined) sideBySide.set(name, same ?? parts.at(-1)!)
    }
    return join('and', parts.map(alternatives => join('or', alternatives)!))
  }

  #term(property: Property | undefined): MailQuery | undefined {
    const token = this.#tokens[this.#at++]
    if (!token || token.kind === ')' || token.kind === 'or' || token.kind === 'and') return undefined
    if (++this.#terms > mostTerms) throw new Failure('too-large', 'a query of too many terms')
    if (token.kind === '(') return this.#group(property)
    if (token.kind === 'not') return this.#negation(property)
    if (token.kind === 'property') return token.value === undefined ? this.#named(token) : this.#restricted(token, token.value)
    if (token.text === '') return undefined
    return property ? this.#restricted(property, token.text) : { kind: 'text', text: token.text }
  }

  #negation(property: Property | undefined): MailQuery | undefined {
    let negative = true
    for (; this.#peek() === 'not'; this.#at++) negative = !negative
    const of = this.#term(property)
    return of && negative ? { kind: 'not', of } : of
  }

  /** `from:(anna OR bob)` */
  #named(token: Property): MailQuery | undefined {
    this.#at++
    return this.#group(token)
  }

  #group(property: Property | undefined): MailQuery | undefined {
    const query = this.#alternatives(property)
    this.#at++
    return query
  }

  #restricted({ name, operator, text }: Property, value: string): MailQuery {
    return restriction(name, operator, value.replace(/\*+$/, ''), this.#now) ?? { kind: 'text', text: text.replaceAll('"', '') }
  }

  #peek(): Token['kind'] | undefined {
    return this.#tokens[this.#at]?.kind
  }
}

function join(kind: 'and' | 'or', of: readonly MailQuery[]): MailQuery | undefined {
  return of.length > 1 ? { kind, of } : of[0]
}
