import { setTimeout as sleep } from 'node:timers/promises'
import type { House } from '../support/live.ts'
import { startHouse } from '../support/live.ts'
import { configuration, linesOf, startPostern, type Postern } from '../support/postern.ts'
import { HOST } from '../support/house.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import type { Ledger } from './ledger.ts'
import { Taps } from './taps.ts'

export const lines = ['phones', 'imap', 'smtp', 'dav', 'redis'] as const
export type Line = (typeof lines)[number]

/** One Postern, and a breakable line from it to everything. */
export type Place = {
  readonly number: number
  readonly postern: Postern
  /** Where phones find it. */
  readonly url: string
  readonly line: Readonly<Record<Line, TcpProxy>>
}

/** All that runs: the servers, a Postern of two workers and one of one process. */
export type Site = { readonly house: House; readonly ledger: Ledger; readonly taps: Taps; readonly places: readonly [Place, Place]; close(): Promise<void> }

export const secret = 'what both processes of the chaos share, and the test that looks at their cache'

export type SiteOptions = { readonly users: number; readonly settings?: object }

export async function startSite({ users, settings = {} }: SiteOptions, ledger: Ledger): Promise<Site> {
  const house = await startHouse({
    users, radicale: true, redis: true, exim: { retrySeconds: 2 }, dovecot: { specialUse: 'created', idleSeconds: 1 },
  })
  const taps = new Taps(ledger)
  const open = async (number: number, workers: number | undefined): Promise<Place> => {
    const port = (to: { port: number }) => TcpProxy.start({ host: HOST, port: to.port })
    const dav = await port({ port: Number(new URL(house.dav.url).port) })
    const [imap, smtp, redis] = await Promise.all([port(house.imap), port(house.submission), port(house.redis)])
    taps.imap(imap, number)
    taps.smtp(smtp, number)
    taps.redis(redis, number)
    const [direct] = configuration(house, HOST, 0).backends
    const postern = await startPostern(house, {
      ...(workers ? { workers } : {}),
      settings: {
        secret,
        backends: [{
          ...direct, imap: { ...direct!.imap, port: imap.port }, smtp: { ...direct!.smtp, port: smtp.port },
          dav: { url: `http://${HOST}:${dav.port}/`, pollSeconds: 5 },
        }],
        sessions: { timeoutSeconds: 10, idleSeconds: 20 },
        eas: { heartbeat: { min: 1, max: 3540 } },
        cache: { shared: { url: `redis://${HOST}:${redis.port}`, password: house.redis.password } },
        drain: { seconds: 8 },
        ...settings,
      },
    })
    const phones = await port(postern)
    return { number, postern, url: `http://${HOST}:${phones.port}`, line: { phones, imap, smtp, dav, redis } }
  }
  try {
    const places = [await open(0, 2), await open(1, undefined)] as const
    return {
      house, ledger, taps, places,
      async close() {
        for (const { postern } of places) await postern.stop()
        for (const place of places) for (const line of lines) await place.line[line].close()
        await house.stop()
      },
    }
  } catch (error) {
    await house.stop()
    throw error
  }
}

/** New workers, or a new configuration where there are none. */
export async function reload({ postern }: Place): Promise<boolean> {
  const before = linesOf(postern, 'configuration reloaded').length
  process.kill(postern.pid, 'SIGHUP')
  for (let waited = 0; waited < 600; waited++) {
    await sleep(100)
    if (linesOf(postern, 'configuration reloaded').length > before) return true
  }
  return false
}
