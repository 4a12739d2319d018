/** The part of a logger the rest of the program may use; pino fits it. */
export type Log = {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** For tests and for code that runs before a logger exists. */
export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
