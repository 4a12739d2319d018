import type { Range } from '../model/cursor.ts'

/** Sets of UIDs as sorted, disjoint, non-adjacent ranges: a hostile `1:4294967295` costs one object, never four billion. */

export function normalise(ranges: readonly Range[]): Range[] {
  if (ranges.every(({ from }, n) => n === 0 || from > ranges[n - 1]!.to + 1)) return [...ranges]
  const result: { from: number; to: number }[] = []
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last && from <= last.to + 1) last.to = Math.max(last.to, to)
    else result.push({ from, to })
  }
  return result
}

export function intersect(a: readonly Range[], b: readonly Range[]): Range[] {
  const result: Range[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const one = a[i]!, other = b[j]!
    const from = Math.max(one.from, other.from), to = Math.min(one.to, other.to)
    if (from <= to) result.push(from === one.from && to === one.to ? one : { from, to })
    if (one.to < other.to) i++
    else j++
  }
  return result
}

export function subtract(a: readonly Range[], b: readonly Range[]): Range[] {
  const result: Range[] = []
  let j = 0
  for (const one of a) {
    let { from, to } = one
    while (j < b.length && b[j]!.to < from) j++
    for (let k = j; k < b.length && b[k]!.from <= to; k++) {
      if (b[k]!.from > from) result.push({ from, to: b[k]!.from - 1 })
      from = b[k]!.to + 1
    }
    if (from <= to) result.push(from === one.from ? one : { from, to })
  }
  return result
}

export const count = (ranges: readonly Range[]): number => ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0)

/** A sequence set (RFC 9051, Formal Syntax). */
export const print = (ranges: readonly Range[]): string =>
  ranges.map(({ from, to }) => from === to ? `${from}` : `${from}:${to}`).join(',')

/** The `most` lowest UIDs, ascending. */
export function lowest(ranges: readonly Range[], most: number): number[] {
  const uids: number[] = []
  for (const { from, to } of ranges) {
    if (uids.length >= most) break
    for (let uid = from; uid <= to && uids.length < most; uid++) uids.push(uid)
  }
  return uids
}

/** The `most` highest UIDs, descending. */
export function highest(ranges: readonly Range[], most: number): number[] {
  const uids: number[] = []
  for (let n = ranges.length - 1; n >= 0 && uids.length < most; n--) {
    const { from, to } = ranges[n]!
    for (let uid = to; uid >= from && uids.length < most; uid--) uids.push(uid)
  }
  return uids
}

/** The `most` lowest or highest numbers of the set, and what is beyond them. */
export function split(ranges: readonly Range[], most: number, from: 'lowest' | 'highest'): [part: Range[], beyond: Range[]] {
  const part: Range[] = [], beyond: Range[] = []
  let left = most
  for (const range of from === 'lowest' ? ranges : ranges.toReversed()) {
    const size = range.to - range.from + 1
    const cut = from === 'lowest' ? range.from + left : range.to - left + 1
    if (left >= size) part.push(range)
    else if (left <= 0) beyond.push(range)
    else {
      const [low, high] = [{ from: range.from, to: cut - 1 }, { from: cut, to: range.to }]
      part.push(from === 'lowest' ? low : high)
      beyond.push(from === 'lowest' ? high : low)
    }
    left -= Math.min(left, size)
  }
  return from === 'lowest' ? [part, beyond] : [part.reverse(), beyond.reverse()]
}

/** Ranges of sorted or unsorted single UIDs. */
export const ofUids = (uids: readonly number[]): Range[] => normalise(uids.map(uid => ({ from: uid, to: uid })))
