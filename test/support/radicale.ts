import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ground, Service } from './house.ts'
import { freePorts, HOST, NOBODY, openFolder, service } from './house.ts'
import type { User } from './users.ts'

/** A CalDAV and CardDAV server; `url` is where discovery starts. */
export interface DavServer extends Service {
  readonly url: string
}

/** What a collection is to Radicale: its `.Radicale.props`. */
export type Props = { readonly tag: 'VCALENDAR' | 'VADDRESSBOOK'; readonly 'D:displayname'?: string; readonly 'C:supported-calendar-component-set'?: string }

export interface Radicale extends DavServer {
  /** A collection with these objects, by name, thousands a second; one called `readonly...` takes no changes. Before the server reads it. */
  seed(login: string, name: string, props: Props, objects: Iterable<readonly [name: string, text: string]>): void
}

/** Everybody owns what is below their name, but for collections called `readonly...`. */
const rights = `
[root]
user: .+
collection:
permissions: R
[home]
user: .+
collection: {user}
permissions: RW
[closed]
user: .+
collection: {user}/readonly[^/]*
permissions: r
[own]
user: .+
collection: {user}/[^/]+
permissions: rw
`

/** Radicale 3: Basic authentication, by address or by local part (to Radicale these are two different users). */
export async function startRadicale(ground: Ground, users: readonly User[]): Promise<Radicale> {
  const [port = 0] = await freePorts(1)
  const dir = openFolder(ground, 'radicale')
  const accounts = users.flatMap(({ name, login, password }) => [`${name}:${password}\n`, `${login}:${password}\n`])
  writeFileSync(join(dir, 'users'), accounts.join(''))
  writeFileSync(join(dir, 'rights'), rights)
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
type = from_file
file = ${dir}/rights
[storage]
filesystem_folder = ${dir}/collections
[logging]
level = warning
`)
  const self = service(ground, { name: 'radicale', command: 'radicale', args: ['--config', config], port, as: NOBODY })
  await self.start()
  const own = (path: string): void => {
    if (NOBODY.uid !== undefined) chownSync(path, NOBODY.uid, NOBODY.gid!)
  }
  return {
    ...self, url: `http://${HOST}:${port}/`,
    seed(login, name, props, objects) {
      const places = ['collections', 'collection-root', login, name].map((_, index, all) => join(dir, ...all.slice(0, index + 1)))
      for (const place of places) {
        mkdirSync(place, { recursive: true })
        own(place)
      }
      const files = [['.Radicale.props', JSON.stringify(props)] as const, ...objects]
      for (const [file, text] of files) {
        const path = join(places.at(-1)!, file)
        writeFileSync(path, text)
        own(path)
      }
    },
  }
}
