import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { el, encodeSync } from '../../src/wire/wbxml.ts'
import { Phone } from './eas-client.ts'
import type { House, Who } from './live.ts'
import type { User } from './users.ts'

export type Traffic = {
  /** What was refused, cut, or answered with something a phone has to be told twice. Empty, if all is well. */
  readonly failures: string[]
  /** Requests that were answered as they should. */
  readonly counts: { kept: number; fresh: number; waits: number }
  stop(): Promise<void>
}

/**
 * Phones that never rest: some on connections they keep, some on a new one for each request, and some that only wait and ask anew
 * whenever they are answered. Settles when each has been served once.
 */
export async function startTraffic(house: House, url: string, users: readonly Who[]): Promise<Traffic> {
  const failures: string[] = [], counts = { kept: 0, fresh: 0, waits: 0 }
  const phones: Phone[] = []
  let over = false

  async function phoneOf(who: Who, kind: string): Promise<Phone> {
    const { login, password } = house.user(who)
    const phone = new Phone({ url, user: login, password, deviceId: `${kind}${phones.length}` })
    phones.push(phone)
    await phone.folderSync('0')
    await phone.syncAll(phone.folder('2'))
    return phone
  }
  async function go(phone: Phone, kind: keyof typeof counts): Promise<void> {
    const inbox = phone.folder('2')
    const ask = kind === 'waits'
      ? async () => (await phone.ping([inbox], 600)).status
      : async () => (await phone.sync({ collections: [{ id: inbox }], ...(kind === 'fresh' ? { overrides: { headers: { connection: 'close' } } } : {}) })).status || '1'
    while (!over) {
      const status = await ask().catch((error: unknown) => `${(error as NodeJS.ErrnoException).code ?? ''} ${(error as Error).message}`)
      if (over) break
      if (status === '1' || (kind === 'waits' && status === '2')) counts[kind]++
      else failures.push(`${kind} ${phone.options.deviceId}: ${status}`)
      if (kind !== 'waits' || status !== '1') await sleep(10 + Math.random() * 60)
    }
  }

  const kinds = ['kept', 'fresh', 'waits'] as const
  const running: Promise<void>[] = []
  for (const who of users) for (const kind of kinds) running.push(go(await phoneOf(who, kind), kind))
  return {
    failures, counts,
    async stop() {
      over = true
      for (const phone of phones) phone.close()
      await Promise.all(running)
    },
  }
}

/** SendMail of so many octets that takes its time; what it was answered. */
export async function sendSlowly(url: string, user: User, subject: string, octets: number, milliseconds: number): Promise<string> {
  const line = `${'x'.repeat(76)}\r\n`
  const mime = Buffer.from(`From: ${user.address}\r\nTo: ${user.address}\r\nSubject: ${subject}\r\n\r\n${line.repeat(Math.ceil(octets / line.length))}`)
  const body = encodeSync(el('ComposeMail:SendMail', [
    el('ComposeMail:ClientId', subject), el('ComposeMail:SaveInSentItems'), el('ComposeMail:Mime', mime),
  ]))
  const query = new URLSearchParams({ Cmd: 'SendMail', User: user.login, DeviceId: `SENDER${subject}`.replace(/\W/g, ''), DeviceType: 'TestPhone' })
  const request = (url.startsWith('https:') ? https : http).request(`${url}/Microsoft-Server-ActiveSync?${query}`, {
    method: 'POST', agent: false, rejectUnauthorized: false, auth: `${user.login}:${user.password}`,
    headers: { 'ms-asprotocolversion': '16.1', 'content-type': 'application/vnd.ms-sync.wbxml', 'content-length': String(body.length) },
  })
  const answer = once(request, 'response') as Promise<[http.IncomingMessage]>
  try {
    const [[response]] = await Promise.all([answer, pipeline(pieces(body, milliseconds), request)])
    const { length } = await buffer(response)
    return `HTTP ${response.statusCode}, ${length} octets`
  } catch (error) {
    return (error as Error).message
  }
}

async function* pieces(octets: Uint8Array, milliseconds: number): AsyncGenerator<Uint8Array> {
  const count = 50, size = Math.ceil(octets.length / count)
  for (let at = 0; at < octets.length; at += size) {
    // Not after the last one: an answer that ends the connection would come before the end of the request.
    await sleep(milliseconds / count)
    yield octets.subarray(at, at + size)
  }
}
