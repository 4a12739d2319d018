// Meetings between two users, over real Dovecot, Exim and Radicale: who was invited answers from the phone.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { text } from '../../src/wire/wbxml.ts'
import { DavUser } from '../support/dav-user.ts'
import { Phone } from '../support/eas-client.ts'
import { startInstance, type Instance } from '../support/instance.ts'
import { startHouse, type House } from '../support/live.ts'
import { livePhones } from '../support/live-phones.ts'
import { calendarOf, invitationMail, mailsIn, respond, responseBody, sendResponse, type Invited } from '../support/meetings.ts'
import type { User } from '../support/users.ts'

let house: House
let postern: Instance
let phone: Phone
let dav: DavUser
let organizer: User, guest: User
let users = 0

beforeAll(async () => {
  house = await startHouse({ radicale: true, users: 60 })
  postern = await startInstance(house, { dav: { url: house.dav.url, pollSeconds: 1 }, settings: { timeZone: 'Europe/Berlin' } })
})
beforeEach(async () => {
  organizer = house.user(users)
  guest = house.user(users + 1)
  await begin('16.1')
})
afterEach(() => {
  users += 2
})
afterAll(async () => {
  await postern.close()
  await house.stop()
  expect(postern.bugs()).toBe(0)
})

async function begin(version: string): Promise<void> {
  phone = phoneOf(guest, { version })
  await phone.folderSync('0')
  dav = new DavUser(house.dav.url, guest.login, guest.password)
  await dav.open('calendar')
}

const phoneOf = livePhones(() => postern.url)

const inbox = (): string => phone.folder('2')
const uid = (): string => `budget-${users}`
const invited = (more: Partial<Invited> = {}): Invited => ({ uid: uid(), organizer: organizer.address, attendee: guest.address, ...more })

/** The invitation arrives; its id on the phone. */
async function invite(more: Partial<Invited> = {}): Promise<string> {
  await house.deliver(guest, invitationMail(invited(more)))
  await phone.syncAll(inbox())
  return [...phone.held(inbox()).items.values()].at(-1)!.id
}

const stored = async (): Promise<string> => [...(await dav.list()).values()].join('\n').replace(/\r\n[ \t]/g, '')
const own = (): RegExp => new RegExp(`^ATTENDEE[^\\r\\n]*PARTSTAT=ACCEPTED[^\\r\\n]*:mailto:${guest.address}`, 'mi')

/** Exim may take a moment, on a busy machine a long one. */
async function replies(count: number): Promise<string[]> {
  for (let tries = 0; tries < 200 && (await mailsIn(house, organizer)).length < count; tries++) await sleep(50)
  await sleep(100)
  return mailsIn(house, organizer)
}

async function anew(): Promise<void> {
  await postern.restart()
  phone = Object.assign(phoneOf(guest, { version: phone.options.version }), { folders: phone.folders, collections: phone.collections })
}

describe.each(['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'])('an invitation accepted by %s', version => {
  it('becomes an event that keeps all it said; the message goes to Trash, and the client mails itself up to 14.1', async () => {
    await begin(version)
    const id = await invite()
    const later = version.startsWith('16')
    const [answer] = await respond(phone, { id, answer: 1, more: later ? [sendResponse('Gladly')] : [] })
    expect(answer).toMatchObject({ status: '1', requestId: id, calendarId: expect.stringMatching(/^c\./) })
    expect(await stored()).toMatch(own())
    expect(await stored()).toContain('X-OTHER')
    expect(await stored()).not.toContain('METHOD')
    expect(await mailsIn(house, guest)).toEqual([])
    expect(await mailsIn(house, guest, 'Trash')).toHaveLength(1)
    await phone.syncAll(phone.folder('8'), { class: 'Calendar' })
    const item = phone.held(phone.folder('8')).items.get(answer!.calendarId!)!
    expect(text(item.data!, 'Calendar:MeetingStatus')).toBe('3')
    if (later || version.startsWith('14')) expect(text(item.data!, 'Calendar:ResponseType')).toBe('3')
    const mails = await replies(later ? 1 : 0)
    expect(mails).toHaveLength(later ? 1 : 0)
    if (!later) return
    expect(mails[0]).toMatch(/^Subject: Accepted: Budget/m)
    expect(mails[0]).toContain('Gladly')
    expect(calendarOf(mails[0]!)).toMatch(/METHOD:REPLY/)
    expect(calendarOf(mails[0]!)).toMatch(own())
    expect(calendarOf(mails[0]!)).not.toContain('third@elsewhere.test')
  })
})

