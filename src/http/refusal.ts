import type { Failure, Kind } from '../base/failure.ts'
import type { FrontAnswer } from '../base/front.ts'
import { spread } from '../base/retry.ts'

/** What a client is told when a front throws: the status and a sentence. The failure's own message is for the log. */
const answers: Record<Kind, readonly [status: number, sentence: string]> = {
  auth: [401, 'User name or password is wrong.'],
  denied: [403, 'You are not allowed to do this.'],
  'not-found': [404, 'There is nothing here.'],
  exists: [409, 'It is there already.'],
  conflict: [409, 'Somebody else changed it first.'],
  stale: [409, 'This cannot be continued; start again.'],
  malformed: [400, 'The request breaks its protocol.'],
  unsupported: [501, 'This is not supported.'],
  'too-large': [413, 'The request is too large.'],
  quota: [507, 'There is no room left.'],
  busy: [503, 'Too many requests; try again later.'],
  unavailable: [503, 'The server behind this one cannot be reached; try again later.'],
}

/** Seconds a client is asked to wait where a failure does not say. */
const retryAfter = 30

/** The HTTP answer to an expected failure. */
export function refuse(failure: Failure): FrontAnswer {
  const [status, sentence] = answers[failure.kind]
  const after = String(Math.ceil(failure.retryAfter ?? spread(retryAfter)))
  return plainText(status, sentence, [
    ...(status === 401 ? [['www-authenticate', 'Basic realm="Postern", charset="UTF-8"'] as const] : []),
    ...(status === 503 ? [['retry-after', after] as const] : []),
  ])
}

export const plainText = (status: number, sentence: string, more: readonly (readonly [string, string])[] = []): FrontAnswer =>
  ({ status, headers: [['content-type', 'text/plain; charset=utf-8'], ...more], body: Buffer.from(`${sentence}\n`) })
