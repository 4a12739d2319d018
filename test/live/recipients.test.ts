// Whom the user writes to, as a real Dovecot and Exim know it, told by two processes that remember nothing of each other.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { text } from '../../src/wire/wbxml.ts'
import { Phone } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'

let house: House
const instances: Instance[] = []
beforeAll(async () => {
  house = await startHouse()
  for (let n = 0; n < 2; n++) instances.push(await startInstance(house, { settings: { recipientCache: true } }))
})
afterAll(async () => {
  for (const instance of instances) await instance.close()
  await house.stop()
  for (const instance of instances) expect(instance.bugs()).toBe(0)
})

it('follows what is sent, whoever answers', async () => {
  const { login, password } = house.user('anna')
  const [one, other] = instances.map(({ url }) => new Phone({ url, user: login, password })) as [Phone, Phone]
  await one.folderSync('0')
  expect(one.folders.get('RI')).toMatchObject({ type: '19' })
  const bob = house.user('bob').address, carol = house.user('carol').address
  const letter = (to: string, n: number): string => `To: ${to}\r\nSubject: ${n}\r\nMessage-ID: <${n}@phone.test>\r\n\r\nHello.\r\n`
  expect(await one.sendMail(letter(`=?utf-8?Q?B=C3=B6b?= <${bob}>`, 1))).toBe('')
  await one.syncAll('RI')
  const shown = (phone: Phone): string[] => [...phone.held('RI').items.values()]
    .sort((a, b) => rank(b.data) - rank(a.data)).map(({ data }) => text(data!, 'Contacts:FileAs')!)
  const rank = (data: Parameters<typeof text>[0] | undefined): number => Number(text(data!, 'Contacts:WeightedRank'))
  expect(shown(one)).toEqual(['Böb'])

  for (let n = 2; n < 5; n++) expect(await other.sendMail(letter(n === 2 ? `${carol}, ${login}` : carol, n))).toBe('')
  Object.assign(other.held('RI'), { key: one.held('RI').key })
  const { collections: [answer] } = await other.sync({ collections: [{ id: 'RI' }] })
  expect(answer).toMatchObject({ status: '1', adds: { length: 1 }, changes: [], deletes: [] })
  Object.assign(one.held('RI'), { key: other.held('RI').key })
  expect(await one.sync({ collections: [{ id: 'RI' }] })).toMatchObject({ empty: true })
  await one.sync({ collections: [{ id: 'RI', key: '0' }] })
  await one.syncAll('RI')
  expect(shown(one)).toEqual([carol, 'Böb'])
  for (const phone of [one, other]) phone.close()
})
