import net from 'node:net'
import type { Front, FrontAnswer, FrontRequest, Visit } from '../../src/base/front.ts'
import type { Log } from '../../src/base/log.ts'
import { type HttpOptions, type HttpServer, listen, type Routes } from '../../src/http/server.ts'

export type Line = { readonly level: string; readonly message: string; readonly [fact: string]: unknown }

/** A log that is looked at. */
export function keptLog(): Log & { lines: Line[]; line(message: string): Promise<Line> } {
  const lines: Line[] = []
  const waiting = new Set<() => void>()
  const write = (level: string) => (facts: object, message: string) => {
    lines.push({ ...facts, level, message })
    for (const wake of waiting) wake()
  }
  return {
    lines, debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error'),
    /** The first line with that message, as soon as there is one. */
    line: message => new Promise(resolve => {
      const look = () => {
        const found = lines.find(line => line.message === message)
        if (!found) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    }),
  }
}

export const front = (answer: (request: FrontRequest, visit: Visit) => Promise<FrontAnswer> | FrontAnswer, path = '/front'): Front =>
  ({ name: 'test', matches: one => one === path, answer: async (request, visit) => answer(request, visit) })

export type Served = HttpServer & { readonly url: string; readonly log: ReturnType<typeof keptLog> }

/** An HTTP server with one front, or with routes, on a free port. */
export async function serve(routes: Front | Routes, options: Partial<HttpOptions> = {}): Promise<Served> {
  const log = keptLog()
  const server = await listen(
    { host: '127.0.0.1', port: 0, log, ...options },
    'fronts' in routes ? routes : { fronts: [routes], passThrough: undefined },
  )
  return { ...server, log, url: `http${options.tls ? 's' : ''}://127.0.0.1:${server.port}` }
}

/** A connection written to by hand. `until` gives all that came as soon as it fits; `end` all that came at all. */
export function connection(port: number) {
  const socket = net.connect(port, '127.0.0.1')
  let text = ''
  socket.on('error', () => {}).setEncoding('latin1').on('data', (chunk: string) => void (text += chunk))
  return {
    socket,
    write: (data: string | Uint8Array) => void socket.write(data),
    async until(pattern: RegExp): Promise<string> {
      while (!pattern.test(text)) {
        if (socket.destroyed) throw new Error(`connection ended after ${JSON.stringify(text)}`)
        await either(socket, 'data', 'close')
      }
      return text
    },
    async end(): Promise<string> {
      if (!socket.destroyed) await either(socket, 'close')
      return text
    },
    /** Until written octets have left, or cannot. */
    flushed: () => either(socket, 'drain', 'close'),
  }
}

const either = (socket: net.Socket, ...events: string[]) => new Promise<void>(resolve => {
  const done = () => {
    for (const event of events) socket.off(event, done)
    resolve()
  }
  for (const event of events) socket.on(event, done)
})
