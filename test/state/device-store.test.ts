import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DeviceStore, Orders, Seen, Sighting } from '../../src/base/devices.ts'
import { deviceKey } from '../../src/base/devices.ts'
import { Failure } from '../../src/base/failure.ts'
import { deviceFolder } from '../../src/state/device-file.ts'
import { joined, parseRecords, printRecords, readOrders, readSeen, sighted } from '../../src/state/device-records.ts'
import { deviceRedis } from '../../src/state/device-redis.ts'
import { deviceStore } from '../../src/state/device-store.ts'
import { mutations } from '../support/fuzz.ts'
import { keptLog } from '../support/http.ts'
import { openGround, type Ground } from '../support/house.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'

const ann = { user: 'Ann', id: 'PHONE1' }
const at = 1_800_000_000_000
const sighting = { ...ann, type: 'T', agent: 'A/1', version: '16.1', waits: false, at, command: 'Sync', status: '1', folders: 3 }
const block = (now: Orders | undefined): Orders => ({ ...(now ?? ann), decision: { access: 'block', by: 'me', at } })
const secret = Buffer.from('the secret of a site, long enough')

let ground: Ground
let redis: RedisServer
const folders: string[] = []
const folder = (): string => folders[folders.push(mkdtempSync(join(tmpdir(), 'postern-devices-'))) - 1]!
beforeAll(async () => {
  ground = openGround()
  redis = await startRedis(ground)
})
afterAll(async () => {
  await ground.close()
  for (const one of folders) rmSync(one, { recursive: true, force: true })
})

const log = keptLog()
let sites = 0
const places: [string, () => () => Promise<DeviceStore>][] = [
  ['a folder', () => {
    const dir = folder()
    return async () => deviceStore(await deviceFolder(dir, log), log, 50)
  }],
  ['a shared cache', () => {
    const prefix = `p${++sites}:`
    return async () => deviceStore(await deviceRedis({ url: redis.url, password: redis.password, prefix }, secret, log), log, 50)
  }],
]

describe.each(places)('devices kept in %s', (_, site) => {
  it('are the same for two processes, orders within a second, and after a restart', async () => {
    const open = site(), one = await open(), other = await open()
    const heard: string[] = []
    other.onChange(key => heard.push(deviceKey(key)))
    expect(one.orders(ann)).toBeUndefined()
    await one.change(ann, block)
    expect(one.orders({ user: 'ann', id: 'PHONE1' })?.decision?.access).toBe('block')
    await expect.poll(() => other.orders(ann)?.decision?.access, { timeout: 1500 }).toBe('block')
    expect(heard).toEqual([deviceKey(ann)])
    one.saw({ ...sighting, synced: ['7 inbox'] })
    other.saw({ ...sighting, at: at + 1, status: '3', resync: '7: stale', synced: ['8 calendar', '7 inbox'] })
    await Promise.all([one.close(), other.close()])
    const later = await open()
    expect(await later.devices()).toEqual([{ orders: block(undefined), seen: {
      ...ann, type: 'T', agent: 'A/1', version: '16.1', firstSeen: at, lastSeen: at + 1, lastSync: at, folders: 3, waits: false,
      statuses: expect.toSatisfy((list: Seen['statuses']) => list.length === 2), resyncs: [[at + 1, '7: stale']],
      synced: [[at + 1, '7 inbox'], [at + 1, '8 calendar']],
    } }])
    await later.change(ann, () => undefined)
    expect((await later.device(ann))?.orders).toBeUndefined()
    await later.close()
  })

  it('lose no change that comes with others at the same time', async () => {
    const open = site(), stores = await Promise.all([open(), open(), open()])
    await Promise.all(Array.from({ length: 30 }, (_, n) => stores[n % 3]!.change(ann, now => ({ ...(now ?? ann), resync: { ...now?.resync, [n]: n } }))))
    await Promise.all(Array.from({ length: 30 }, (_, n) => stores[n % 3]!.change({ user: 'bob', id: `D${n}` }, () => ({ user: 'bob', id: `D${n}`, decision: { access: 'allow', by: 'me', at } }))))
    const devices = await stores[0]!.devices()
    expect(devices.length).toBe(31)
    expect(Object.keys(devices.find(({ orders }) => orders?.user === 'Ann')!.orders!.resync!).length).toBe(30)
    await Promise.all(stores.map(store => store.close()))
  })

  it('lose nothing of many devices that are seen by several processes at the same time', async () => {
    const open = site(), stores = await Promise.all([open(), open(), open()])
    for (const [n, store] of stores.entries()) {
      for (let device = 0; device < 250; device++) for (let time = 0; time < 3; time++) store.saw({ ...sighting, id: `D${device}`, at: at + 10 * time + n, status: `${n}${time}` })
    }
    await Promise.all(stores.map(store => store.close()))
    const later = await open(), seen = (await later.devices()).map(one => one.seen!)
    expect(seen.length).toBe(250)
    for (const one of seen) {
      expect(one.statuses).toEqual([0, 1, 2].flatMap(time => [0, 1, 2].map(n => [at + 10 * time + n, 'Sync', `${n}${time}`])))
      expect([one.firstSeen, one.lastSeen]).toEqual([at, at + 22])
    }
    await later.close()
  })

  it('keep what is traced', async () => {
    const store = await site()()
    store.trace(ann, 'one\ntwo')
    store.trace({ ...ann, id: 'OTHER' }, 'three')
    expect(await store.traced(ann)).toEqual(['one\ntwo'])
    await store.close()
  })
})

