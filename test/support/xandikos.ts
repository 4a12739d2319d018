import type { Ground } from './house.ts'
import { freePorts, HOST, NOBODY, openFolder, service } from './house.ts'
import type { DavServer } from './radicale.ts'
import type { User } from './users.ts'

/** Xandikos: no authentication at all, one principal with a calendar and an address book made at the start. */
export async function startXandikos(ground: Ground, user: User): Promise<DavServer> {
  const [port = 0] = await freePorts(1)
  const dir = openFolder(ground, 'xandikos')
  const listen = ['--listen-address', HOST, '--port', String(port)]
  const args = ['-d', dir, ...listen, '--defaults', '--current-user-principal', `/${user.name}/`]
  const self = service(ground, { name: 'xandikos', command: 'xandikos', args, port, as: NOBODY, env: { HOME: dir } })
  await self.start()
  return { ...self, url: `http://${HOST}:${port}/` }
}
