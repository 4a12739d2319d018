/** The requests of the moment that only wait, one a device. */
export type Waits = Map<string, AbortController>

/**
 * Begins the wait of a device, which ends the one it had: a phone that asks anew has given the old request up, even where its
 * socket still looks open. The signal ends with `gone` as well. `leave` must be called when the wait is over.
 */
export function enterWait(waits: Waits, scope: string, gone: AbortSignal): { signal: AbortSignal; leave(): void } {
  waits.get(scope)?.abort()
  const own = new AbortController()
  waits.set(scope, own)
  return {
    signal: AbortSignal.any([gone, own.signal]),
    leave() {
      if (waits.get(scope) === own) waits.delete(scope)
    },
  }
}
