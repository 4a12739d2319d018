import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { readEvent } from '../../src/formats/event-read.ts'
import { answeredBy, answerEvent, itipObject, mergeInvitation, takeReply, withoutMethod, type Answered, type Reply } from '../../src/formats/itip.ts'
import { patchEvent } from '../../src/formats/event-patch.ts'
import { itipMail } from '../../src/formats/itip-mail.ts'
import { createZones } from '../../src/formats/zones.ts'
import { mutations } from '../support/fuzz.ts'
import { invitation, type Invited } from '../support/meetings.ts'

const zones = createZones()
const context = { zones, zone: zones.named('Europe/Berlin')! }
const me = 'anna@postern.test', boss = 'boss@other.test'
const event = (more: Partial<Invited> = {}): Uint8Array =>
  withoutMethod(Buffer.from(invitation({ uid: 'u', organizer: boss, attendee: me, ...more })))
const answered = (answer: Answered['answer'], more: Partial<Answered> = {}): Answered =>
  ({ addresses: [me], displayName: undefined, answer, now: Date.parse('2026-11-25T10:00:00Z'), ...more })
const text = (octets: Uint8Array): string => Buffer.from(octets).toString().replace(/\r\n[ \t]/g, '')
const lines = (octets: Uint8Array): string[] => text(octets).split('\r\n')
const without = (octets: Uint8Array, others: Uint8Array): string[] => lines(octets).filter(line => !lines(others).includes(line))

describe('an answer', () => {
  it('changes the own attendee and notes when', () => {
    const stored = event()
    expect(without(answerEvent(stored, answered('accepted'), context), stored)).toEqual([
      `ATTENDEE;CN=You;PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:${me}`, 'X-MICROSOFT-CDO-REPLYTIME:20261125T100000Z',
    ])
  })

  it('given again changes nothing, also later', () => {
    const once = answerEvent(event(), answered('accepted', { noted: 'f:1:1' }), context)
    expect(answerEvent(once, answered('accepted', { noted: 'f:1:1', now: Date.parse('2027-01-01T00:00:00Z') }), context)).toEqual(once)
    expect(answeredBy(once)).toBe('f:1:1')
  })

  it('that is tentative takes the time so, until it is accepted', () => {
    const tentative = answerEvent(event({ lines: ['X-MICROSOFT-CDO-INTENDEDSTATUS:OOF'] }), answered('tentative'), context)
    expect(readEvent(tentative, context).busy).toBe('tentative')
    expect(readEvent(answerEvent(tentative, answered('accepted'), context), context).busy).toBe('oof')
  })

  it('of one that others tell of says so to a server that schedules', () => {
    const quiet = answerEvent(event(), answered('accepted', { agent: 'CLIENT' }), context)
    expect(text(quiet)).toContain(`ORGANIZER;CN=Organizer;SCHEDULE-AGENT=CLIENT:mailto:${boss}`)
    expect(text(answerEvent(quiet, answered('declined', { agent: 'SERVER' }), context))).toContain(`ORGANIZER;CN=Organizer:mailto:${boss}`)
    expect(text(itipObject(quiet, { method: 'REQUEST', stamp: 0 }, context))).not.toContain('SCHEDULE-AGENT')
  })
})

describe('a later invitation', () => {
  it.each([
    ['of an earlier version', { sequence: 0 }, false], ['of the same version and time', { sequence: 1 }, false],
    ['of the same version, sent later', { sequence: 1, stamp: '20261122T080000Z' }, true], ['of a later version', { sequence: 2, stamp: '20261101T080000Z' }, true],
  ])('%s', (_, more, changes) => {
    const stored = event({ sequence: 1, lines: ['CATEGORIES:Mine'] })
    const merged = mergeInvitation(stored, event({ ...more, hour: 15 }), context)
    expect(text(merged).includes('T150000')).toBe(changes)
    expect(text(merged)).toContain('CATEGORIES:Mine')
  })
})

