import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../src/base/failure.ts'
import { el } from '../../src/wire/wbxml.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import type { Phone } from '../support/eas-client.ts'

let server: EasServer
let phone: Phone
let inbox: string, sent: string
beforeEach(async () => {
  server = await easServer({ heartbeat: { min: 1, max: 600 }, pingFolders: 3 })
  phone = server.phone()
  await phone.folderSync('0')
  inbox = phone.folder('Inbox')
  sent = phone.folder('Sent')
})
afterEach(() => server.stop())

/** Until so many requests wait. */
const waiting = async (count: number): Promise<void> => {
  while (server.account.watching !== count) await sleep(2)
}

/** The answer to a Ping that waits until mail comes into that folder. */
const answered = async <T>(answer: Promise<T>, folder: string): Promise<T> => {
  await waiting(1)
  server.account.deliver(folder)
  return answer
}

describe('Ping is answered', () => {
  it('when mail comes, with the folders that have it', async () => {
    const answer = phone.ping([inbox, sent], 600)
    await waiting(1)
    server.account.deliver('inbox')
    expect(await answer).toEqual({ status: '2', folders: [inbox], limit: undefined })
    await waiting(0)
  })

  it('once for what comes together', async () => {
    const answer = phone.ping([inbox, sent], 600)
    await waiting(1)
    server.account.deliver('inbox')
    server.account.deliver('sent')
    expect((await answer).folders.toSorted()).toEqual([inbox, sent].toSorted())
  })

  it('at once for what came since the last Sync', async () => {
    await phone.syncAll(inbox)
    server.account.deliver('inbox')
    expect(await phone.ping([inbox, sent], 600)).toMatchObject({ status: '2', folders: [inbox] })
  })

  it('when the time is over', async () => {
    expect(await phone.ping([inbox], 1)).toMatchObject({ status: '1', folders: [] })
  })

  it('when the server drains', async () => {
    const answer = phone.ping([inbox], 600)
    await waiting(1)
    server.front.drain()
    expect((await answer).status).toBe('1')
  })

  it('when the device asks anew, and the new one goes on waiting', async () => {
    const older = phone.ping([inbox], 600)
    await waiting(1)
    const newer = phone.ping([inbox], 600)
    expect((await older).status).toBe('1')
    await waiting(1)
    server.account.deliver('inbox')
    expect((await newer).status).toBe('2')
  })
})

describe('Ping goes on waiting', () => {
  it('while another device of the same user asks', async () => {
    const mine = phone.ping([inbox], 600)
    const other = server.phone({ deviceId: 'OTHER' })
    const theirs = other.ping([inbox], 600)
    await waiting(2)
    server.account.deliver('inbox')
    expect([(await mine).status, (await theirs).status]).toEqual(['2', '2'])
  })

  it('through the device\'s own changes', async () => {
    const uid = server.account.deliver('inbox')
    server.account.eventDelay = 100
    await phone.syncAll(inbox)
    const [id] = phone.held(inbox).items.keys()
    const answer = phone.ping([inbox], 600)
    await waiting(1)
    await phone.sync({ collections: [{ id: inbox, commands: [{ kind: 'Change', id: id!, read: true }] }] })
    expect(server.account.list('inbox')[0]).toMatchObject({ uid, flags: ['\\Seen'] })
    await sleep(150)
    expect(server.account.watching).toBe(1)
    server.account.deliver('inbox')
    expect((await answer).status).toBe('2')
  })

  it('no longer when the socket closes', async () => {
    const closing = new AbortController()
    const answer = phone.ping([inbox], 600, { signal: closing.signal })
    await waiting(1)
    closing.abort()
    await expect(answer).rejects.toThrow()
    await waiting(0)
  })
})

describe('Ping remembers', () => {
  it('its parameters, whole or in part', async () => {
    await answered(phone.ping([inbox], 600), 'inbox')
    expect((await answered(phone.ping(), 'inbox')).folders).toEqual([inbox])
    const onlyFolders = phone.ping([sent])
    await waiting(1)
    server.account.deliver('inbox')
    server.account.deliver('sent')
    expect((await onlyFolders).folders).toEqual([sent])
    expect((await answered(phone.ping(undefined, 60), 'sent')).folders).toEqual([sent])
  })

  it.each([['nothing', undefined, undefined], ['no folders', undefined, 60], ['no heartbeat', ['f1'], undefined]])(
    'nothing at first, so %s is not enough', async (_, folders, heartbeat) => {
      expect((await phone.ping(folders, heartbeat)).status).toBe('3')
    })
})

describe('Ping refuses', () => {
  it.each([
    ['a heartbeat too short', ['f1'], 0, { status: '5', limit: '1' }],
    ['a heartbeat too long', ['f1'], 999_999, { status: '5', limit: '600' }],
    ['too many folders', ['f1', 'f2', 'f3', 'f4'], 60, { status: '6', limit: '3' }],
    ['a folder that is not there', ['f99'], 60, { status: '7' }],
    ['a folder without an id', [''], 60, { status: '4' }],
  ])('%s', async (_, folders, heartbeat, expected) => {
    expect(await phone.ping(folders, heartbeat)).toMatchObject(expected)
  })

  it('a heartbeat that is no number', async () => {
    const body = el('Ping:Ping', [el('Ping:HeartbeatInterval', 'soon')])
    expect(Buffer.from((await phone.raw('Ping', body)).bytes).toString('latin1')).toContain('4')
  })

  it('with an error to be retried when the mail server breaks off', async () => {
    server.account.outage = new Failure('unavailable', 'gone')
    expect((await phone.ping([inbox], 600)).status).toBe('8')
  })
})

it('Ping asks once for a FolderSync when there is another hierarchy', async () => {
  server.account.addFolder('New')
  expect((await phone.ping([inbox], 1)).status).toBe('7')
  expect((await answered(phone.ping([inbox], 60), 'inbox')).status).toBe('2')
  expect((await phone.folderSync()).changes).toEqual(['Add New'])
  expect((await answered(phone.ping([inbox], 60), 'inbox')).status).toBe('2')
})

it('Ping passes over folders that only hold others', async () => {
  const name = server.account.addFolder('Only a name', { selectable: false })
  await phone.folderSync()
  expect((await answered(phone.ping([name, inbox], 60), 'inbox')).folders).toEqual([inbox])
})
