import { setImmediate } from 'node:timers/promises'
import type { Range } from '../model/cursor.ts'
import type { Answer, Query } from './imap-mailbox.ts'
import { count, intersect, normalise, print, split } from './uid-ranges.ts'

/** Questions, round after round: what is asked next depends on what was answered. */
export type Steps<T> = Generator<readonly Query[], T, readonly Answer[]>

export type Sought = Pick<Query & { kind: 'search' }, 'since' | 'before' | 'changed'> & {
  readonly within: readonly Range[]
  /** Is looked through as a whole. */
  readonly besides?: readonly Range[]
  readonly from: 'lowest' | 'highest'
  /** So many are wanted from that end of `within`; Infinity: all. */
  readonly most: number
  /** How many UIDs are looked through at first; then ever more. */
  readonly slice: number
}

const growth = 8

/**
 * The UIDs that match, beginning at one end: those of half a million messages would be told anew for each window of a hundred. Once there are
 * more of them than are wanted, nothing is asked of the rest, which is answered as if all of it matched: it shows that there is more.
 */
export function* seek({ within, besides = [], from, most, slice, ...keys }: Sought): Steps<Range[]> {
  let found: Range[] = [], rest = within, also = besides
  if (rest.length + also.length === 0) return found
  for (let size = slice; ; size *= growth) {
    const [part, beyond] = split(rest, size, from)
    const [answer] = yield [{ kind: 'search', uids: print(normalise([...part, ...also])), ...keys }]
    found = normalise([...found, ...answer?.kind === 'search' ? answer.uids : []])
    if (beyond.length === 0 || count(intersect(found, within)) > most) return normalise([...found, ...beyond])
    rest = beyond
    also = []
  }
}

export function* once(...queries: readonly Query[]): Steps<readonly Answer[]> {
  return yield queries
}

/** All of them at once: what they ask in one round goes out together. */
export async function inStep<T extends readonly unknown[]>(
  ask: (queries: readonly Query[]) => Promise<readonly Answer[]>, works: { readonly [N in keyof T]: Steps<T[N]> },
): Promise<T> {
  const all = works.map(work => ({ work, step: work.next([]) }))
  for (let open = all; (open = open.filter(({ step }) => !step.done)).length > 0;) {
    const answers = await ask(open.flatMap(({ step }) => step.done ? [] : step.value))
    await breath(answers)
    let at = 0
    for (const one of open) one.step = one.work.next(answers.slice(at, at += one.step.done ? 0 : one.step.value.length))
    await breath(answers)
  }
  return all.map(({ step }) => step.value) as unknown as T
}

/** Of so many ranges each look through them takes its time: others are served in between. */
const many = 20_000

async function breath(answers: readonly Answer[]): Promise<void> {
  if (answers.some(answer => answer.kind === 'search' && answer.uids.length > many)) await setImmediate()
}
