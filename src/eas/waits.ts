/** The requests of the moment that only wait, one a device, each with what ends it. */
export type Waits = {
  readonly ends: Map<string, () => void>
  /** Nobody waits any more: the server goes away. */
  drained: boolean
  /** Asked for each that begins; answers what is called when it is over. Throws `busy`. */
  readonly admit?: (scope: string) => () => void
}

/**
 * Begins the wait of a device, which ends the one it had: a phone that asks anew has given the old request up, even where its
 * socket still looks open. What is answered must be called when the wait is over. Throws `busy`.
 */
export function enterWait({ ends, admit }: Waits, scope: string, end: () => void): () => void {
  ends.get(scope)?.()
  const leave = admit?.(scope)
  ends.set(scope, end)
  return () => {
    leave?.()
    if (ends.get(scope) === end) ends.delete(scope)
  }
}

/** Ends every wait, and those that begin later. */
export function drain(waits: Waits): void {
  waits.drained = true
  for (const end of waits.ends.values()) end()
}

/** Ends a part of all waits, those that began first. */
export function shed({ ends }: Waits, part: number): void {
  for (const end of [...ends.values()].slice(0, Math.ceil(ends.size * part))) end()
}
