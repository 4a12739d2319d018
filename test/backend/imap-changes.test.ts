import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mailChanges } from '../../src/backend/imap-changes.ts'
import type { MailboxState } from '../../src/backend/imap-mailbox.ts'
import { recall } from '../../src/backend/imap-recall.ts'
import { fresh, type MailCursor } from '../../src/model/cursor.ts'
import type { FolderId } from '../../src/model/folder.ts'
import type { MailChanges } from '../../src/model/ports.ts'
import { parseSyncKey, printSyncKey } from '../../src/state/sync-key.ts'
import { SimulatedMailbox } from '../support/simulated-mailbox.ts'

const folder = 'abcdefghijk' as FolderId
const secret = Buffer.from('secret')

/** What a phone holds: it applies what it is given and complains about what it must never be given. */
class Phone {
  items = new Map<number, string>()
  cursor: MailCursor = fresh
  key = ''

  apply({ deletes, aged, updates, adds, next }: MailChanges): void {
    for (const uid of [...deletes, ...aged]) this.items.delete(uid)
    for (const { uid, flags } of updates) {
      expect(this.items.has(uid), `a change of ${uid}, which the phone does not hold`).toBe(true)
      this.items.set(uid, spell(flags))
    }
    for (const { uid, flags } of adds) {
      expect(this.items.has(uid), `${uid} added twice`).toBe(false)
      this.items.set(uid, spell(flags))
    }
    // The cursor takes the way every cursor takes: through the client.
    this.key = printSyncKey(secret, 'anna', folder, { cursor: next, options: undefined })
    this.cursor = parseSyncKey(secret, 'anna', folder, this.key).cursor
  }
}

const spell = (flags: ReadonlySet<string>): string => [...flags].sort().join(' ')

type Step =
  | { do: 'deliver'; count: number; age: number }
  | { do: 'flag' | 'expunge'; pick: number; count: number; on: boolean }
  | { do: 'sync'; window: number }
  | { do: 'filter'; days: number }
  | { do: 'tomorrow' }
  | { do: 'restart' }

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('deliver' as const), count: fc.integer({ min: 1, max: 12 }), age: fc.integer({ min: 0, max: 9 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('flag' as const, 'expunge' as const), pick: fc.nat(), count: fc.integer({ min: 1, max: 9 }), on: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('sync' as const), window: fc.integer({ min: 1, max: 7 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('filter' as const), days: fc.constantFrom(0, 1, 3, 7) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'tomorrow' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
)

const deliver = (count: number): Step => ({ do: 'deliver', count, age: 0 })
const sync = (window: number): Step => ({ do: 'sync', window })
const change = (what: 'flag' | 'expunge', count: number, on = false): Step => ({ do: what, pick: 0, count, on })

/** Histories that were told wrongly once. */
const met: Step[][] = [
  // A change of an item that ages out in the same pass.
  [{ do: 'deliver', count: 1, age: 3 }, { do: 'filter', days: 3 }, sync(1), change('flag', 1, true), { do: 'tomorrow' }, sync(1), sync(1)],
  // An expunge of what arrived after the mark, without QRESYNC.
  [deliver(2), sync(2), sync(1), deliver(1), sync(2), change('flag', 1), change('expunge', 3)],
  // A mailbox that looks as it did when the pass began, without CONDSTORE: with another message in between, with other flags in between.
  [deliver(2), sync(1), change('expunge', 2), sync(1), deliver(1), { do: 'tomorrow' }, sync(2), change('expunge', 1)],
  [deliver(2), sync(2), change('flag', 2, true), sync(1), change('flag', 2), sync(1), change('flag', 2, true), { do: 'restart' }, sync(1), sync(1)],
]

describe.each([
  ['with QRESYNC', {}, true, undefined],
  ['with QRESYNC, slice by slice', {}, true, 3],
  ['with QRESYNC, without ESEARCH', { esearch: false }, true, 3],
  ['with CONDSTORE alone', { qresync: false }, true, 3],
  ['without either', { qresync: false, condstore: false }, false, 3],
] as const)('changes of a mailbox %s', (_, capabilities, survives, slice) => {
  it('bring a phone to what the mailbox holds, whatever happens in between', async () => {
    await fc.assert(fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40 }), async script => {
      const mailbox = new SimulatedMailbox(capabilities)
      const phone = new Phone()
      let memory = recall({ mailboxes: 100 })
      let today = 20_000, days = 0
      const since = (): number => days ? today - days : 0
      const sync = async (window: number): Promise<boolean> => {
        const changes = await mailChanges(mailbox, memory, undefined, slice).changes(folder, phone.cursor, { window, since: since() })
        const { deletes, aged, updates, adds } = changes
        expect(deletes.length + aged.length + updates.length + adds.length).toBeLessThanOrEqual(window)
        phone.apply(changes)
        return changes.more
      }
      for (const step of script) {
        const uids = [...mailbox.items.keys()]
        mailbox.told = mailbox.uidNext
        if (step.do === 'deliver') for (let i = 0; i < step.count; i++) mailbox.deliver(today - step.age, i % 2 ? ['\\Seen'] : [])
        else if (step.do === 'flag') mailbox.flag(uids.slice(step.pick % (uids.length + 1)).slice(0, step.count), '\\Flagged', step.on)
        else if (step.do === 'expunge') mailbox.expunge(uids.slice(step.pick % (uids.length + 1)).slice(0, step.count))
        else if (step.do === 'sync') await sync(step.window)
        else if (step.do === 'filter') days = step.days
        else if (step.do === 'tomorrow') today++
        else if (survives) memory = recall({ mailboxes: 100 })
      }
      let rounds = 0
      while (await sync(5)) expect(rounds++).toBeLessThan(1000)
      const shown = [...mailbox.items.values()].filter(({ day }) => day >= since())
      expect(new Map([...phone.items].sort(([a], [b]) => a - b))).toEqual(new Map(shown.map(({ uid, flags }) => [uid, spell(flags)])))
    }), { numRuns: 1000, examples: met.map(script => [script]) })
  })
})

