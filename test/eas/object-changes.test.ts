// What a client is told of a collection, over random histories: in the end both sides hold the same, whatever was lost on the way.
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { holdsVersion, isHeld, nowHeld, noVersion, type Held } from '../../src/eas/held.ts'
import { countChanges, listChanges } from '../../src/eas/object-changes.ts'
import { outcome } from '../../src/eas/outcome.ts'
import { freshObjects, incompleteOnly, type ObjectCursor } from '../../src/model/cursor.ts'
import type { StoredObject } from '../../src/model/ports.ts'
import { memoryCache, type Cache } from '../../src/state/cache.ts'
import { parseObjectKey, printObjectKey } from '../../src/state/object-key.ts'
import { ownMemory } from '../../src/state/shared-memory.ts'
import { MemoryObjects } from '../support/memory-objects.ts'

const owner = { secret: Buffer.from('secret'), account: 'anna' }
const today0 = 20_000
const iso = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '')

type Step =
  | { do: 'put'; pick: number; count: number; age: number; done: boolean }
  | { do: 'remove'; pick: number; count: number }
  | { do: 'sync'; window: number; lost: boolean; meanwhile: 'put' | 'remove' | 'nothing'}
  | { do: 'command'; kind: 'make' | 'edit' | 'delete'; pick: number; window: number; lost: boolean; age: number; removed: boolean }
  | { do: 'filter'; choice: number }
  | { do: 'tomorrow' | 'week' }
  | { do: 'restart' | 'other' }
  | { do: 'stale' }

const small = fc.integer({ min: 0, max: 24 }), age = fc.integer({ min: -2, max: 12 }), window = fc.integer({ min: 1, max: 6 })
const lost = fc.integer({ min: 0, max: 3 }).map(n => n === 0)
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('put' as const), pick: small, count: fc.integer({ min: 1, max: 9 }), age, done: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), pick: small, count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 9, arbitrary: fc.record({
    do: fc.constant('sync' as const), window, lost, meanwhile: fc.constantFrom('put' as const, 'remove' as const, 'nothing' as const, 'nothing' as const),
  }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('command' as const), kind: fc.constantFrom('make' as const, 'edit' as const, 'delete' as const), pick: small, window: fc.integer({ min: 0, max: 6 }), lost, age, removed: lost }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('filter' as const), choice: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 3, arbitrary: fc.constantFrom<Step>({ do: 'tomorrow' }, { do: 'week' }, { do: 'restart' }, { do: 'restart' }, { do: 'stale' }) },
  { weight: 3, arbitrary: fc.constant<Step>({ do: 'other' }) },
)

const put = (pick: number, count: number, age = 0, done = false): Step => ({ do: 'put', pick, count, age, done })
const sync = (window: number, meanwhile: 'put' | 'nothing' = 'put', lost = false): Step => ({ do: 'sync', window, lost, meanwhile })
const filter = (choice: number): Step => ({ do: 'filter', choice })
const make = (age = 0, removed = false): Step => ({ do: 'command', kind: 'make', pick: 0, window: 0, lost: true, age, removed })

/** Histories that were told wrongly once. */
const met: Step[][] = [
  // What a phone makes is hidden by the filter at once.
  [filter(1), make(2)],
  // A task that is done is told while a list is told that shows it still, and the filter goes back.
  [put(0, 2), sync(1), put(1, 1, 0, true), filter(3), make(), filter(0)],
  // What one filter has hidden is shown by the next, before the list was told to its end.
  [put(5, 2), sync(2), put(7, 3, 3), put(3, 3, 3), { do: 'tomorrow' }, filter(1), sync(2, 'nothing'), { do: 'tomorrow' }, put(10, 1), filter(2)],
  // Somebody removes what a phone has made before it is looked what is there.
  [put(0, 2), sync(5), make(0, true)],
  // While a list is told what is in it changes; the answer that says so gets lost, and another process has no memory of the list.
  [put(0, 4), sync(5), put(0, 4), sync(1, 'nothing'), put(0, 4), sync(5, 'nothing', true), { do: 'other' }, sync(5, 'nothing'), { do: 'other' }],
  // What the other process has told at once it remembers no less, for who hears of it another way.
  [put(0, 4), sync(5), put(0, 4), sync(3, 'nothing'), put(0, 4), { do: 'other' }, sync(5, 'nothing', true), { do: 'other' }, sync(5, 'nothing'), sync(1, 'nothing'), { do: 'other' }],
]

/** What one process remembers: lists, and what the phone holds that has a key. */
const newProcess = () => ({ memory: memoryCache({ megabytes: 4 }), held: new Map<string, Held>() })