describe('what is mailed', () => {
  const stored = event({ lines: ['CATEGORIES:Mine', 'X-POSTERN-ANSWERED:f:1:1', 'RRULE:FREQ=DAILY;COUNT=3', 'BEGIN:VALARM', 'ACTION:DISPLAY', 'TRIGGER:-PT5M', 'END:VALARM'] })

  it.each(['REQUEST', 'CANCEL', 'REPLY', 'COUNTER'] as const)('by %s has one METHOD, and nothing that is the user’s own', method => {
    const said = text(itipObject(stored, { method, stamp: 0, only: [me] }, context))
    expect(said.match(/^METHOD:.*$/gm)).toEqual([`METHOD:${method}`])
    expect(said).not.toMatch(/CATEGORIES|POSTERN-ANSWERED|VALARM/)
    expect(said.match(/^ATTENDEE/gm)).toHaveLength(1)
    expect(said).toMatch(/^DTSTAMP:19700101T000000Z$/m)
  })

  it('that is cancelled is a version more', () => {
    const said = text(itipObject(event({ sequence: 4 }), { method: 'CANCEL', stamp: 0, next: true }, context))
    expect(said).toMatch(/^SEQUENCE:5$/m)
    expect(said).toMatch(/^STATUS:CANCELLED$/m)
  })

  it('is a text and an object in one message, and names nobody it should not', () => {
    const [octets] = itipMail({
      from: { address: me }, to: [{ address: boss, name: 'Chef, der' }], subject: 'Zusage: Grüße\r\nBcc: x@y.test', messageId: '<1@x>', method: 'REPLY',
      text: { plain: 'Ja', html: '<p>Ja</p>' }, calendar: stored,
    })
    const mail = Buffer.from(octets as Uint8Array).toString()
    expect(mail.match(/^Content-Type: (.*?);/gm)).toEqual(['multipart/alternative', 'text/plain', 'text/html', 'text/calendar'].map(type => `Content-Type: ${type};`))
    expect(mail).toContain('To: "Chef, der" <boss@other.test>')
    expect(mail).not.toMatch(/^Bcc/m)
  })
})

it('replies come to the same in whatever order they are heard, and again', () => {
  const answers = ['accepted', 'tentative', 'declined'] as const
  const stored = event()
  fc.assert(fc.property(fc.array(fc.record({ answer: fc.constantFrom(...answers), minute: fc.integer({ min: 0, max: 10_000 }) }), { minLength: 1, maxLength: 6 }), given => {
    const unique = [...new Map(given.map(one => [one.minute, one])).values()]
    const reply = ({ answer, minute }: (typeof unique)[number]): Reply => ({ attendee: me.toUpperCase(), answer, sequence: 0, stamp: Date.UTC(2026, 10, 20, 9) + minute * 60_000, original: undefined })
    const heard = (list: typeof unique): Uint8Array => list.reduce((octets, one) => takeReply(octets, reply(one), context), stored)
    const last = unique.reduce((a, b) => a.minute > b.minute ? a : b)
    const after = heard(unique)
    expect(readEvent(after, context).attendees[0]!.answer).toBe(last.answer)
    expect(heard([...unique].reverse())).toEqual(after)
    expect(heard([...unique, ...unique])).toEqual(after)
  }))
  expect(takeReply(event({ sequence: 1 }), { attendee: me, answer: 'declined', sequence: 0, stamp: 0, original: undefined }, context)).toEqual(event({ sequence: 1 }))
  expect(takeReply(stored, { attendee: 'nobody@else.test', answer: 'declined', sequence: 0, stamp: 0, original: undefined }, context)).toEqual(stored)
})

