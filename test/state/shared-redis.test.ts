// What a Valkey or Redis beside the processes adds to their own memory, and what it cannot do to them.
import type { Redis } from 'ioredis'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { davLists } from '../../src/backend/dav-lists.ts'
import { silent, type Log } from '../../src/base/log.ts'
import type { FolderId } from '../../src/model/folder.ts'
import { parseObjectKey, printObjectKey } from '../../src/state/object-key.ts'
import { redisTrouble } from '../../src/state/redis-line.ts'
import { sealing } from '../../src/state/sealed-value.ts'
import { redisShared } from '../../src/state/shared-redis.ts'
import { keepHierarchy, recallHierarchy } from '../../src/state/snapshot.ts'
import { makeCertificate } from '../support/certificate.ts'
import { openGround, type Ground } from '../support/house.ts'
import { emptyMemory } from '../support/memories.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

let ground: Ground, server: RedisServer, raw: Redis
const open: { close(): void }[] = []
beforeAll(async () => {
  ground = openGround()
  server = await startRedis(ground)
  raw = server.client()
  await raw.connect()
})
afterAll(async () => {
  raw?.disconnect()
  await ground?.close()
})
afterEach(() => { for (const one of open.splice(0)) one.close() })

const secret = Buffer.from('the secret of a site')

async function another({ own = emptyMemory(), log = silent as Log, patience = 5000, url = server.url, of = secret, prefix = 'postern:' } = {}) {
  const shared = await redisShared({ url, password: server.password, prefix }, { secret: of, own, log, patience })
  open.push(shared)
  return shared
}

const took = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await work()
  return performance.now() - began
}

describe('two processes of a site', () => {
  it('know what the other one kept', async () => {
    const [one, two] = [await another(), await another()]
    await one.keep('move:anna/1', { to: 'f1', id: 'f1:1:1' }, { seconds: 60 })
    expect(await two.recall('move:anna/1')).toEqual({ to: 'f1', id: 'f1:1:1' })
    await two.keep('move:anna/1', { to: 'f2', id: 'f2:1:1' }, { seconds: 60 })
    expect(await one.recall('move:anna/1')).toEqual({ to: 'f2', id: 'f2:1:1' })
  })

  it('take turns, and one that died holds nothing up for long', async () => {
    const [one, two] = [await another(), await another()]
    const hold = await one.hold('sent:anna/a')
    expect(await two.hold('sent:anna/a')).toBeUndefined()
    hold!.release()
    await expect.poll(async () => await two.hold('sent:anna/a') !== undefined).toBe(true)
    await one.hold('sent:anna/b')
    const [key] = await raw.keys('postern:1:hold:*').then(keys => keys.slice(-1))
    const left = await raw.pttl(key!)
    expect(left).toBeGreaterThan(5000)
    expect(left).toBeLessThanOrEqual(10_000)
  })

  it('leave a hold alone that another process has by now', async () => {
    const [one, two] = [await another(), await another()]
    const old = await one.hold('sent:anna/c')
    for (const key of await raw.keys('postern:1:hold:*')) await raw.del(key)
    expect(await two.hold('sent:anna/c')).toBeDefined()
    old!.release()
    await sleep(50)
    expect(await raw.keys('postern:1:hold:*')).toHaveLength(1)
  })

  it('go on from a sync key whose token had no room in it', async () => {
    const [one, two] = [await another(), await another()]
    const owner = { secret, account: 'anna' }, book = 'b.AAAAAAAAAAA' as FolderId
    const cursor = { token: `a token of ${'x'.repeat(500)}`, since: 0, pass: undefined }
    const key = await printObjectKey(owner, one, book, { cursor, options: undefined, supportsAll: true })
    expect((await parseObjectKey(owner, two, book, key)).cursor).toEqual(cursor)
    await expect(parseObjectKey(owner, emptyMemory(), book, key)).rejects.toMatchObject({ kind: 'stale' })
  })

  it('go on from a hierarchy that a phone was told of', async () => {
    const [one, two] = [await another(), await another()]
    const [then, now] = [['Old'], ['Old', 'New']].map(names => names.map(name => ({ id: `f.${name}` as FolderId, parent: '0', name, type: '12' })))
    const key = await keepHierarchy({ shared: one, secret, account: 'anna' }, then!)
    expect(await recallHierarchy({ shared: two, secret, account: 'anna' }, key, now!)).toEqual(then)
    expect(await recallHierarchy({ shared: two, secret, account: 'bob' }, key, now!)).toBeUndefined()
  })

  it('know the list of a DAV server that cannot say what changed, unless it is long', async () => {
    const [one, two] = [await another(), await another()].map(davLists)
    const list = (length: number) => ({ versions: new Map(Array.from({ length }, (_, n) => [`${n}.ics`, `"${n}"`] as const)), ctag: 'c1' })
    await one!.keep('list:short', list(500))
    await one!.keep('list:long', list(5000))
    expect(await two!.recall('list:short')).toEqual(list(500))
    expect(await two!.recall('list:long')).toBeUndefined()
    expect(await one!.recall('list:long')).toEqual(list(5000))
  })

  it('count together, and forget by the time of the first', async () => {
    const [one, two] = [await another(), await another()]
    for (const shared of [one, two, one]) await shared.count('guesses:user:anna', 60)
    expect(await two.counted(['guesses:user:anna', 'guesses:user:bob'])).toEqual([3, 0])
    const [key] = await raw.keys('postern:1:guesses:*')
    expect(await raw.ttl(key!)).toBeLessThanOrEqual(60)
  })

  it('have nothing to do with another site on the same server, or another prefix', async () => {
    const one = await another()
    await one.keep('sent:anna/d', true, { seconds: 60 })
    expect(await (await another({ of: Buffer.from('another secret') })).recall('sent:anna/d')).toBeUndefined()
    expect(await (await another({ prefix: 'test:' })).recall('sent:anna/d')).toBeUndefined()
  })
})