/** A server's collection and a phone that holds some of it, each item as the version it has. */
class World {
  readonly store = new MemoryObjects()
  readonly folder
  readonly items = new Map<string, string>()
  /** Weeks in which items were told. */
  readonly weeks = new Map<string, number>()
  readonly filters: readonly number[]
  cursor: ObjectCursor = freshObjects
  key = '0'
  /** What the phone has deleted since it got its key: another process does not know. */
  readonly deleted = new Set<string>()
  readonly processes = [newProcess(), newProcess()]
  at = 0
  today = today0
  filter = 0
  made = 0

  constructor(content: 'calendar' | 'tasks' | 'contacts') {
    this.folder = this.store.id(content)
    this.store.brief = content !== 'tasks'
    this.filters = content === 'calendar' ? [0, 1, 4, 9] : content === 'tasks' ? [0, incompleteOnly] : [0]
  }

  get since(): number {
    const chosen = this.filters[this.filter % this.filters.length]!
    return chosen === 0 || chosen === incompleteOnly ? chosen : this.today - chosen
  }

  /** What is told but for a time is so of one day of seven. */
  get week(): number | undefined {
    return this.filters.length === 4 ? Math.floor(this.today / 7) & 255 : undefined
  }

  readonly passing = async (): Promise<StoredObject[]> => {
    const names = await this.store.within(this.folder, new Date(this.today * 86_400_000))
    return [...this.store.held(this.folder).values()].filter(({ name }) => name.startsWith('n1') && names.has(name))
  }

  get memory(): Cache {
    return this.processes[this.at]!.memory
  }

  put(name: string, age: number, done = false): string {
    return this.store.put(this.folder, name, `${done ? 'DONE' : 'OPEN'} DTSTART:${iso(this.today - age)}`)
  }

  isShown({ octets }: { octets: Uint8Array }): boolean {
    const text = Buffer.from(octets).toString(), { since } = this
    return since === 0 || (since === incompleteOnly ? text.startsWith('OPEN') : text.slice(-8) >= iso(since))
  }

  /** One Sync; false where there was nothing to tell. */
  async sync(window: number, { lost = false, made, gone, meanwhile = () => {} }: { lost?: boolean; made?: string; gone?: string; meanwhile?: () => void } = {}): Promise<boolean> {
    const { store, folder, since, memory, cursor, week, passing, key } = this, before = this.processes[this.at]!.held.get(key) ?? new Map<number, number>()
    const held = gone === undefined ? before : nowHeld(before, [[gone, undefined]])
    const told = await outcome(listChanges(store, folder, cursor, { window, since, week, passing, memory, scope: 'phone', made: new Set(made === undefined ? [] : [made]) }))
    if (told instanceof Failure) {
      expect(told.kind).toBe('stale')
      if (lost) return true
      this.items.clear()
      this.weeks.clear()
      this.cursor = freshObjects
      this.key = '0'
      return true
    }
    const count = told.present.length + told.gone.length + told.aged.length
    // But for what must be told at once.
    if (made === undefined && cursor.pass?.phase !== 'going') expect(count).toBeLessThanOrEqual(window)
    if (window > 0 && told.more && cursor.pass) expect(told.next).not.toEqual(cursor)
    meanwhile()
    const news = told.present.filter(one => one.again || since === incompleteOnly || !holdsVersion(held, one.name, one.etag))
    const listed = new Map(news.map(one => [one.name, one.etag])), there = await store.objects(folder, [...listed.keys()])
    const isDone = ({ octets }: StoredObject): boolean => told.next.since === incompleteOnly && Buffer.from(octets).toString().startsWith('DONE')
    // The cursor takes the way every cursor takes: through the client.
    const next = await printObjectKey(owner, ownMemory(memory), folder, { cursor: told.next, options: undefined, supportsAll: true })
    this.processes[this.at]!.held = new Map([[key, held], [next, next === key ? held : nowHeld(held, [
      ...[...told.gone, ...told.aged].map(name => [name, undefined] as const),
      ...there.map(one => [one.name, isDone(one) ? undefined : listed.get(one.name) === one.etag ? one.etag : noVersion] as const),
    ])]])
    if (lost) return true
    for (const name of [...told.gone, ...told.aged]) this.items.delete(name)
    for (const one of there) {
      // The server tells a change then, and a phone may leave aside one of what it does not have.
      if (isHeld(held, one.name) && !this.deleted.has(one.name)) expect([...this.items.keys()]).toContain(one.name)
      if (isDone(one)) this.items.delete(one.name)
      else this.items.set(one.name, one.etag)
      if (week !== undefined) this.weeks.set(one.name, week)
    }
    if (next !== key) this.deleted.clear()
    this.key = next
    this.cursor = (await parseObjectKey(owner, ownMemory(memory), folder, next)).cursor
    // A list was of the moment it was begun; what happened since is told by the next Sync.
    return told.more || count > 0 || !isDeepStrictEqual(told.next, cursor)
  }

