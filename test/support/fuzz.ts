/** Numbers below `n`, the same for the same seed (mulberry32). */
export function randomBelow(seed: number): (n: number) => number {
  let state = seed
  return n => {
    state = state + 0x6d2b79f5 | 0
    let t = Math.imul(state ^ state >>> 15, 1 | state)
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t
    return ((t ^ t >>> 14) >>> 0) % n
  }
}

/** Mutated copies of good samples: octets changed, dropped, doubled, moved, cut off, filled with noise; then pure noise. */
export function* mutations(samples: readonly Uint8Array[], count: number, seed: number): Generator<Uint8Array> {
  const below = randomBelow(seed)
  const noise = (length: number): Uint8Array => Uint8Array.from({ length }, () => below(256))
  const changes: ((bytes: Uint8Array, at: number) => Uint8Array)[] = [
    (bytes, at) => bytes.with(at, below(256)),
    (bytes, at) => bytes.with(at, bytes[at]! ^ 1 << below(8)),
    (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(4))]),
    (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(below(at + 1))]),
    (bytes, at) => Buffer.concat([bytes.subarray(0, at), noise(1 + below(8)), bytes.subarray(at)]),
    (bytes, at) => bytes.subarray(0, at),
  ]
  for (let i = 0; i < count; i++) {
    if (i % 20 === 0) yield noise(below(200))
    let bytes = samples[below(samples.length)]!
    for (let n = 1 + below(4); n > 0 && bytes.length > 0; n--) bytes = changes[below(changes.length)]!(bytes, below(bytes.length))
    yield bytes
  }
}
