import http from 'node:http'

export type SchedulingServer = { readonly url: string; quiet(): number; close(): void }

/** A real DAV server, which says besides that it schedules (RFC 6638). Counts deletions that nobody is to be told of. */
export async function schedulingServer(behind: string): Promise<SchedulingServer> {
  let quiet = 0
  const { hostname, port } = new URL(behind)
  const server = http.createServer((request, response) => {
    if (request.headers['schedule-reply'] === 'F') quiet++
    const onward = http.request({ hostname, port, method: request.method, path: request.url, headers: request.headers }, answer => {
      const dav = answer.headers['dav']
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...(dav ? { dav: `${String(dav)}, calendar-auto-schedule` } : {}) })
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}/`, quiet: () => quiet, close: () => void server.close() }
}