describe('changes of a mailbox', () => {
  const filled = (count: number): SimulatedMailbox => {
    const mailbox = new SimulatedMailbox()
    for (let i = 0; i < count; i++) mailbox.deliver(20_000)
    return mailbox
  }
  const of = (mailbox: SimulatedMailbox) => mailChanges(mailbox, recall({ mailboxes: 10 }))
  const all = { window: 100, since: 0 }

  it('cost one question when there are none', async () => {
    const mailbox = filled(10)
    const { next } = await of(mailbox).changes(folder, undefined, all)
    mailbox.asked = 0
    expect(await of(mailbox).changes(folder, next, all)).toMatchObject({ adds: [], updates: [], deletes: [], more: false })
    expect(mailbox.asked).toBe(1)
  })

  it.each([
    ['one question, where UIDNEXT was told before', 301, 0, 1],
    ['two, where it has moved on', 296, 0, 2],
    ['two, where it was never told', 0, 0, 2],
    ['two, where the newest may lie before the time filter’s day', 301, 19_990, 2],
  ])('cost, bodies apart, for the first window of a first sync: %s', async (_, told, since, questions) => {
    const mailbox = filled(300)
    mailbox.told = told
    const { adds } = await of(mailbox).changes(folder, undefined, { window: 100, since })
    expect([adds.length, adds[0]?.uid, adds[99]?.uid, mailbox.asked]).toEqual([100, 300, 201, questions])
  })

  it('cost one question, bodies apart, for each window after the first, two where messages are gone within, and two for new mail', async () => {
    const mailbox = filled(300)
    const first = await of(mailbox).changes(folder, undefined, all)
    mailbox.asked = 0
    const second = await of(mailbox).changes(folder, first.next, all)
    expect([second.adds.length, mailbox.asked]).toEqual([100, 1])
    const holed = filled(300)
    holed.expunge([150])
    const { next } = await of(holed).changes(folder, undefined, all)
    holed.asked = 0
    const { adds } = await of(holed).changes(folder, next, all)
    expect([adds.length, adds.at(-1)?.uid, holed.asked]).toEqual([100, 100, 2])
    const third = await of(mailbox).changes(folder, second.next, all)
    mailbox.deliver(20_000)
    mailbox.asked = 0
    expect((await of(mailbox).changes(folder, third.next, all)).adds.map(({ uid }) => uid)).toEqual([301])
    expect(mailbox.asked).toBe(2)
  })

  it('give new mail before the backlog of a first sync', async () => {
    const mailbox = filled(50)
    const first = await of(mailbox).changes(folder, undefined, { window: 10, since: 0 })
    expect(first.adds.map(({ uid }) => uid)).toEqual([50, 49, 48, 47, 46, 45, 44, 43, 42, 41])
    mailbox.deliver(20_000)
    const second = await of(mailbox).changes(folder, first.next, { window: 3, since: 0 })
    expect(second.adds.map(({ uid }) => uid)).toEqual([51, 40, 39])
  })

  it.each([
    ['UIDVALIDITY is another one', (mailbox: SimulatedMailbox) => void mailbox.validity++],
    ['HIGHESTMODSEQ went back, as after a restored backup', (mailbox: SimulatedMailbox) => void (mailbox.modseq -= 5n)],
  ])('are refused as stale when %s', async (_, happen) => {
    const mailbox = filled(10)
    const { next } = await of(mailbox).changes(folder, undefined, all)
    happen(mailbox)
    await expect(of(mailbox).changes(folder, next, all)).rejects.toMatchObject({ kind: 'stale' })
  })

  it.each([
    ['with MODSEQ', {}, 1],
    ['without MODSEQ', { condstore: false, qresync: false }, 2],
  ])('are known to be there or not before they are asked for, %s', async (_, capabilities, questions) => {
    const mailbox = new SimulatedMailbox(capabilities)
    for (let i = 0; i < 5; i++) mailbox.deliver(20_000)
    const changes = mailChanges(mailbox, recall({ mailboxes: 10 }))
    const { next } = await changes.changes(folder, undefined, all)
    const changed = async () => (await changes.changed(new Map([[folder, { cursor: next, since: 0 }]]))).has(folder)
    mailbox.asked = 0
    expect(await changed()).toBe(false)
    expect(mailbox.asked).toBe(questions)
    mailbox.flag([3], '\\Seen', true)
    expect(await changed()).toBe(true)
  })

  it.each<[string, (now: MailboxState) => MailboxState, boolean, number]>([
    ['of mail that came', now => ({ ...now, uidNext: now.uidNext + 1 }), true, 0],
    ['of a flag that changed', now => ({ ...now, highestModseq: now.highestModseq + 1n }), true, 0],
    ['of nothing new, and have to be asked for', now => now, false, 1],
    ['of a time before, and have to be asked for', now => ({ ...now, uidNext: 2, highestModseq: 1n }), false, 1],
    ['of another mailbox of that name, and have to be asked for', now => ({ ...now, validity: now.validity + 1, uidNext: 999 }), false, 1],
  ])('are known where the server has told %s', async (_, heard, changed, questions) => {
    const mailbox = filled(5)
    const { next } = await of(mailbox).changes(folder, undefined, all)
    const state = (await mailbox.status([folder])).get(folder)!
    const changes = mailChanges(mailbox, recall({ mailboxes: 10 }), () => heard(state))
    mailbox.asked = 0
    expect((await changes.changed(new Map([[folder, { cursor: next, since: 0 }]]))).has(folder)).toBe(changed)
    expect(mailbox.asked).toBe(questions)
  })

  it.each<[string, (mailbox: SimulatedMailbox) => void, number, object]>([
    ['mail came', mailbox => void mailbox.deliver(20_000), 1, { adds: [6], updates: [] }],
    ['mail came, and more since then', mailbox => [1, 2].forEach(() => mailbox.deliver(20_000)), 1, { adds: [6], updates: [] }],
    ['a flag changed', mailbox => mailbox.flag([2], '\\Seen', true), 1, { adds: [], updates: [2] }],
    ['nothing happened', () => {}, 1, { adds: [], updates: [] }],
  ])('are asked for at once where the server has told that %s', async (_, happens, questions, found) => {
    const mailbox = filled(5)
    const { next } = await of(mailbox).changes(folder, undefined, all)
    happens(mailbox)
    const state = { ...mailbox.state(), uidNext: Math.min(mailbox.state().uidNext, 7) }
    const changes = mailChanges(mailbox, recall({ mailboxes: 10 }), () => state)
    mailbox.asked = 0
    const told = await changes.changes(folder, next, all)
    expect(mailbox.asked).toBe(questions)
    expect({ adds: told.adds.map(({ uid }) => uid), updates: told.updates.map(({ uid }) => uid) }).toEqual(found)
    const rest = await of(mailbox).changes(folder, told.next, all)
    expect(rest.adds.map(({ uid }) => uid)).toEqual(mailbox.state().uidNext === 8 ? [7] : [])
  })

  it('are not passed over where more was heard of than there is', async () => {
    const mailbox = filled(5)
    const { next } = await of(mailbox).changes(folder, undefined, all)
    const changes = mailChanges(mailbox, recall({ mailboxes: 10 }), () => ({ ...mailbox.state(), uidNext: 9 }))
    const { next: then } = await changes.changes(folder, next, all)
    mailbox.deliver(20_000)
    expect((await of(mailbox).changes(folder, then, all)).adds.map(({ uid }) => uid)).toEqual([6])
  })

  it.each([1000, 4000])('of a mailbox of %i messages, every other one old, cost no more for each window once they are being told', async count => {
    const mailbox = new SimulatedMailbox(), told: number[] = []
    const answer = mailbox.answer.bind(mailbox)
    mailbox.answer = query => {
      const found = answer(query)
      told.push(found.kind === 'search' ? found.uids.length : found.kind === 'messages' ? found.messages.length : found.flags.length)
      return found
    }
    for (let i = 0; i < count; i++) mailbox.deliver(i % 2 ? 20_000 : 10_000)
    const uids = [...mailbox.items.keys()], phone = new Phone(), seen: number[] = []
    const windows = async (most: number, since: number): Promise<boolean> => {
      for (let n = 0, more = true; n < most && more; n++) {
        told.length = 0
        const changes = await mailChanges(mailbox, recall({ mailboxes: 10 }), undefined, 100).changes(folder, phone.cursor, { window: 20, since })
        phone.apply(changes)
        more = changes.more
        seen.push(Math.max(...told))
      }
      return phone.cursor.gaps.length > 0 || phone.cursor.pass !== undefined
    }
    // The first look of all is at everything.
    await windows(1, 19_000)
    seen.length = 0
    expect(await windows(4, 19_000)).toBe(true)
    while (await windows(100, 19_000));
    expect(await windows(4, 0)).toBe(true)
    while (await windows(100, 0));
    mailbox.flag(uids, '\\Flagged', true)
    expect(await windows(4, 0)).toBe(true)
    while (await windows(100, 0));
    expect(Math.max(...seen)).toBeLessThanOrEqual(100)
    // Far apart from each other, with nothing to tell in between.
    mailbox.flag([...uids.slice(0, 21), uids.at(-1)!], '\\Seen', true)
    await windows(100, 0)
    expect([...phone.items].toSorted(([a], [b]) => a - b)).toEqual([...mailbox.items.values()].map(({ uid, flags }) => [uid, spell(flags)]))
  })

  it('are estimated as many as they turn out to be', async () => {
    const mailbox = filled(40)
    expect(await of(mailbox).estimate(folder, undefined, 0)).toBe(40)
    const { next } = await of(mailbox).changes(folder, undefined, { window: 30, since: 0 })
    mailbox.expunge([40])
    mailbox.flag([30, 31], '\\Seen', true)
    mailbox.deliver(20_000)
    expect(await of(mailbox).estimate(folder, next, 0)).toBe(1 + 2 + 1 + 10)
  })
})
