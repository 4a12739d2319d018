import { expect } from 'vitest'
import { scriptedDav, type ScriptedDav } from './bad-dav.ts'
import { Phone } from './eas-client.ts'
import { startInstance, type Instance } from './instance.ts'
import type { House } from './live.ts'

export type DavPhone = { readonly dav: ScriptedDav; readonly postern: Instance; readonly phone: Phone }

/** A phone of the first user at a Postern whose DAV server does as it is told. */
export async function openDavPhone(house: House, deviceId: string): Promise<DavPhone> {
  const dav = await scriptedDav()
  const postern = await startInstance(house, { dav: { url: dav.url, pollSeconds: 1 }, patience: 2 })
  const { login, password } = house.user(0)
  return { dav, postern, phone: new Phone({ url: postern.url, user: login, password, deviceId }) }
}

export async function closeDavPhone({ dav, postern, phone }: DavPhone): Promise<void> {
  phone.close()
  await postern.close()
  await dav.close()
  expect(postern.bugs()).toBe(0)
}

export const card = (name: string): string =>
  ['BEGIN:VCARD', 'VERSION:3.0', `UID:${name}`, `FN:${name} Test`, `N:Test;${name};;;`, 'END:VCARD', ''].join('\r\n')