describe('what lies on the server', () => {
  it('says who it is about and what it is to nobody, and ends', async () => {
    await raw.flushall()
    const one = await another()
    await one.keep('folders:anna@postern.test:key', [{ name: 'Scheidung' }], { seconds: 60 })
    await one.count('guesses:address:192.0.2.1', 60)
    await one.hold('sent:anna@postern.test/PHONE:<1@phone>')
    const keys = await raw.keys('*')
    expect(keys).toHaveLength(3)
    for (const key of keys) {
      expect(key).toMatch(/^postern:1:(folders|guesses|hold):[\w-]{24}$/)
      expect(`${key} ${(await raw.getBuffer(key))!.toString('latin1')}`).not.toMatch(/anna|Scheidung|phone|192/i)
      expect(await raw.pttl(key)).toBeGreaterThan(0)
    }
  })

  it.each<[string, (key: string) => Promise<unknown>]>([
    ['text', key => raw.set(key, 'true')],
    ['octets', key => raw.set(key, Buffer.alloc(200, 7))],
    ['of another type', async key => { await raw.del(key); await raw.lpush(key, 'a') }],
    ['of another name', async key => {
      const sealed = sealing(secret).seal('1:sent:elsewhere', { at: 1, value: true })
      return raw.set(key, sealed)
    }],
  ])('and is not ours is ignored: %s', async (_, spoil) => {
    await raw.flushall()
    const [one, two] = [await another(), await another()]
    await one.keep('sent:anna/e', true, { seconds: 60 })
    const [key] = await raw.keys('*')
    await spoil(key!)
    expect(await two.recall('sent:anna/e')).toBeUndefined()
    expect(await one.recall('sent:anna/e')).toBe(true)
  })

  it('and counts wrongly does no harm', async () => {
    await raw.flushall()
    const one = await another()
    await one.count('guesses:user:anna', 60)
    const [key] = await raw.keys('*')
    for (const nonsense of ['-5', 'x', '1e9', '99999999999999999999']) {
      await raw.set(key!, nonsense)
      expect(await one.counted(['guesses:user:anna'])).toEqual([1])
    }
  })

  it('is not what is large', async () => {
    await raw.flushall()
    await (await another()).keep('wrote:anna', 'x'.repeat(200_000), { seconds: 60 })
    expect(await raw.dbsize()).toBe(0)
  })
})