describe('another time that is proposed', () => {
  const proposed = { start: Date.parse('2026-12-07T13:00:00Z'), end: Date.parse('2026-12-07T14:00:00Z') }
  const reply = (day: number, more: Partial<Reply> = {}): Reply =>
    ({ attendee: me, answer: undefined, sequence: 0, stamp: Date.UTC(2026, 10, day), original: undefined, ...more })
  const of = (octets: Uint8Array) => readEvent(octets, context).attendees.map(one => one.proposed)
  const countered = takeReply(event(), reply(21, { proposed, answer: 'tentative' }), context)
  const writing = { ...context, now: Date.UTC(2026, 10, 25), agent: undefined, received: false }

  it('is kept with whoever proposes it, and what he answers along with it', () => {
    expect(without(countered, event())).toEqual([
      `ATTENDEE;CN=You;PARTSTAT=TENTATIVE;RSVP=TRUE;X-POSTERN-REPLIED=20261121T000000Z;X-POSTERN-PROPOSED=20261207T090000Z/20261207T100000Z,20261207T130000Z/20261207T140000Z:mailto:${me}`,
    ])
    expect(of(countered)).toEqual([proposed, undefined])
  })

  it('is no more once he answers, or the event is moved, whoever moves it', () => {
    expect(of(takeReply(countered, reply(22, { answer: 'accepted' }), context))).toEqual([undefined, undefined])
    const when = { start: Date.parse('2026-12-07T12:00:00Z'), end: Date.parse('2026-12-07T13:00:00Z'), allDay: false, zone: context.zone }
    const moved = patchEvent(countered, { when }, writing)
    expect(text(moved)).not.toContain('PROPOSED')
    expect(of(Buffer.from(text(countered).replace('20261207T110000', '20261207T113000')))).toEqual([undefined, undefined])
    expect(of(patchEvent(countered, { summary: 'Other' }, writing))).toEqual([proposed, undefined])
  })

  it('is not kept where the organizer wants none, before what was heard, or of an earlier version', () => {
    expect(of(takeReply(event({ lines: ['X-MICROSOFT-DISALLOW-COUNTER:TRUE'] }), reply(21, { proposed }), context))).toEqual([undefined, undefined])
    expect(takeReply(countered, reply(20, { proposed: { ...proposed, start: 0 } }), context)).toEqual(countered)
    expect(takeReply(event({ sequence: 1 }), reply(21, { proposed }), context)).toEqual(event({ sequence: 1 }))
  })

  it('is nobody else’s business', () => {
    expect(text(itipObject(countered, { method: 'REQUEST', stamp: 0 }, context))).not.toContain('POSTERN-PROPOSED')
  })
})

it('whatever comes becomes a value, or it is malformed', () => {
  const short = (text: string): string => text.replace(/BEGIN:VTIMEZONE[^]*END:VTIMEZONE\r\n/, '')
  const samples = [[], ['RRULE:FREQ=DAILY', 'EXDATE:20261208T090000Z'], ['RECURRENCE-ID;TZID=Europe/Berlin:20261208T100000']]
    .map(lines => Buffer.from(short(invitation({ uid: 'u', organizer: boss, attendee: me, lines }))))
  const stored = withoutMethod(Buffer.from(short(invitation({ uid: 'u', organizer: boss, attendee: me, lines: ['RRULE:FREQ=DAILY;COUNT=4'] }))))
  const answer = answered('accepted', { noted: 'x' })
  const looks: readonly ((after: Uint8Array) => unknown)[] = [
    after => itipObject(after, { method: 'COUNTER', stamp: 0, only: [me], proposed: { start: 0, end: 1000, zone: context.zone } }, context),
    after => takeReply(after, { attendee: me, answer: 'declined', sequence: 9, stamp: 0, original: undefined }, context),
    after => expect(Buffer.compare(answerEvent(after, answer, context), after)).toBe(0),
  ]
  let n = 0
  for (const octets of mutations(samples, 20_000, 7)) {
    try {
      const fresh = withoutMethod(octets)
      looks[n++ % looks.length]!(answerEvent(n % 2 ? fresh : mergeInvitation(stored, fresh, context), answer, context))
    } catch (error) {
      if (!(error instanceof Failure)) throw error
    }
  }
}, 120_000)
