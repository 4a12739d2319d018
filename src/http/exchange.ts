import type { IncomingMessage, ServerResponse } from 'node:http'
import { Failure } from '../base/failure.ts'
import type { Front, FrontAnswer, Later, Visit } from '../base/front.ts'
import type { Head } from './head.ts'
import { receive } from './incoming.ts'
import { giveUp, send } from './outgoing.ts'
import { plainText, refuse } from './refusal.ts'

export type Exchange = {
  readonly head: Head
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** Whether the connection shall end with this answer, asked when it begins. */
  readonly last: () => boolean
  /** Takes what was thrown and no one expected. */
  readonly onBug: (id: string, error: unknown) => void
  /** Called when the answer turns out to be one that waits. */
  readonly waits: () => void
}

/** Has the front answer and sends it. Whatever goes wrong ends here: in an answer, in the log's line, or as a bug. */
export async function exchange(front: Front, visit: Visit, { head, req, res, last, onBug, waits }: Exchange): Promise<void> {
  const way: Way = { visit, res, gzip: head.gzip, last, onBug }
  let drain = async () => false
  let answer: FrontAnswer | Later
  try {
    const incoming = receive(req, head)
    drain = incoming.drain
    answer = await front.answer(incoming.request, visit)
  } catch (error) {
    answer = refusalOf(error, way)
  }
  const drained = req.complete || await drain().catch(() => false)
  if (!('later' in answer)) return deliver(answer, drained, way)
  // What this function and the request know would be held as long as the answer waits.
  deliverLater(answer.later, drained, way)
  waits()
  req.headers = {}
  req.rawHeaders = []
}

/** What an answer needs on its way out. */
type Way = Pick<Exchange, 'res' | 'last' | 'onBug'> & { readonly visit: Visit; readonly gzip: boolean }

// No async function, which would hold its arguments in ten times the room.
function deliverLater(later: Promise<FrontAnswer>, drained: boolean, way: Way): void {
  void later.then(answer => deliver(answer, drained, way), (error: unknown) => deliver(refusalOf(error, way), drained, way))
}

async function deliver(answer: FrontAnswer, drained: boolean, way: Way): Promise<void> {
  const { res, gzip, last } = way
  try {
    if (res.headersSent || res.destroyed) return giveUp(answer)
    await send(answer, res, { gzip, close: last() || !drained })
  } catch (error) {
    res.destroy()
    explain(error, way)
  }
}

function refusalOf(error: unknown, way: Way): FrontAnswer {
  explain(error, way)
  return error instanceof Failure ? refuse(error) : plainText(500, `A fault of this program, in its log as ${way.visit.id}.`)
}

function explain(error: unknown, { visit, onBug }: Way): void {
  if (error instanceof Failure) {
    visit.facts['failure'] = error.kind
    visit.facts['why'] = error.message.slice(0, 300)
  } else if (!visit.signal.aborted || !isBreakOff(error)) onBug(visit.id, error)
}

/** What a wait or a stream throws because the client went away. */
const isBreakOff = (error: unknown): boolean => error instanceof Error &&
  (error.name === 'AbortError' || (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE')

/** The stack with those of its causes; never an error's other properties, which may hold what a log must not. */
export function stackOf(error: unknown, depth = 4): string {
  if (!(error instanceof Error)) return `thrown: ${typeof error}`
  const cause = error.cause === undefined || depth === 0 ? '' : `\nbecause of ${stackOf(error.cause, depth - 1)}`
  return (error.stack ?? error.message).slice(0, 4000) + cause
}
