import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePorts, HOST, openFolder, service, type Ground, type Service } from './house.ts'

export interface RedisServer extends Service {
  readonly password: string
  /** Without TLS. */
  readonly url: string
  /** A client that asks what is there. */
  client(): Redis
}

/** A Redis that keeps nothing on disk, so that a restart has it forget everything. */
export async function startRedis(ground: Ground, options: { readonly tls?: { readonly cert: string; readonly key: string } } = {}): Promise<RedisServer> {
  const [port = 0] = await freePorts(1)
  const name = `redis${readdirSync(ground.dir).filter(file => /^redis\d*$/.test(file)).length}`
  const dir = openFolder(ground, name), password = 'the password of the cache'
  const listen = options.tls
    ? ['--port', '0', '--tls-port', String(port), '--tls-cert-file', options.tls.cert, '--tls-key-file', options.tls.key, '--tls-auth-clients', 'no']
    : ['--port', String(port)]
  const args = [...listen, '--bind', HOST, '--dir', dir, '--save', '', '--appendonly', 'no', '--requirepass', password, '--logfile', join(dir, 'log')]
  const self = service(ground, { name, command: 'redis-server', args, port })
  const client = () => new Redis({ host: HOST, port, password, lazyConnect: true, ...(options.tls ? { tls: { rejectUnauthorized: false } } : {}) })
  /** That it is this server which listens there, not somebody who took the port while it was away. */
  async function start(): Promise<void> {
    await self.start()
    const one = client().on('error', () => {})
    try {
      await one.connect()
      await one.ping()
    } catch (cause) {
      throw new Error(`who listens on port ${port} is not ${name}:\n${readFileSync(join(dir, 'log'), 'utf8').split('\n').slice(-8).join('\n')}`, { cause })
    } finally {
      one.disconnect()
    }
  }
  await start()
  return { ...self, start, password, url: `redis://${HOST}:${port}`, client }
}
