import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts, HOST, service, type Service } from './house.ts'
import type { House } from './live.ts'

export type Behind = { readonly port: number; readonly internal: number }

/** HAProxy by the configuration of examples/haproxy/, apart from addresses, the certificate and the number of connections. */
export async function startHaproxy(house: House, servers: readonly Behind[]): Promise<Service & { readonly url: string }> {
  const [port = 0] = await freePorts(1)
  const file = join(house.dir, 'haproxy.cfg')
  let next = 0
  const text = readFileSync('examples/haproxy/haproxy.cfg', 'utf8')
    .replace(/^( *maxconn )\d+$/m, '$11000')
    .replace(/^( *bind ).*$/m, `$1${HOST}:${port}`)
    .replace(/^( *server \S+) \S+ port \d+$/gm, (_, begin: string) => {
      const server = servers[next++]!
      return `${begin} ${HOST}:${server.port} port ${server.internal}`
    })
  if (next !== servers.length) throw new Error(`the example has ${next} servers`)
  writeFileSync(file, text)
  const self = service({ dir: house.dir, close: async () => {} }, { name: 'haproxy', command: 'haproxy', args: ['-db', '-f', file], port })
  await self.start()
  return { ...self, url: `http://${HOST}:${port}` }
}
