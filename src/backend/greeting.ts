import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import type { Endpoint } from './connect.ts'

/** Milliseconds a server has to greet, and from one try to the next. */
const patience = 5000, between = 1000

/** Settles when one of these IMAP servers greets: RFC 9051, Server Responses - Greeting. Tries until then, or until `over`. */
export async function untilGreeted(servers: readonly Endpoint[], over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const greeted = await Promise.any(servers.map(greeting)).catch(() => false)
    if (greeted) return
    await sleep(between, undefined, { signal: over }).catch(() => {})
  }
}

function greeting({ host, port, security, rejectUnauthorized, ca }: Endpoint): Promise<true> {
  return new Promise((resolve, reject) => {
    const options = { host, port, timeout: patience }
    const socket = security === 'tls'
      ? tls.connect({ ...options, servername: net.isIP(host) ? '' : host, ...(ca ? { ca } : {}), ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }) })
      : net.connect(options)
    const late = setTimeout(() => socket.destroy(new Error('no greeting')), patience)
    socket.once('data', octets => {
      socket.destroy()
      if (/^\* (OK|PREAUTH)/i.test(octets.toString('latin1'))) resolve(true)
      else reject(new Error('no greeting of IMAP'))
    })
    socket.once('error', reject).once('close', () => {
      clearTimeout(late)
      reject(new Error('no greeting'))
    })
  })
}
