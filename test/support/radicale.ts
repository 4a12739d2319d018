import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ground, Service } from './house.ts'
import { freePorts, HOST, NOBODY, openFolder, service } from './house.ts'
import type { User } from './users.ts'

/** A CalDAV and CardDAV server; `url` is where discovery starts. */
export interface DavServer extends Service {
  readonly url: string
}

/** Radicale 3: Basic authentication, by address or by local part (to Radicale these are two different users). */
export async function startRadicale(ground: Ground, users: readonly User[]): Promise<DavServer> {
  const [port = 0] = await freePorts(1)
  const dir = openFolder(ground, 'radicale')
  const accounts = users.flatMap(({ name, login, password }) => [`${name}:${password}\n`, `${login}:${password}\n`])
  writeFileSync(join(dir, 'users'), accounts.join(''))
  const config = join(dir, 'config')
  writeFileSync(config, `
[server]
hosts = ${HOST}:${port}
max_connections = 200
[auth]
type = htpasswd
htpasswd_filename = ${dir}/users
htpasswd_encryption = plain
delay = 0
[rights]
type = owner_only
[storage]
filesystem_folder = ${dir}/collections
[logging]
level = warning
`)
  const self = service(ground, { name: 'radicale', command: 'radicale', args: ['--config', config], port, as: NOBODY })
  await self.start()
  return { ...self, url: `http://${HOST}:${port}/` }
}
