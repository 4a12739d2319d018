import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { appendFile, mkdir, open, readFile, rename, rm, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { deviceKey, type DeviceKey, type Orders, type Seen } from '../base/devices.ts'
import { Failure } from '../base/failure.ts'
import type { Log } from '../base/log.ts'
import { meter } from '../base/meter.ts'
import { longestTraced, mostOrders, mostSeen, mostTraced, traceSeconds, type DevicePlace } from './device-place.ts'
import { joined, newest, parseRecords, printRecords, readOrders, readSeen, withoutNothing } from './device-records.ts'
import { locked, type Held } from './file-lock.ts'

/** Octets of a file that is read. */
const largest = 64 * 1024 ** 2
/** What was seen lies in several files, so that writing one takes a millisecond and not a hundred; and what locking and renaming one takes. */
const shards = 32, perFile = 1

/**
 * A folder that the processes of a host share, or of several hosts where the file system has rename and exclusive creation. Orders are
 * written whole to another file, flushed to the disk and renamed over the former, under a lock: a crash leaves the one or the other. Orders
 * that cannot be read end the start; what was seen and cannot be read is kept aside, and begun anew.
 */
export async function deviceFolder(folder: string, log: Log, most = mostSeen): Promise<DevicePlace> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new Failure('unavailable', `${folder} cannot be made`, { cause })
  })
  const ordersFile = join(folder, 'orders.json')
  const seenFile = (key: DeviceKey | number): string => join(folder, `seen-${String(typeof key === 'number' ? key : shardOf(key)).padStart(2, '0')}.json`)
  const traceFile = (key: DeviceKey): string => join(folder, `trace-${digest(key).toString('hex').slice(0, 32)}.ndjson`)
  let stamp = '', known: Map<string, Orders> | undefined, complained = ''

  async function readAll(): Promise<Map<string, Orders>> {
    const now = await stampOf(ordersFile)
    if (known && now === stamp) return known
    try {
      known = parseRecords((await read(ordersFile)) ?? printRecords(new Map()), readOrders)
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== 'malformed') throw error
      const why = `${ordersFile} cannot be understood: ${error.message}. Mend it, or move it away and order anew what was in it`
      // Nobody is let in because of a broken file: what this process knows goes on.
      if (!known) throw new Failure('malformed', why, { cause: error })
      if (complained !== now) log.error({ why }, 'orders for devices are broken')
      complained = now
    }
    stamp = now
    return known
  }

  async function seenIn(file: string, cost = meter()): Promise<Map<string, Seen>> {
    const text = await read(file)
    if (text === undefined) return new Map()
    try {
      return cost.of(() => parseRecords(text, readSeen))
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      const aside = await keptAside(file)
      log.error({ why: error.message, file, aside }, 'what was seen of devices is broken and begins anew')
      return new Map()
    }
  }

  return {
    orders: readAll,

    change: (key, change) => locked(join(folder, 'orders.lock'), async held => {
      const all = await readAll(), name = deviceKey(key), before = all.get(name)
      const after = withoutNothing(change(before))
      if (after === before) return before
      if (!before && after && all.size >= mostOrders) throw new Failure('quota', `there are orders for ${mostOrders} devices already`)
      const next = new Map(all)
      if (after) next.set(name, after)
      else next.delete(name)
      if (complained === stamp && complained) log.warn({ aside: await keptAside(ordersFile) }, 'the broken file is kept')
      await write(ordersFile, printRecords(next), held)
      return after
    }),

    async seen() {
      const all: [string, Seen][] = []
      for (let n = 0; n < shards; n++) all.push(...await seenIn(seenFile(n)))
      return new Map(all)
    },

    seenOf: async key => (await seenIn(seenFile(key))).get(deviceKey(key)),

    async add(seen) {
      const byFile = Map.groupBy(seen, seenFile), cost = meter()
      for (const [file, some] of byFile) {
        await locked(`${file}.lock`, async held => {
          const all = await seenIn(file, cost)
          await write(file, cost.of(() => {
            for (const one of some) all.set(deviceKey(one), joined(all.get(deviceKey(one)), one))
            return printRecords(newest(all, Math.ceil(most / shards)))
          }), held, false)
        })
      }
      return cost.spent + byFile.size * perFile
    },

    async trace(key, lines) {
      const file = traceFile(key)
      const { size, mtimeMs } = await stat(file).catch(() => ({ size: 0, mtimeMs: Date.now() }))
      if (Date.now() - mtimeMs > traceSeconds * 1000) await unlink(file).catch(() => {})
      else if (size > mostTraced) return
      await appendFile(file, lines.map(line => `${JSON.stringify(line.slice(0, longestTraced))}\n`).join(''), { mode: 0o600 })
    },

    async traced(key) {
      const lines = (await read(traceFile(key)) ?? '').split('\n').filter(Boolean)
      return lines.flatMap(line => {
        try {
          const value = JSON.parse(line) as unknown
          return typeof value === 'string' ? [value] : []
        } catch {
          return [] // cut off by a crash
        }
      })
    },

    close() {},
  }
}

const digest = (key: DeviceKey): Buffer => createHash('sha256').update(deviceKey(key)).digest()
const shardOf = (key: DeviceKey): number => digest(key).readUInt32BE() % shards

async function read(file: string): Promise<string | undefined> {
  try {
    const { size } = await stat(file)
    if (size > largest) throw new Failure('malformed', `${file} has more than ${largest} octets`)
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Failure('unavailable', `${file} cannot be read`, { cause })
  }
}

async function stampOf(file: string): Promise<string> {
  try {
    const { ino, mtimeNs, size } = await stat(file, { bigint: true })
    return `${ino} ${mtimeNs} ${size}`
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return 'none'
    throw new Failure('unavailable', `${file} cannot be read`, { cause })
  }
}

async function keptAside(file: string): Promise<string> {
  const aside = `${file}.broken-${new Date().toISOString().replace(/[^\dTZ]/g, '')}`
  await rename(file, aside).catch((cause: unknown) => {
    throw new Failure('unavailable', `${file} cannot be moved away`, { cause })
  })
  return aside
}

/** Whole or not at all; on the disk when it resolves, if it is to last. */
async function write(file: string, text: string, held: Held, lasting = true): Promise<void> {
  const next = `${file}.${process.pid}.next`
  try {
    const handle = await open(next, 'w', 0o600)
    try {
      await handle.writeFile(text)
      if (lasting) await handle.sync()
    } finally {
      await handle.close()
    }
    await held.sure()
    await rename(next, file)
    if (lasting) await syncFolder(join(file, '..'))
  } catch (cause) {
    await rm(next, { force: true }).catch(() => {})
    throw cause instanceof Failure ? cause : new Failure('unavailable', `${file} cannot be written`, { cause })
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
