import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Counted } from '../base/front.ts'
import type { Metrics } from '../base/metrics.ts'

/** What a request was, and how long it took. */
export type Passed = { readonly front: string; readonly counted: Counted; readonly seconds: number }

/** Has what passed between clients and this program counted, after each request. */
export function traffic(metrics: Metrics) {
  /** What of a connection has been counted. */
  const known = new WeakMap<Socket, { read: number; written: number }>()

  function countOctets(socket: Socket): void {
    const before = known.get(socket) ?? { read: 0, written: 0 }
    // What a client that went did not take is not counted any more.
    const read = Math.max(socket.bytesRead, before.read), written = Math.max(socket.bytesWritten || 0, before.written)
    metrics.add('octets', { direction: 'in' }, read - before.read)
    metrics.add('octets', { direction: 'out' }, written - before.written)
    known.set(socket, { read, written })
  }

  return (req: IncomingMessage, res: ServerResponse, { front, counted, seconds }: Passed): void => {
    const { command = 'none', version = 'none', waited = 0 } = counted
    metrics.add('requests', { front, command, version, http: statusOf(res) })
    metrics.observe('requestSeconds', { front, command }, Math.max(0, seconds - waited / 1000))
    countOctets(req.socket)
  }
}

/** 499: the client went before it was answered; cut: it did not get all. */
function statusOf(res: ServerResponse): string {
  if (!res.writableFinished) return res.headersSent ? 'cut' : '499'
  // What is upstream may answer anything.
  return res.statusCode in STATUS_CODES ? String(res.statusCode) : 'other'
}
