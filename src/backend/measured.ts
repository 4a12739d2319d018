import { Failure } from '../base/failure.ts'
import { unmeasured, type Metrics } from '../base/metrics.ts'
import { untraced, type Tracing } from '../base/tracing.ts'

/** What stands behind a store; `crl` are the places of revocation lists. */
type BackendKind = 'imap' | 'smtp' | 'dav' | 'ldap' | 'sieve' | 'crl'

/** The same store, of which each promise is told: how long it took, and whether it was kept. */
export type Measure = <T extends object>(backend: BackendKind, store: T) => T

/**
 * One for all stores, each of which it costs one small object. What waits by intention is left out; what comes piece by piece counts as the
 * operations the pieces are.
 */
export function measure(metrics: Metrics, tracing: Tracing): Measure {
  if (metrics === unmeasured && tracing === untraced) return (_, store) => store
  const handlers = new Map<BackendKind, ProxyHandler<object>>()
  const handlerOf = (backend: BackendKind): ProxyHandler<object> => ({
    get(target, operation, store) {
      const value: unknown = Reflect.get(target, operation)
      if (typeof value !== 'function' || typeof operation !== 'string' || operation === 'watch') return value
      return (...args: unknown[]): unknown => {
        const begun = performance.now(), span = tracing.operation(backend, operation)
        const result: unknown = Reflect.apply(value, store, args)
        if (!(result instanceof Promise)) return result
        const ended = (failed?: string): void => {
          metrics.observe('backendSeconds', { backend, operation }, (performance.now() - begun) / 1000)
          if (failed !== undefined) metrics.add('backendFailures', { backend, operation, kind: failed })
          span.end(() => ({ failed }))
        }
        return result.then((answer: unknown) => {
          ended()
          return answer
        }, (error: unknown) => {
          ended(error instanceof Failure ? error.kind : 'bug')
          throw error
        })
      }
    },
  })
  return (backend, store) => {
    const handler = handlers.get(backend) ?? handlerOf(backend)
    handlers.set(backend, handler)
    return new Proxy<typeof store>(store, handler as ProxyHandler<typeof store>)
  }
}
