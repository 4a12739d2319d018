/**
 * The same object, with the milliseconds its promises took told to `spent`. What waits by intention (`except`) and what comes piece by piece
 * is not counted.
 */
export function timed<T extends object>(object: T, except: readonly (keyof T)[], spent: (milliseconds: number) => void): T {
  return new Proxy(object, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function' || except.includes(name as keyof T)) return value
      return (...args: unknown[]): unknown => {
        const begun = performance.now()
        const result: unknown = Reflect.apply(value, target, args)
        return result instanceof Promise ? result.finally(() => spent(performance.now() - begun)) : result
      }
    },
  })
}
