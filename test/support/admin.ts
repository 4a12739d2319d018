import { join } from 'node:path'
import type { Device } from '../../src/base/devices.ts'
import { freePorts, HOST } from './house.ts'
import type { House } from './live.ts'
import { startPostern, type Postern } from './postern.ts'

export const token = 'a token of the tests, long enough'.replaceAll(/[ ,]/g, '-')

/** An administrator's program: one request, and what came of it. */
export async function ask(port: number, path: string, body?: object, bearer = token): Promise<{ status: number; said: Said }> {
  const response = await fetch(`http://${HOST}:${port}${path}`, {
    headers: { authorization: `Bearer ${bearer}` }, ...(body ? { method: 'POST', body: JSON.stringify({ by: 'test', ...body }) } : {}),
  })
  return { status: response.status, said: await response.json() as Said }
}

/** An order that is taken: one that is refused ends the test there, in the words of the refusal. */
export async function order(port: number, path: string, body: object = {}): Promise<Said> {
  const { status, said } = await ask(port, path, body)
  if (status !== 200) throw new Error(`${path}: ${status} ${said.error}`)
  return said
}

/** A device, a list of them, what was traced, or what went wrong. */
export type Said = Device & { readonly devices: readonly Device[]; readonly trace: readonly string[]; readonly error: string }

export type Managed = Postern & {
  readonly admin: number
  readonly folder: string
  ask(path: string, body?: object): Promise<{ status: number; said: Said }>
  order(path: string, body?: object): Promise<Said>
  /** Ids of a user's devices of which something was kept, as it is within two seconds of what they did. */
  seen(user: string): Promise<string[]>
}

/** Postern that remembers devices in a folder of the house, with a listener for administrators. */
export async function startManaged(house: House, name: string, settings: object = {}, workers?: number, ports: { admin?: number; port?: number } = {}): Promise<Managed> {
  const { admin = (await freePorts(1))[0]!, ...own } = ports
  const folder = join(house.dir, `devices-${name}`)
  const postern = await startPostern(house, {
    settings: { admin: { port: admin, token }, devices: { folder }, ...settings }, ...own, ...(workers === undefined ? {} : { workers }),
  })
  return Object.assign(Object.create(postern) as Postern, {
    admin, folder, ask: (path: string, body?: object) => ask(admin, path, body), order: (path: string, body?: object) => order(admin, path, body),
    async seen(user: string) {
      const { devices } = (await ask(admin, `/devices?user=${encodeURIComponent(user)}`)).said
      return devices.flatMap(({ seen }) => seen ? [seen.id] : []).sort()
    },
  })
}