describe('a server that is away', () => {
  it('costs a start one second, and is found when it comes', async () => {
    const own = await startRedis(ground)
    await own.stop()
    const lines: string[] = []
    const log = { ...silent, warn: (_: object, message: string) => void lines.push(message), info: (_: object, message: string) => void lines.push(message) }
    let shared!: Awaited<ReturnType<typeof another>>
    expect(await took(async () => { shared = await another({ url: own.url, log }) })).toBeLessThan(5000)
    await shared.keep('sent:anna/f', true, { seconds: 60 })
    expect(await shared.recall('sent:anna/f')).toBe(true)
    await own.start()
    // What happened meanwhile is told when it is back.
    const two = await another({ url: own.url })
    await expect.poll(() => two.recall('sent:anna/f')).toBe(true)
    expect(lines).toEqual([expect.stringMatching(/does not answer/), expect.stringMatching(/answers again/)])
    await own.stop()
  })

  it('is waited for where it or this machine is slow, so that nothing is done twice', async () => {
    const proxy = await TcpProxy.start(server, { delayUp: 100, delayDown: 100 })
    const shared = await redisShared({ url: `redis://${proxy.host}:${proxy.port}`, password: server.password }, { secret, own: emptyMemory(), log: silent })
    open.push(shared)
    const two = await another()
    await expect.poll(async () => {
      await shared.keep('sent:anna/k', true, { seconds: 60 })
      return two.recall('sent:anna/k')
    }).toBe(true)
    const hold = await two.hold('sent:anna/l')
    expect(await shared.hold('sent:anna/l')).toBeUndefined()
    hold!.release()
    await proxy.close()
  })

  it('costs one request a moment where it says nothing, and the next ones nothing', async () => {
    const proxy = await TcpProxy.start(server)
    const [shared, two] = [await another({ url: `redis://${proxy.host}:${proxy.port}`, patience: 50 }), await another()]
    await expect.poll(async () => {
      await shared.keep('sent:anna/g', true, { seconds: 60 })
      return two.recall('sent:anna/g')
    }).toBe(true)
    proxy.link.stalled = true
    const first = await took(() => shared.recall('sent:anna/h'))
    const next = await took(async () => { for (let n = 0; n < 100; n++) await shared.recall(`sent:anna/h${n}`) })
    expect(next).toBeLessThan(first + 500)
    const hold = await shared.hold('sent:anna/i')
    expect(hold).toBeDefined()
    hold!.release()
    await shared.keep('sent:anna/i', true, { seconds: 60 })
    proxy.link.stalled = false
    await expect.poll(() => two.recall('sent:anna/i')).toBe(true)
    await expect.poll(async () => await two.hold('sent:anna/i') !== undefined).toBe(true)
    await proxy.close()
  })

  it('is given up where it stays silent on a connection, and found on another one', async () => {
    const proxy = await TcpProxy.start(server)
    const [shared, two] = [await another({ url: `redis://${proxy.host}:${proxy.port}`, patience: 50 }), await another()]
    proxy.link.stalled = true
    await shared.keep('sent:anna/j', true, { seconds: 60 })
    await expect.poll(() => proxy.counts.connections).toBeGreaterThan(1)
    proxy.link.stalled = false
    await expect.poll(() => two.recall('sent:anna/j')).toBe(true)
    await proxy.close()
  })

  it('is given up where it takes a connection and never answers to the password, and found on another one', async () => {
    const proxy = await TcpProxy.start(server, { rewriteUp: () => Buffer.alloc(0) })
    const [shared, two] = [await another({ url: `redis://${proxy.host}:${proxy.port}` }), await another()]
    expect(proxy.counts.connections).toBe(1)
    proxy.link.rewriteUp = chunk => chunk
    await shared.keep('sent:anna/m', true, { seconds: 60 })
    await expect.poll(() => two.recall('sent:anna/m')).toBe(true)
    await proxy.close()
  })
})

describe('what postern check says of the server', () => {
  it('is nothing where all is well', async () => {
    expect(await redisTrouble(server)).toBeUndefined()
  })

  it('is why it cannot be used', async () => {
    expect(await redisTrouble({ url: server.url, password: 'wrong' })).toMatch(/WRONGPASS|invalid/)
    expect(await redisTrouble({ url: server.url })).toMatch(/NOAUTH/)
    expect(await redisTrouble({ url: 'redis://127.0.0.1:1' })).toMatch(/ECONNREFUSED/)
  })

  it('is the same over TLS, whose certificate is checked', async () => {
    const certificate = makeCertificate(ground)
    const own = await startRedis(ground, { tls: certificate })
    const url = own.url.replace('redis://127.0.0.1', 'rediss://localhost'), { password } = own
    expect(await redisTrouble({ url, password })).toMatch(/certificate/)
    expect(await redisTrouble({ url, password, rejectUnauthorized: false })).toBeUndefined()
    await own.stop()
  })
})
