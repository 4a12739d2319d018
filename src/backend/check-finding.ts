import { Failure } from '../base/failure.ts'

/** What was tried, in a sentence for an administrator. `ok` false: users will notice. */
export type Finding = { readonly ok: boolean; readonly text: string }

export const good = (sentence: string): Finding => ({ ok: true, text: sentence })
export const bad = (sentence: string): Finding => ({ ok: false, text: sentence })

/** What went wrong, as the rest of a sentence about a server. Throws what is no failure. */
export function complaint(error: unknown, who: string): string {
  if (!(error instanceof Failure)) throw error
  if (error.kind === 'auth') return `answers and refuses ${who}`
  const { message, code } = (error.cause ?? {}) as { message?: string; code?: string }
  return `does not do: ${error.message}${message && message !== error.message && !error.message.includes(message) ? `; ${message}` : ''}${code && !error.message.includes(code) ? ` (${code})` : ''}`
}
