import http from 'node:http'

export type SchedulingServer = {
  readonly url: string
  quiet(): number
  /** What was asked of it to change, in order; of a PUT the body. */
  readonly edits: string[]
   close(): void
}

/** A real DAV server, which says besides that it schedules (RFC 6638). Counts deletions that nobody is to be told of. */
export async function schedulingServer(behind: string): Promise<SchedulingServer> {
  let quiet = 0
  const edits: string[] = []
  const { hostname, port } = new URL(behind)
  const server = http.createServer((request, response) => {
    if (request.headers['schedule-reply'] === 'F') quiet++
    const onward = http.request({ hostname, port, method: request.method, path: request.url, headers: request.headers }, answer => {
      const dav = answer.headers['dav']
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...(dav ? { dav: `${String(dav)}, calendar-auto-schedule` } : {}) })
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    if (request.method === 'DELETE') edits.push('DELETE')
    if (request.method !== 'PUT') return void request.pipe(onward)
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      edits.push(Buffer.concat(chunks).toString())
      onward.end(Buffer.concat(chunks))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}/`, edits, quiet: () => quiet, close: () => void server.close() }
}
