/** What an item is called: its kind (m mail, s sent mail, e event, c contact), the number of its user, and a number. */
const names = /\b[msec]\d+n\d+\b/g

/** What went wrong, from `at` to `until`, at one of the two Posterns or at all. */
export type Fault = { readonly at: number; until: number; readonly what: string; readonly place?: number | undefined }

/** One attempt to have something done. */
export type Attempt = { readonly place: number; readonly from: number; readonly to: number; readonly how: string }

type Span = { readonly from: number; readonly to: number }

type Item = { made: boolean; removed: boolean; sent: boolean; readonly lines: { at: number; text: string }[]; readonly attempts: Attempt[]; readonly moves: Span[] }

/** What happened to each item, and what went wrong meanwhile. Times are milliseconds since the beginning. */
export class Ledger {
  readonly faults: Fault[] = []
  readonly #items = new Map<string, Item>()
  readonly #began = performance.now()
  /** Milliseconds since 1970-01-01. */
  readonly began = Date.now()
  #last = 0

  now(): number {
    return performance.now() - this.#began
  }

  newName(kind: 'm' | 's' | 'e' | 'c', user: number): string {
    return `${kind}${user}n${++this.#last}`
  }

  /** Something goes wrong for a moment. */
  fault(what: string, place?: number): void {
    const now = this.now()
    this.faults.push({ at: now, until: now, what, place })
  }

  /** Something goes wrong until it is told that it is over. */
  begin(what: string, place?: number): () => void {
    const fault: Fault = { at: this.now(), until: Infinity, what, place }
    this.faults.push(fault)
    return () => { fault.until = this.now() }
  }

  /** Goes to the history of each item that is named. */
  note(text: string): void {
    for (const name of new Set(text.match(names) ?? [])) this.#of(name).lines.push({ at: this.now(), text })
  }

  /** It is there, for whoever made it was told so. */
  made(name: string): void {
    this.#of(name).made = true
  }

  /** Somebody tried to remove it: it may be there or not. */
  removed(name: string): void {
    this.#of(name).removed = true
  }

  /** The phone was told that it went out. */
  sent(name: string): void {
    this.#of(name).sent = true
  }

  attempt(name: string, attempt: Attempt): void {
    this.#of(name).attempts.push(attempt)
  }

  attempts(name: string): readonly Attempt[] {
    return this.#items.get(name)?.attempts ?? []
  }

  /** Somebody at another client moved it then. */
  moved(name: string, from: number): void {
    this.#of(name).moves.push({ from, to: this.now() })
  }

  moves(name: string): readonly Span[] {
    return this.#items.get(name)?.moves ?? []
  }

  /** Names of one user's items that have to be there. */
  expected(user: number): string[] {
    return [...this.#items].flatMap(([name, { made, removed }]) => made && !removed && Number(/\d+/.exec(name)![0]) === user ? [name] : [])
  }

  allSent(): string[] {
    return [...this.#items].flatMap(([name, { sent }]) => sent ? [name] : [])
  }

  get size(): number {
    return this.#items.size
  }

  /** The faults of that kind that were there between two moments, or had ended less than `after` before; those of one place and those of all. */
  met(what: RegExp, from: number, to: number, { place, after = 0 }: { readonly place?: number | undefined; readonly after?: number } = {}): Fault[] {
    return this.faults.filter(fault => what.test(fault.what) && fault.at <= to && fault.until + after >= from
      && (fault.place === undefined || place === undefined || fault.place === place))
  }

  /** All that is known of an item, with the faults of that time. */
  history(name: string): string {
    const { lines, attempts } = this.#of(name)
    const tried = attempts.map(({ from, to, place, how }) => ({ at: to, text: `asked Postern ${place + 1} from ${Math.round(from)} on: ${how}` }))
    const all = [...lines, ...tried].sort((a, b) => a.at - b.at)
    const faults = this.faults.filter(fault => all.some(({ at }) => fault.until > at - 3000 && fault.at < at + 300))
      .map(({ at, until, what, place }) => ({ at, text: `! ${what}${place === undefined ? '' : ` (Postern ${place + 1})`}${until > at ? `, until ${Math.round(until)}` : ''}` }))
    return [...all, ...faults].sort((a, b) => a.at - b.at).map(({ at, text }) => `  ${String(Math.round(at)).padStart(8)} ${text}`).join('\n')
  }

  #of(name: string): Item {
    let item = this.#items.get(name)
    if (!item) this.#items.set(name, item = { made: false, removed: false, sent: false, lines: [], attempts: [], moves: [] })
    return item
  }
}

/** The items a text speaks of. */
export const namesIn = (text: string): string[] => [...new Set(text.match(names) ?? [])]