  /** The phone's own command, then what is new; a phone whose answer got lost sends the same again. */
  async command({ kind, pick, age, window, lost, removed }: Extract<Step, { do: 'command' }>): Promise<void> {
    const { store, folder, items } = this
    const name = kind === 'make' ? `own${this.made++}` : [...items.keys()][pick % Math.max(1, items.size)]
    if (name === undefined) return
    const octets = Buffer.from(`OPEN DTSTART:${iso(this.today - age)}`)
    let own: string | undefined
    const carryOut = async (): Promise<void> => {
      if (kind === 'make') own ??= (await store.write(folder, name, octets, 'new')).etag
      else if (store.held(folder).get(name)?.etag === items.get(name)) {
        if (kind === 'edit') own = (await store.write(folder, name, octets, { etag: items.get(name)! })).etag
        else await store.remove(folder, name, items.get(name))
      }
    }
    const made = kind === 'make' ? { made: name } : {}
    await carryOut()
    if (removed) store.put(folder, name, undefined)
    const gone = kind === 'delete' ? { gone: name } : {}
    if (lost) {
      await this.sync(window, { lost, ...made, ...gone })
      this.at = 1 - this.at
    }
    const kept = kind === 'delete' ? store.held(folder).get(name) : undefined
    // What somebody else has changed meanwhile is told at once.
    if (kept) items.set(name, kept.etag)
    else if (kind === 'delete') {
      items.delete(name)
      this.deleted.add(name)
    } else if (own !== undefined) items.set(name, own)
    await this.sync(window, { ...made, ...gone })
  }

  async run(step: Step): Promise<void> {
    const names = [...this.store.held(this.folder).keys()]
    if (step.do === 'put') for (let n = 0; n < step.count; n++) this.put(`n${(step.pick + n) % 25}`, step.age + n % 3, step.done)
    else if (step.do === 'remove') for (const name of names.slice(step.pick % (names.length + 1)).slice(0, step.count)) this.store.put(this.folder, name, undefined)
    else if (step.do === 'sync') await this.sync(step.window, { lost: step.lost, meanwhile: () => this.meanwhile(step.meanwhile, names) })
    else if (step.do === 'filter') this.filter = step.choice
    else if (step.do === 'tomorrow') this.today++
    else if (step.do === 'week') this.today += 7
    else if (step.do === 'restart') this.processes[this.at] = newProcess()
    else if (step.do === 'other') this.at = 1 - this.at
    else if (step.do === 'stale') this.store.forget(this.folder)
    else if (step.do === 'command') await this.command(step)
  }

  /** Between the list and the objects that are read by it. */
  meanwhile(what: 'put' | 'remove' | 'nothing', [first]: readonly string[]): void {
    if (what === 'nothing' || !first) return
    if (what === 'put') this.put(first, 0)
    else this.store.put(this.folder, first, undefined)
  }
}

const kinds: [content: 'calendar' | 'tasks' | 'contacts', filters: string][] =
  [['calendar', 'a time filter'], ['tasks', 'those that are done left out'], ['contacts', 'no filter']]

describe.each(kinds)('changes of %s, with %s', content => {
  it('bring a phone to what the collection holds, whatever happens in between', async () => {
    await fc.assert(fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40 }), async script => {
      const world = new World(content)
      for (const step of script) await world.run(step)
      let rounds = 0
      while (await world.sync(5)) expect(rounds++).toBeLessThan(200)
      const shown = [...world.store.held(world.folder).values()].filter(one => world.isShown(one))
      const sorted = (all: Iterable<[string, string]>) => [...all].sort(([a], [b]) => a < b ? -1 : 1)
      expect(sorted(world.items)).toEqual(sorted(shown.map(({ name, etag }) => [name, etag] as [string, string])))
      if (world.week !== undefined) for (const { name } of await world.passing()) expect([name, world.weeks.get(name)]).toEqual([name, world.week])
      const { since, memory, week, passing } = world
      expect(await countChanges(world.store, world.folder, world.cursor, { since, memory, week, passing, scope: 'phone' })).toBe(0)
    }), { numRuns: 2000, examples: met.map(script => [script]) })
  }, 120_000)
})

it('a client that begins anew is told all there is, by a process that remembers what was new to it before', async () => {
  const store = new MemoryObjects(), folder = store.id('contacts'), told = new Set<string>()
  const [one, other] = [memoryCache({ megabytes: 1 }), memoryCache({ megabytes: 1 })]
  const look = (cursor: ObjectCursor, memory: Cache, window: number) => listChanges(store, folder, cursor, {
    window, since: 0, week: undefined, passing: async () => [], memory, scope: 'phone', made: new Set(),
  })
  for (let n = 0; n < 10; n++) store.put(folder, `old${n}`, 'OPEN')
  const { next } = await look(freshObjects, one, 100)
  for (let n = 0; n < 4; n++) store.put(folder, `new${n}`, 'OPEN')
  await look(next, other, 1)
  const begun = await look(freshObjects, one, 2), rest = await look(begun.next, other, 100)
  for (const { name } of [...begun.present, ...rest.present]) told.add(name)
  expect(told.size).toBe(14)
})
