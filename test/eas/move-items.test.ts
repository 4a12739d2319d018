import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { el } from '../../src/wire/wbxml.ts'
import { decode, text } from '../../src/wire/wbxml.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import type { Phone } from '../support/eas-client.ts'

let server: EasServer
let phone: Phone
let inbox: string, trash: string, sent: string
beforeEach(async () => {
  server = await easServer()
  phone = server.phone()
  for (const n of [1, 2, 3]) server.account.deliver('inbox', `Subject: number ${n}\n\nx\n`)
  await phone.folderSync('0')
  ;[inbox, trash, sent] = ['Inbox', 'Trash', 'Sent'].map(name => phone.folder(name)) as [string, string, string]
  await phone.syncAll(inbox)
})
afterEach(() => server.stop())

const idOf = (subject: string): string => [...phone.held(inbox).items.values()].find(item => item.subject === subject)!.id

describe('MoveItems', () => {
  it('moves, says the new id, and neither folder tells this phone of it', async () => {
    await phone.syncAll(trash)
    const [moved] = await phone.moveItems([{ id: idOf('number 2'), from: inbox, to: trash }])
    expect(moved).toMatchObject({ status: '3', newId: `${trash}:1:1` })
    expect(server.account.list('trash').map(one => one.text)).toEqual(['Subject: number 2\r\n\r\nx\r\n'])
    await phone.syncAll(trash)
    await phone.syncAll(inbox)
    expect(phone.held(trash).duplicates).toEqual([])
    expect([...phone.held(trash).items.keys()]).toEqual([moved!.newId])
    expect(phone.held(inbox).items.size).toBe(2)
  })

  it('is one command at the server for each pair of folders', async () => {
    server.account.calls.length = 0
    const results = await phone.moveItems([
      { id: idOf('number 1'), from: inbox, to: trash }, { id: idOf('number 2'), from: inbox, to: sent },
      { id: idOf('number 3'), from: inbox, to: trash },
    ])
    expect(results.map(({ status, newId }) => [status, newId])).toEqual(
      [['3', `${trash}:1:1`], ['3', `${sent}:1:1`], ['3', `${trash}:1:2`]]
    )
    expect(server.account.calls.filter(call => call === 'move')).toHaveLength(2)
  })

  it('repeated gives the same answer and moves nothing twice', async () => {
    const move = { id: idOf('number 1'), from: inbox, to: trash }
    const first = await phone.moveItems([move])
    expect(await phone.moveItems([move])).toEqual(first)
    expect(server.account.list('trash')).toHaveLength(1)
  })

  it('repeated without memory says that the item is not where it was', async () => {
    const move = { id: idOf('number 1'), from: inbox, to: trash }
    await phone.moveItems([move])
    server.forget()
    expect(await phone.moveItems([move])).toMatchObject([{ status: '1' }])
  })

  it('gives each item a status of its own', async () => {
    const name = server.account.addFolder('Only a name', { selectable: false })
    const id = idOf('number 1')
    const results = await phone.moveItems([
      { id: 'nonsense', from: inbox, to: trash },
      { id: `${inbox}:1:zz`, from: inbox, to: trash },
      { id: `${inbox}:9:1`, from: inbox, to: trash },
      { id, from: sent, to: trash },
      { id, from: 'f99', to: trash },
      { id, from: inbox, to: 'f99' },
      { id, from: inbox, to: name },
      { id, from: inbox, to: inbox },
      { id, from: inbox, to: trash },
    ])
    expect(results.map(({ status }) => status)).toEqual(['1', '1', '1', '1', '1', '2', '2', '4', '3'])
  })

  it.each([
    ['nothing to move', []],
    ['a move without a destination', [el('Move:Move', [el('Move:SrcMsgId', 'a'), el('Move:SrcFldId', 'b')])]],
  ])('refuses %s', async (_, moves) => {
    const { bytes } = await phone.raw('MoveItems', el('Move:MoveItems', moves))
    expect(text(decode(bytes), 'Move:Status')).toBe('5')
  })
})