describe('what was seen', () => {
  /** Writes of a store whose place says what each cost, and does something else meanwhile. */
  async function writes(cost: (own: number) => number, meanwhile = () => {}) {
    const place = await deviceFolder(folder(), log)
    let written = 0
    const store = await deviceStore({
      ...place,
      async add(seen) {
        meanwhile()
        const own = await place.add(seen)
        written++
        return cost(own)
      },
    }, log, 400)
    return { store, written: () => written }
  }

  it('is written down soon, whatever else the process does meanwhile', async () => {
    const { store, written } = await writes(own => own, () => {
      for (const before = process.cpuUsage().user; process.cpuUsage().user < before + 50_000;) JSON.stringify(process.env)
    })
    for (const times of [1, 2, 3]) {
      store.saw({ ...sighting, at: at + times })
      await expect.poll(written).toBe(times)
    }
    await store.close()
  })

  it('waits longer for the next write where one computed much', async () => {
    const { store, written } = await writes(() => 50)
    store.saw(sighting)
    await expect.poll(written).toBe(1)
    store.saw({ ...sighting, at: at + 1 })
    await sleep(1000)
    expect(written()).toBe(1)
    await store.close()
    expect(written()).toBe(2)
  })
})

it('what was seen in pieces is what was seen in one', () => {
  const moment = fc.record({
    status: fc.constantFrom('1', '', '3'), command: fc.constantFrom('Sync', 'Ping'), waits: fc.boolean(), folders: fc.integer({ min: 1, max: 5 }), fresh: fc.boolean(),
    synced: fc.option(fc.array(fc.integer({ min: 1, max: 40 }).map(n => `${n} mail`), { maxLength: 8 }), { nil: undefined }),
  })
  const all = (some: readonly Sighting[]) => some.reduce<Seen | undefined>(sighted, undefined)
  fc.assert(fc.property(fc.array(moment, { maxLength: 30 }), fc.nat(30), (moments, cut) => {
    const seen = moments.map(({ fresh, synced, ...one }, n) => ({ ...sighting, ...one, at: at + n, ...(synced ? { synced } : {}), ...(fresh ? { resync: `r${n}` } : {}) }))
    const before = all(seen.slice(0, cut)), since = all(seen.slice(cut))
    expect(since ? joined(before, since) : before).toEqual(all(seen))
  }))
})

