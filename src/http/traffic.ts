import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Counted } from '../base/front.ts'
import type { Metrics } from '../base/metrics.ts'

/** What a request was, and how long it took in seconds. */
export type Passed = { readonly front: string; readonly counted: Counted; readonly seconds: number }

/** Has what passed between clients and this program counted, after each request. */
export function traffic(metrics: Metrics) {
  /** What of a connection has been counted. */
  const known = new WeakMap<Socket, { read: number; written: number }>()

  function countOctets(socket: Socket): void {
    const { bytesRead, bytesWritten } = socket, before = known.get(socket)
    metrics.add('octets', { direction: 'in' }, bytesRead - (before?.read ?? 0))
    metrics.add('octets', { direction: 'out' }, bytesWritten - (before?.written ?? 0))
    if (before) Object.assign(before, { read: bytesRead, written: bytesWritten })
    else known.set(socket, { read: bytesRead, written: bytesWritten })
  }

  return (req: IncomingMessage, res: ServerResponse, { front, counted, seconds }: Passed): void => {
    const { command = 'none', version = 'none', waited = 0 } = counted
    metrics.add('requests', { front, command, version, http: statusOf(res) })
    metrics.observe('requestSeconds', { front, command }, seconds - waited / 1000)
    countOctets(req.socket)
  }
}

/** 499: the client went before it was answered; cut: it did not get all. */
function statusOf(res: ServerResponse): string {
  if (!res.writableFinished) return res.headersSent ? 'cut' : '499'
  // What is upstream may answer anything.
  return res.statusCode in STATUS_CODES ? String(res.statusCode) : 'other'
}
