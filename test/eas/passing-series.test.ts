// Series that EAS has no words for are shown by their occurrences around now: what becomes of them as time goes on.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { weekOf } from '../../src/eas/object-changes.ts'
import type { FolderId } from '../../src/model/folder.ts'
import { child, children, el, text } from '../../src/wire/wbxml.ts'
import { Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { MemoryUser } from '../support/memory-objects.ts'

const calendar = 'c.1' as FolderId
const day = 86_400_000, begin = Date.parse('2026-11-25T10:12:00Z')
let now: number
let account: MemoryUser
let server: EasServer
let phone: Phone

beforeEach(async () => {
  now = begin
  account = new MemoryUser()
  server = await easServer({ timeZone: 'Europe/Berlin' }, account, () => new Date(now))
  phone = server.phone()
})
afterEach(() => server.stop())

const put = (name: string, ...lines: readonly string[]): string => account.collections.put(calendar, `${name}.ics`, [
  'BEGIN:VCALENDAR', 'VERSION:2.0', 'BEGIN:VEVENT', `UID:${name}`, `SUMMARY:${name}`, 'DTSTAMP:20261101T080000Z', 'DTSTART;TZID=Europe/Berlin:20261101T090000',
  'DTEND;TZID=Europe/Berlin:20261101T093000', ...lines, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n'))
const series = () => {
  put('hours', 'RRULE:FREQ=HOURLY;INTERVAL=3')
  put('months', 'RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15')
  put('weeks', 'RRULE:FREQ=WEEKLY')
  put('once')
  put('over', 'RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15;UNTIL=20261110T000000Z')
}
/** The last occurrence of several a day that the phone shows: each is an exception. */
function last(name: string): number {
  const { data } = [...phone.held(calendar).items.values()].find(one => text(one.data!, 'Calendar:Subject') === name)!
  return Math.max(...children(child(data!, 'Calendar:Exceptions')!, 'Calendar:Exception').map(one => parse(text(one, 'Calendar:StartTime')!)))
}
const subjectOf = (id: string): string => text(phone.held(calendar).items.get(id)!.data!, 'Calendar:Subject')!
const parse = (compact: string): number => Date.parse(compact.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'))
const wish = { class: 'Calendar' }
const news = async (window = 100): Promise<string[]> => {
  const told: string[] = []
  for (let more = true, rounds = 0; more; rounds++) {
    expect(rounds).toBeLessThan(20)
    const { collections: [one] } = await phone.sync({ collections: [{ id: calendar, ...wish, window }] })
    told.push(...[...one?.adds ?? [], ...one?.changes ?? []].map(subjectOf), ...(one?.deletes ?? []).map(id => `- ${id}`))
    more = one?.more ?? false
  }
  return told.sort()
}

describe.each(['2.5', '14.1', '16.1'] as const)('a client of %s', version => {
  beforeEach(() => { phone = server.phone({ version, deviceId: 'CLOCK' }) })

  it('is told of them anew each week, of nothing else, and is then in step', async () => {
    series()
    await phone.syncAll(calendar, wish)
    const before = last('hours')
    expect(before).toBeLessThan(now + 40 * day)
    expect(await news()).toEqual([])
    now += 8 * day
    expect(await news()).toEqual(['hours', 'months'])
    expect(last('hours')).toBeGreaterThan(before + 5 * day)
    expect(await news()).toEqual([])
    for (let week = 0; week < 60; week++) {
      now += 7 * day
      await news()
      // However long it has been shown, there is more to come.
      expect(last('hours')).toBeGreaterThan(now + 8 * day)
    }
  })

  it('is told of each, one by one and by processes that remember nothing', async () => {
    series()
    await phone.syncAll(calendar, wish)
    now += 8 * day
    const told = new Set<string>()
    for (let rounds = 0; rounds < 12; rounds++) {
      const { collections: [one] } = await phone.sync({ collections: [{ id: calendar, ...wish, window: 1 }] })
      for (const id of [...one?.adds ?? [], ...one?.changes ?? []]) told.add(subjectOf(id))
      if (!one?.more) break
      server.forget()
    }
    expect([...told]).toEqual(expect.arrayContaining(['hours', 'months']))
    expect(last('hours')).toBeGreaterThan(now + 8 * day)
    expect(await news()).toEqual([])
  })

  it('that loses the answer is told again', async () => {
    series()
    await phone.syncAll(calendar, wish)
    now += 8 * day
    await phone.sync({ collections: [{ id: calendar, ...wish }], lose: true })
    server.forget()
    expect(await news()).toEqual(expect.arrayContaining(['hours', 'months']))
    expect(await news()).toEqual([])
  })
})

it('what is told anew has not changed: a phone that moves it meanwhile is in nobody’s way', async () => {
  series()
  await phone.syncAll(calendar, wish)
  now += 8 * day
  server.forget()
  const { collections: [told] } = await phone.sync({ collections: [{ id: calendar, ...wish, window: 1 }] })
  expect(told).toMatchObject({ more: true })
  for (const id of phone.held(calendar).items.keys()) {
    const data = [el('Calendar:Subject', `moved ${subjectOf(id)}`)]
    const { collections: [answer] } = await phone.sync({ collections: [{ id: calendar, ...wish, window: 1, getChanges: false, commands: [{ kind: 'Change', id, data }] }] })
    expect(answer?.responses ?? []).toEqual([])
  }
  expect([...account.collections.list(calendar).values()].filter(one => one.includes('SUMMARY:moved'))).toHaveLength(5)
})

it('a Ping says so, once', async () => {
  series()
  await phone.syncAll(calendar, wish)
  const ping = async () => (await phone.ping([calendar], 1)).status
  expect(await ping()).toBe('1')
  now += 8 * day
  expect(await ping()).toBe('2')
  await news()
  expect(await ping()).toBe('1')
})

it('what cannot be read, or is over, is in nobody’s way', async () => {
  series()
  await phone.syncAll(calendar, wish)
  account.collections.put(calendar, 'worse.ics', 'BEGIN:VEVENT nothing')
  expect(await news()).not.toContain('months')
  now += 8 * day
  expect(await news()).toEqual(['hours', 'months'])
})

it('weeks of devices begin at other times, and last a week', () => {
  const at = new Date(begin)
  const ends = Array.from({ length: 50 }, (_, n) => weekOf(at, `phone ${n}`).ends)
  expect(new Set(ends).size).toBeGreaterThan(30)
  for (const [n, end] of ends.entries()) {
    const next = weekOf(new Date(end), `phone ${n}`), before = weekOf(new Date(end - 1), `phone ${n}`)
    expect([before.week, next.week, next.ends]).toEqual([weekOf(at, `phone ${n}`).week, before.week + 1 & 255, end + 7 * day])
    expect(end - begin).toBeLessThanOrEqual(7 * day)
  }
})
