import { el, encodeSync, type Node } from '../../src/wire/wbxml.ts'
import type { Answered } from './http-line.ts'
import { HttpLine } from './http-line.ts'
import { count, texts } from './wbxml-scan.ts'

export type Login = { readonly login: string; readonly password: string }

export type LightPhone = {
  /** Throws for all but HTTP 200. `other`: for another device, over the same connection. */
  ask(command: string, body: Node | Uint8Array, other?: string): Promise<Answered>
  close(): void
}

/** One device on one connection, and on another where that was closed before an answer. `gzip`: takes compressed answers. */
export async function lightPhone(server: { host: string; port: number }, user: Login, device: string, gzip = false): Promise<LightPhone> {
  let line = await HttpLine.open(server.host, server.port), over = false
  const authorization = Buffer.from(`${user.login}:${user.password}`).toString('base64')
  const head = (command: string, id: string): string =>
    `POST /Microsoft-Server-ActiveSync?Cmd=${command}&User=${encodeURIComponent(user.login)}&DeviceId=${id}&DeviceType=Bench HTTP/1.1\r\n` +
    `Host: ${server.host}\r\nAuthorization: Basic ${authorization}\r\nMS-ASProtocolVersion: 14.1\r\n` +
    `Content-Type: application/vnd.ms-sync.wbxml\r\n${gzip ? 'Accept-Encoding: gzip\r\n' : ''}`
  return {
    async ask(command, body, other = device) {
      const octets = body instanceof Uint8Array ? body : encodeSync(body)
      const answer = await line.ask(head(command, other), octets).catch(async (error: unknown) => {
        if (!line.closed || over) throw error
        line = await HttpLine.open(server.host, server.port)
        return line.ask(head(command, other), octets)
      })
      if (answer.status !== 200) throw new Error(`${command}: HTTP ${answer.status}`)
      return answer
    },
    close() {
      over = true
      line.close()
    },
  }
}

/** FolderSync: the id of the inbox. */
export async function inboxOf(phone: LightPhone): Promise<string> {
  const { body } = await phone.ask('FolderSync', el('FolderHierarchy:FolderSync', [el('FolderHierarchy:SyncKey', '0')]))
  const types = texts(body, 'FolderHierarchy:Type')
  const id = texts(body, 'FolderHierarchy:ServerId')[types.indexOf('2')]
  if (!id) throw new Error('no inbox in the hierarchy')
  return id
}

export type SyncWish = { readonly id: string; readonly key: string; readonly window?: number; readonly html?: number; readonly wait?: number }

/** A Sync of one folder; `html` asks for that many octets of HTML bodies, `wait` for news within so many seconds. */
export const syncRequest = ({ id, key, window = 100, html, wait }: SyncWish): Node => el('AirSync:Sync', [
  el('AirSync:Collections', [el('AirSync:Collection', [
    el('AirSync:SyncKey', key),
    el('AirSync:CollectionId', id),
    ...(key === '0' ? [] : [el('AirSync:GetChanges', '1'), el('AirSync:WindowSize', String(window))]),
    ...(html === undefined ? [] : [el('AirSync:Options', [
      el('AirSyncBase:BodyPreference', [el('AirSyncBase:Type', '2'), el('AirSyncBase:TruncationSize', String(html))]),
    ])]),
  ])]),
  ...(wait === undefined ? [] : [el('AirSync:HeartbeatInterval', String(wait))]),
])

export type Window = { readonly key: string; readonly items: number; readonly more: boolean; readonly answer: Answered }

/** Sends a Sync; an empty answer leaves the key as it is. */
export async function syncOnce(phone: LightPhone, wish: SyncWish): Promise<Window> {
  const answer = await phone.ask('Sync', syncRequest(wish))
  const { body } = answer
  if (body.length === 0) return { key: wish.key, items: 0, more: false, answer }
  const wrong = texts(body, 'AirSync:Status').find(status => status !== '1')
  if (wrong) throw new Error(`Sync: Status ${wrong}`)
  const [key = ''] = texts(body, 'AirSync:SyncKey')
  return { key, items: count(body, 'AirSync:Add'), more: count(body, 'AirSync:MoreAvailable') > 0, answer }
}

/** Windows from the beginning to the end; `on` gets each. Answers the key the device then has. */
export async function syncAll(phone: LightPhone, id: string, wish: Partial<SyncWish>, on: (window: Window) => void = () => {}): Promise<string> {
  let { key } = await syncOnce(phone, { ...wish, id, key: '0' })
  for (let more = true; more;) {
    const window = await syncOnce(phone, { ...wish, id, key })
    on(window)
    if (window.more && window.key === key) throw new Error('Sync: more available, and no new key')
    ;({ key, more } = window)
  }
  return key
}
