import { describe, expect, it } from 'vitest'
import type { Device, Orders, Seen } from '../../src/base/devices.ts'
import { deviceOf, filters, listOf, requestsOf, sorts, type Wanted } from '../../src/pages/device-view.ts'
import { isTrouble, meaningOf } from '../../src/pages/status-words.ts'

const now = Date.now()
const seen = (id: string, more: Partial<Seen> = {}): Seen => ({
  user: 'ann@example.org', id, type: 'Phone', agent: 'Agent/1', version: '16.1', firstSeen: now - 9000, lastSeen: now, lastSync: now, folders: 2, waits: false,
  statuses: [[now, 'Sync', '1']], resyncs: [], synced: [], ...more,
})
const orders = (id: string, more: Partial<Orders>): Orders => ({ user: 'ann@example.org', id, ...more })
const by = { by: 'test', at: now }
const devices: readonly Device[] = [
  { seen: seen('PLAIN', { lastSeen: now - 1000, type: 'Tablet' }) },
  { seen: seen('WAITS', { waits: true, lastSync: now - 5000 }) },
  { seen: seen('GONE', { waits: true, lastSeen: now - 3_700_000 }) },
  { seen: seen('NEW', { user: 'bob@example.org', statuses: [[now, 'FolderSync', '129']] }), orders: orders('NEW', { user: 'bob@example.org', pending: { at: now, mails: 1, told: true } }) },
  { seen: seen('IN'), orders: orders('IN', { pending: { at: now, mails: 1, told: true }, decision: { access: 'allow', ...by } }) },
  { seen: seen('OUT'), orders: orders('OUT', { decision: { access: 'block', ...by } }) },
  { orders: orders('NEVER', { wipe: { kind: 'full', state: 'ordered', changed: now, ...by } }) },
]
const wanted: Wanted = { search: '', filter: 'all', sort: 'seen', most: 100 }
const idsOf = (more: Partial<Wanted>): string[] => listOf(devices, { ...wanted, ...more }).devices.map(({ id }) => id)

describe('the list of devices', () => {
  it.each<[Wanted['filter'], string[]]>([
    ['quarantine', ['NEW']], ['blocked', ['NEVER', 'OUT']], ['waiting', ['WAITS']], ['trouble', ['NEW']], ['all', ['GONE', 'IN', 'NEVER', 'NEW', 'OUT', 'PLAIN', 'WAITS']],
  ])('of kind %s is %j, and counts them', (filter, ids) => {
    expect(idsOf({ filter }).sort()).toEqual(ids)
    expect(listOf(devices, wanted).counts[filter]).toBe(ids.length)
  })
  it.each([['bob', ['NEW']], ['TABLET plain', ['PLAIN']], ['agent/1 wai', ['WAITS']], ['never', ['NEVER']], ['nobody', []]])('with %j in it is %j', (search, ids) => {
    expect(idsOf({ search })).toEqual(ids)
  })
  it.each<[Wanted['sort'], string]>([['seen', 'NEVER'], ['sync', 'NEVER'], ['user', 'NEW'], ['type', 'PLAIN']])('by %s ends with %s', (sort, last) => {
    expect(idsOf({ sort }).at(-1)).toBe(last)
  })
  it('is cut, and says how many there are', () => {
    const { devices: some, found } = listOf(devices, { ...wanted, most: 2 })
    expect([some.length, found]).toEqual([2, 7])
  })
  it('is the same for every filter and sort of nothing', () => {
    for (const filter of filters) for (const sort of sorts) expect(listOf([], { ...wanted, filter, sort })).toMatchObject({ found: 0, devices: [] })
  })
})

it('the latest requests are of all devices, newest first, with what they mean; waits are apart', () => {
  const { requests, waits, waiting } = requestsOf([
    { seen: seen('A', { statuses: [[1, 'FolderSync', '1'], [3, 'Ping', '2']] }) }, { seen: seen('B', { statuses: [[2, 'Sync', '9']], waits: true }) }, ...devices.slice(-1),
  ], 2)
  expect(requests.map(({ id, command, trouble, meaning }) => [id, command, trouble, meaning])).toEqual([['A', 'Ping', false, 'There is something new.'], ['B', 'Sync', true, 'The mailbox is full.']])
  expect([waits.map(({ id, folders }) => [id, folders]), waiting]).toEqual([[['B', 2]], 1])
})

it('a device has its latest first', () => {
  const { statuses, resyncs } = deviceOf({ seen: seen('A', { statuses: [[1, 'Sync', '1'], [2, 'Ping', '1']], resyncs: [[1, 'one'], [2, 'two']] }) })
  expect([statuses.map(({ at }) => at), resyncs.map(([at]) => at)]).toEqual([[2, 1], [2, 1]])
})

describe('a status', () => {
  it.each<[string, string, boolean, string | undefined]>([
    ['Sync', '', false, undefined], ['Sync', '1', false, undefined], ['Ping', '1', false, 'Nothing happened'], ['Ping', '2', false, 'something new'], ['Ping', '3', true, 'say again'],
    ['MoveItems', '3', false, 'Moved'], ['MoveItems', '1', true, 'gone'], ['FolderSync', '129', true, 'may not be here'], ['Provision', '140', true, 'wiped'], ['Sync', 'HTTP 503', true, 'tries again'],
    ['OPTIONS', 'HTTP 200', false, undefined], ['constructor', 'toString', true, undefined], ['Search', '3', true, undefined],
  ])('of %s that is %j is trouble: %s, and means %j', (command, status, trouble, meaning) => {
    expect(isTrouble(command, status)).toBe(trouble)
    if (meaning === undefined) expect(meaningOf(command, status)).toBe(undefined)
    else expect(meaningOf(command, status)).toContain(meaning)
  })
})
