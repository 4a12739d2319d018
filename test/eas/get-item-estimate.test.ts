import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { child, children, decode, el, text } from '../../src/wire/wbxml.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import type { Phone } from '../support/eas-client.ts'

let server: EasServer
let phone: Phone
let inbox: string, sent: string
const old = new Date(Date.now() - 10 * 86_400_000)

beforeEach(async () => {
  server = await easServer()
  phone = server.phone()
  server.account.deliver('inbox', undefined, { received: old })
  for (let n = 0; n < 4; n++) server.account.deliver('inbox', undefined, { received: new Date() })
  await phone.folderSync('0')
  inbox = phone.folder('Inbox')
  sent = phone.folder('Sent')
})
afterEach(() => server.stop())

describe('GetItemEstimate', () => {
  it.each([['12.1'], ['14.0'], ['16.1']])('counts what a Sync would tell in version %s', async version => {
    const one = server.phone({ version })
    await one.sync({ collections: [{ id: inbox }, { id: sent }] })
    expect(await one.getItemEstimate([{ id: inbox }, { id: sent }])).toEqual([
      { id: inbox, status: '1', estimate: 5 }, { id: sent, status: '1', estimate: 0 },
    ])
    await one.sync({ collections: [{ id: inbox, window: 2 }] })
    expect(await one.getItemEstimate([{ id: inbox }])).toMatchObject([{ estimate: 3 }])
    await one.syncAll(inbox)
    server.account.expunge('inbox', 2)
    expect(await one.getItemEstimate([{ id: inbox }])).toMatchObject([{ estimate: 1 }])
  })

  it.each([['12.1'], ['16.1']])('counts within the filter in version %s', async version => {
    const one = server.phone({ version })
    await one.sync({ collections: [{ id: inbox }] })
    expect(await one.getItemEstimate([{ id: inbox, filter: 3 }])).toMatchObject([{ estimate: 4 }])
    expect(await one.getItemEstimate([{ id: inbox, filter: 4 }])).toMatchObject([{ estimate: 5 }])
  })

  it('names the class in version 12.1 only', async () => {
    for (const [version, expected] of [['12.1', 'Email'], ['14.0', undefined]] as const) {
      const one = server.phone({ version })
      await one.sync({ collections: [{ id: inbox }] })
      const body = el('GetItemEstimate:GetItemEstimate', [el('GetItemEstimate:Collections', [el('GetItemEstimate:Collection', [
        el('AirSync:SyncKey', one.held(inbox).key), el('GetItemEstimate:CollectionId', inbox),
      ])])])
      const answer = await one.command('GetItemEstimate', body)
      const collection = child(children(answer!, 'GetItemEstimate:Response')[0]!, 'GetItemEstimate:Collection')!
      expect(text(collection, 'GetItemEstimate:Class')).toBe(expected)
    }
  })

  it('gives each collection a status of its own', async () => {
    await phone.sync({ collections: [{ id: inbox }] })
    const name = server.account.addFolder('Only a name', { selectable: false })
    await phone.sync({ collections: [{ id: name }] })
    expect(await phone.getItemEstimate([
      { id: inbox }, { id: 'f99', key: '0' }, { id: inbox, key: '0' }, { id: inbox, key: 'nonsense' },
      { id: sent, key: phone.held(inbox).key },
      { id: inbox, filter: 7 }, { id: inbox, filter: 9 }, { id: name },
    ])).toMatchObject([
      { status: '1', estimate: 5 }, { status: '2' }, { status: '3' }, { status: '4' }, { status: '4' }, { status: '110' },
      { status: '103' },
      { status: '1', estimate: 0 },
    ])
  })

  it('of nothing is no request', async () => {
    const { bytes } = await phone.raw('GetItemEstimate', el('GetItemEstimate:GetItemEstimate'))
    expect(text(decode(bytes), 'GetItemEstimate:Status')).toBe('103')
    expect(
      (await server.phone({ version: '12.1' }).raw('GetItemEstimate', el('GetItemEstimate:GetItemEstimate'))).status
    ).toBe(400)
  })
})
