/** The requests of the moment that only wait, one a device, each with what ends it. */
export type Waits = {
  readonly ends: Map<string, () => void>
  /** Nobody waits any more: the server goes away. */
  drained: boolean
}

/**
 * Begins the wait of a device, which ends the one it had: a phone that asks anew has given the old request up, even where its
 * socket still looks open. What is answered must be called when the wait is over.
 */
export function enterWait({ ends }: Waits, scope: string, end: () => void): () => void {
  ends.get(scope)?.()
  ends.set(scope, end)
  return () => {
    if (ends.get(scope) === end) ends.delete(scope)
  }
}

/** Ends every wait, and those that begin later. */
export function drain(waits: Waits): void {
  waits.drained = true
  for (const end of waits.ends.values()) end()
}