describe('a folder of devices', () => {
  it('whose orders are broken ends the start, and stays as it is', async () => {
    const dir = folder()
    writeFileSync(join(dir, 'orders.json'), '{"version":1,"devices":[{]')
    await expect(deviceFolder(dir, log).then(place => deviceStore(place, log))).rejects.toThrow(/orders\.json cannot be understood: it is no JSON\. Mend it/)
    expect(readFileSync(join(dir, 'orders.json'), 'utf8')).toBe('{"version":1,"devices":[{]')
  })

  it('whose orders break later goes on by what it knows, and keeps the broken file aside', async () => {
    const dir = folder(), store = await deviceStore(await deviceFolder(dir, log), log)
    await store.change(ann, block)
    writeFileSync(join(dir, 'orders.json'), 'broken')
    await sleep(1200)
    expect(store.orders(ann)?.decision?.access).toBe('block')
    await store.change({ user: 'bob', id: 'B' }, () => ({ user: 'bob', id: 'B', decision: { access: 'allow', by: 'me', at } }))
    const aside = readdirSync(dir).find(name => name.startsWith('orders.json.broken-'))!
    expect(readFileSync(join(dir, aside), 'utf8')).toBe('broken')
    expect([...parseRecords(readFileSync(join(dir, 'orders.json'), 'utf8'), readOrders).keys()].sort()).toEqual([deviceKey(ann), deviceKey({ user: 'bob', id: 'B' })].sort())
    await store.close()
  })

  it('whose list of what was seen is broken keeps it aside and begins anew', async () => {
    const dir = folder(), first = await deviceStore(await deviceFolder(dir, log), log)
    first.saw(sighting)
    await first.close()
    const file = readdirSync(dir).find(name => /^seen-\d\d\.json$/.test(name))!
    writeFileSync(join(dir, file), 'broken')
    const store = await deviceStore(await deviceFolder(dir, log), log)
    store.saw({ ...sighting, at: at + 5 })
    expect((await store.device(ann))?.seen?.firstSeen).toBe(at + 5)
    expect(readdirSync(dir).some(name => name.startsWith(`${file}.broken-`))).toBe(true)
    await store.close()
  })

  it('is nobody\'s to read but the owner\'s, and takes the lock of a process that died', async () => {
    const dir = folder(), store = await deviceStore(await deviceFolder(dir, log), log)
    const { pid } = spawnSync('true')
    writeFileSync(join(dir, 'orders.lock'), `${pid} ${execFileSync('hostname').toString().trim()} x`)
    const begun = performance.now()
    await store.change(ann, block)
    // Nobody's lock is taken after ten seconds, a dead process's at once.
    expect(performance.now() - begun).toBeLessThan(8000)
    expect(statSync(join(dir, 'orders.json')).mode & 0o77).toBe(0)
    await store.close()
  })
})

it('orders that a shared cache lost are put back by who knows them', async () => {
  const store = await deviceStore(await deviceRedis({ url: redis.url, password: redis.password, prefix: 'lost:' }, secret, log), log)
  await store.change(ann, block)
  const hand = redis.client()
  await hand.connect()
  await hand.del('lost:devices:orders', 'lost:devices:mark')
  await expect.poll(() => hand.hlen('lost:devices:orders'), { timeout: 3000 }).toBe(1)
  expect(store.orders(ann)?.decision?.access).toBe('block')
  hand.disconnect()
  await store.close()
})

it('orders that a shared cache lost are put back also where a process that knew none was the first to order something, and once', async () => {
  const hand = redis.client()
  await hand.connect()
  const server = { url: redis.url, password: redis.password, prefix: 'anew:' }, bob = { user: 'bob', id: 'PHONE2' }
  const [one, away] = [await deviceRedis(server, secret, log), await deviceRedis(server, secret, log)]
  const namesOf = async (place: typeof one): Promise<string[]> => [...(await place.orders()).values()].map(({ user }) => user).sort()
  await one.change(ann, block)
  for (const place of [one, away]) expect(await namesOf(place)).toEqual(['Ann'])
  await hand.del('anew:devices:orders', 'anew:devices:mark')
  const late = await deviceRedis(server, secret, log)
  expect(await namesOf(late)).toEqual([])
  await late.change(bob, now => ({ ...block(now), ...bob }))
  expect(await namesOf(one)).toEqual(['Ann', 'bob'])
  expect(await namesOf(late)).toEqual(['Ann', 'bob'])
  // What is taken back from then on is not put back by who comes last.
  await one.change(ann, () => undefined)
  expect(await namesOf(away)).toEqual(['bob'])
  expect(await namesOf(late)).toEqual(['bob'])
  hand.disconnect()
  for (const place of [one, away, late]) place.close()
})

it('what is kept is read back, and of 20,000 broken copies each is a value or a Failure', () => {
  const orders: Orders = {
    ...block(undefined), removed: { by: 'Ann', at }, pending: { at, mails: 1, told: true },
    wipe: { kind: 'account', state: 'told', by: 'x', own: true, at, changed: at },
    resync: { 7: at }, trace: { until: at, by: 'x' },
  }
  const seen = sighted(sighted(undefined, sighting), { ...sighting, at: at + 1, resync: 'r' })
  const samples = [printRecords(new Map([['a', orders]])), printRecords(new Map([['a', seen]]))]
  expect([...parseRecords(samples[0]!, readOrders).values()]).toEqual([orders])
  expect([...parseRecords(samples[1]!, readSeen).values()]).toEqual([seen])
  let values = 0
  for (const octets of mutations(samples.map(text => Buffer.from(text)), 20_000, 7)) {
    for (const read of [readOrders, readSeen]) {
      try {
        parseRecords(Buffer.from(octets).toString(), read)
        values++
      } catch (error) {
        if (!(error instanceof Failure)) throw error
      }
    }
  }
  expect(values).toBeGreaterThan(100)
})