describe('a meeting that is called off by mail', () => {
  it('is told so in the calendar, by its organizer only', async () => {
    await respond(phone, { id: await invite(), answer: 1 })
    const off = (from: string): string => invitationMail(invited({ method: 'CANCEL', sequence: 1 })).replace(/^From: .*$/m, `From: ${from}`)
    await house.deliver(guest, off('somebody@else.test'))
    await phone.syncAll(inbox())
    await sleep(500)
    expect(await stored()).not.toContain('STATUS:CANCELLED')
    await house.deliver(guest, off(organizer.address))
    await phone.syncAll(inbox())
    await vi.waitFor(async () => expect(await stored()).toContain('STATUS:CANCELLED'), { timeout: 3000 })
    await phone.syncAll(phone.folder('8'))
    expect([...phone.held(phone.folder('8')).items.values()].map(({ data }) => text(data!, 'Calendar:MeetingStatus'))).toEqual(['7'])
  })
})

describe('an answer', () => {
  it('is given once, however often it is asked, also after a restart', async () => {
    const id = await invite()
    const wish = { id, answer: 1, more: [sendResponse()] } as const
    const first = await respond(phone, wish)
    const before = await stored()
    expect(await respond(phone, wish)).toEqual(first)
    await anew()
    expect(await respond(phone, wish)).toEqual(first)
    expect(await stored()).toBe(before)
    expect(await replies(1)).toHaveLength(1)
    expect(await mailsIn(house, guest, 'Trash')).toHaveLength(1)
  })

  it('that got as far as the event goes on from there', async () => {
    const id = await invite()
    await house.exim.stop()
    const wish = { id, answer: 1, more: [sendResponse()] } as const
    expect((await respond(phone, wish))[0]).toMatchObject({ status: '3' })
    expect(await mailsIn(house, guest)).toHaveLength(1)
    await house.exim.start()
    await anew()
    expect((await respond(phone, wish))[0]).toMatchObject({ status: '1' })
    expect(await replies(1)).toHaveLength(1)
    expect((await dav.list()).size).toBe(1)
    expect(await mailsIn(house, guest)).toHaveLength(0)
  })

  it('no answer is mailed without SendResponse', async () => {
    const id = await invite()
    expect((await respond(phone, { id, answer: 1 }))[0]).toMatchObject({ status: '1' })
    expect(await replies(0)).toEqual([])
  })

  it('declining leaves no event, and says so once', async () => {
    const id = await invite()
    const wish = { id, answer: 3, more: [sendResponse('Sorry')] } as const
    expect((await respond(phone, wish))[0]).toEqual({ status: '1', requestId: id, calendarId: undefined, instanceId: undefined })
    await anew()
    expect((await respond(phone, wish))[0]).toMatchObject({ status: '1' })
    expect((await dav.list()).size).toBe(0)
    const mails = await replies(1)
    expect(mails).toHaveLength(1)
    expect(calendarOf(mails[0]!)).toMatch(/PARTSTAT=DECLINED/)
  })

  it('declining what was accepted removes it', async () => {
    const [first] = await respond(phone, { id: await invite(), answer: 1, more: [sendResponse()] })
    const wish = { id: first!.calendarId!, answer: 3, more: [sendResponse()] } as const
    expect((await respond(phone, wish))[0]).toMatchObject({ status: '1', calendarId: undefined })
    expect((await respond(phone, wish))[0]).toMatchObject({ status: '1' })
    expect((await dav.list()).size).toBe(0)
    expect((await replies(2)).map(mail => /^Subject: (.*)\r$/m.exec(mail)?.[1])).toEqual(['Accepted: Budget', 'Declined: Budget'])
  })

  it('to a later version changes the same event, and an older one does not', async () => {
    const [first] = await respond(phone, { id: await invite(), answer: 1 })
    const name = [...(await dav.list()).keys()]
    const [second] = await respond(phone, { id: await invite({ sequence: 1, hour: 14, stamp: '20261121T080000Z' }), answer: 2 })
    expect(second!.calendarId).toBe(first!.calendarId)
    expect([...(await dav.list()).keys()]).toEqual(name)
    expect(await stored()).toMatch(/DTSTART[^\r\n]*20261207T140000/)
    expect(await stored()).toMatch(/PARTSTAT=TENTATIVE/)
    await respond(phone, { id: await invite(), answer: 1 })
    expect(await stored()).toMatch(/DTSTART[^\r\n]*20261207T140000/)
  })

  it('with another time is a counter proposal', async () => {
    await respond(phone, { id: await invite(), answer: 2, more: [sendResponse('Later?', ['20261207T130000Z', '20261207T140000Z'])] })
    const [mail] = await replies(1)
    expect(calendarOf(mail!)).toMatch(/METHOD:COUNTER[^]*DTSTART:20261207T130000Z/)
    expect(calendarOf(mail!)).toMatch(/X-MS-OLK-ORIGINALSTART[^\r\n]*20261207T100000/)
    expect(mail).toMatch(/^Content-Type: text\/calendar; charset=utf-8; method=COUNTER/m)
  })

  it('by a LongId, and from the calendar to one occurrence', async () => {
    const id = await invite({ lines: ['RRULE:FREQ=DAILY;COUNT=4'] })
    const [first] = await respond(phone, { id, answer: 1, longId: true })
    expect(first).toMatchObject({ status: '1', requestId: undefined })
    const event = first!.calendarId!
    const instance = '2026-12-08T09:00:00.000Z'
    expect((await respond(phone, { id: event, answer: 2, instance, more: [sendResponse()] }))[0]).toMatchObject({ status: '1', calendarId: event, instanceId: instance })
    expect(await stored()).toMatch(/RECURRENCE-ID[^\r\n]*20261208T100000/)
    const [mail] = await replies(1)
    expect(calendarOf(mail!)).toMatch(/RECURRENCE-ID[^\r\n]*20261208T100000/)
    expect(calendarOf(mail!).match(/BEGIN:VEVENT/g)).toHaveLength(1)
    expect((await respond(phone, { id: event, answer: 3, instance: '2026-12-09T09:00:00.000Z' }))[0]).toMatchObject({ status: '1', calendarId: undefined })
    expect(await stored()).toMatch(/EXDATE[^\r\n]*20261209T100000/)
  })

  it('to nothing that can be answered has a status of its own', async () => {
    const id = await invite()
    const answer = async (wish: Parameters<typeof respond>[1], one = phone): Promise<string> => (await respond(one, wish))[0]!.status
    expect(await answer({ id, answer: 4 as 3 })).toBe('2')
    expect(await answer({ id: `${inbox()}:1:zz`, answer: 1 })).toBe('2')
    expect(await answer({ id, answer: 1, folder: phone.folder('4') })).toBe('2')
    expect(await answer({ id, answer: 1, instance: '2026-12-08T09:00:00.000Z' })).toBe('2')
    expect(await answer({ id, answer: 1, instance: '20261208T090000Z' })).toBe('104')
    const old = phoneOf(guest, { version: '14.0', deviceId: 'OLD' })
    expect(await answer({ id, answer: 1, instance: '2026-12-08T09:00:00.000Z' }, old)).toBe('2')
    expect(await answer({ id, answer: 1, more: [sendResponse()] }, old)).toBe('2')
    const [first] = await respond(phone, { id, answer: 1 })
    expect(await answer({ id: first!.calendarId!, answer: 1 }, old)).toBe('2')
    expect(await answer({ id: first!.calendarId!, answer: 1, instance: '2026-12-08T09:00:00.000Z' })).toBe('146')
    await house.deliver(guest, 'From: a@b.test\r\nSubject: no meeting\r\n\r\nhello\r\n')
    await phone.syncAll(inbox())
    expect(await answer({ id: [...phone.held(inbox()).items.keys()].at(-1)!, answer: 1 })).toBe('2')
    expect(await answer({ id: await invite({ uid: `${uid()}-own`, organizer: guest.address }), answer: 1 })).toBe('2')
    const many = await phone.raw('MeetingResponse', responseBody(Array.from({ length: 101 }, () => ({ id, answer: 1 }))))
    expect(Buffer.from(many.bytes).toString('latin1')).toContain('103')
  })
})
