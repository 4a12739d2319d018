// Whatever a message is like: it reaches the phone, in every version and form of body, and libwbxml reads the answer.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { versions } from '../../src/eas/versions.ts'
import { decode, text } from '../../src/wire/wbxml.ts'
import { descend, Phone, type HttpAnswer, type Overrides } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { canonical, wbxml2xml } from '../support/libwbxml.ts'
import { startHouse, type House } from '../support/live.ts'
import { oddities } from '../support/oddities.ts'

const all = oddities()
let house: House
let postern: Instance

beforeAll(async () => {
  house = await startHouse({ users: 1, exim: false })
  // IMAP takes no NUL: RFC 9051, literal
  await house.seed(0, 'INBOX', all.map(({ raw }) => raw.includes(0) ? Buffer.from(raw).map(octet => octet || 0x80) : raw))
  postern = await startInstance(house)
})
afterAll(async () => {
  await postern.close()
  await house.stop()
})

it('there are enough of them, all different', () => {
  expect(all.length).toBeGreaterThanOrEqual(300)
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
})

/** A phone that keeps what it is answered. */
class Witness extends Phone {
  readonly answers: Uint8Array[] = []

  override async raw(command: string, body: Parameters<Phone['raw']>[1], overrides?: Overrides): Promise<HttpAnswer> {
    const answer = await super.raw(command, body, overrides)
    if (command === 'Sync' && answer.bytes.length) this.answers.push(answer.bytes)
    return answer
  }
}

it.each(versions.flatMap(version => [1, 2, 3, 4].map(type => [version, type] as const)))('version %s, bodies of type %i', async (version, type) => {
  const { login, password } = house.user(0)
  const phone = new Witness({ url: postern.url, user: login, password, version, deviceId: `D${version.replace('.', '')}${type}` })
  await phone.folderSync('0')
  const inbox = phone.folder('Inbox')
  // The text between the sizes is cut in all places in which one can be cut.
  const options = { bodies: [{ type, ...(type === 4 ? {} : { size: 10_000 + type, preview: 100 }) }], mimeSupport: type === 4 ? 2 as const : 0 as const }
  await phone.syncAll(inbox, { window: 120, options })
  const { items, duplicates } = phone.held(inbox)
  phone.close()
  expect([items.size, duplicates]).toEqual([all.length, []])
  const broken = [...items.values()].filter(({ subject }) => subject === 'A message that could not be read')
  expect(broken.map(({ body }) => body)).toEqual([])
  // 2.5 knows no types: text, or the message itself where it is asked for.
  const types = [...items.values()].map(({ data }) => version === '2.5'
    ? text(data!, 'Email:MIMESize') === undefined ? 'text' : 'message'
    : text(descend(data, 'AirSyncBase:Body'), 'AirSyncBase:Type'))
  expect(new Set(types)).toEqual(new Set([version !== '2.5' ? String(type) : type === 4 ? 'message' : 'text']))
  expect(postern.bugs()).toBe(0)
  for (const answer of phone.answers) expect(await wbxml2xml(answer)).toEqual(canonical(decode(answer)))
})
