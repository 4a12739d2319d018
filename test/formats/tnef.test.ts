import { describe, expect, it } from 'vitest'
import { packRtf } from '../../src/formats/rtf-compression.ts'
import { readTnef } from '../../src/formats/tnef.ts'
import { tnefInvitation } from '../../src/formats/tnef-invitation.ts'
import { effort } from '../support/effort.ts'
import { mutations } from '../support/fuzz.ts'
import { appointmentSet, meetingSet, writeTnef } from '../support/tnef-write.ts'

const rtf = packRtf(Buffer.from(String.raw`{\rtf1\ansi\fromhtml1 {\*\htmltag <p>}Hello}`))
const whole = writeTnef({
  messageClass: 'IPM.Microsoft Mail.Note',
  properties: [{ id: 0x1009, value: rtf }, { id: [appointmentSet, 0x8208], value: 'somewhere' }, { id: 0x1000, value: 'plain' }],
  files: [
    { title: 'SHORT~1.PDF', data: Buffer.from('pdf'), properties: [{ id: 0x3707, value: 'Übersicht 2026.pdf' }, { id: 0x370e, value: 'application/pdf' }] },
    { title: 'logo.png', data: Buffer.from('png'), properties: [{ id: 0x3712, value: '<logo@x>' }, { id: 0x3714, value: 4 }] },
    { title: 'note', properties: [{ id: 0x3701, type: 0x0d, value: Buffer.concat([Buffer.alloc(16), writeTnef({ body: 'inner' })]) }] },
    { title: 'nothing' },
  ],
})

it('a stream holds a body and files', () => {
  const { messageClass, body, files } = readTnef(whole)
  expect({ messageClass, body, files: files.map(({ octets, ...rest }) => ({ ...rest, octets: Buffer.from(octets).toString('latin1').slice(0, 3) })) }).toEqual({
    messageClass: 'IPM.Note', body: { html: true, text: '<p>Hello' },
    files: [
      { name: 'Übersicht 2026.pdf', type: 'application/pdf', contentId: undefined, inline: false, octets: 'pdf' },
      { name: 'logo.png', type: undefined, contentId: 'logo@x', inline: true, octets: 'png' },
      { name: 'note.dat', type: 'application/ms-tnef', contentId: undefined, inline: false, octets: 'x\x9f>' },
    ],
  })
})

it.each([
  ['HTML', [{ id: 0x1013, value: Buffer.from('<i>\xfc</i>', 'latin1') }, { id: 0x1009, value: rtf }], { html: true, text: '<i>ü</i>' }],
  ['plain text', [{ id: 0x1000, value: 'grün' }], { html: false, text: 'grün' }],
  ['RTF that is none', [{ id: 0x1009, value: Buffer.alloc(40) }], { html: false, text: 'attribute' }],
  ['the text of its own attribute', [], { html: false, text: 'attribute' }],
])('the body is %s', (_, properties, expected) => {
  expect(readTnef(writeTnef({ properties, body: 'attribute' })).body).toEqual(expected)
})

it.each(['image/png\r\nSet-Cookie: x', 'multipart/mixed', 'message/rfc822', 'png', ''])('a type that is none of a file is left out: %j', type => {
  expect(readTnef(writeTnef({ files: [{ title: 'a', data: Buffer.of(1), properties: [{ id: 0x370e, value: type }] }] })).files[0]!.type).toBeUndefined()
})

describe('a meeting', () => {
  const at = (time: string): Date => new Date(`2026-11-23T${time}:00.000Z`)
  const id = Buffer.from('040000008200e00074c5b7101a82e00800000000a0d5c1e2f35bd901000000000000000004000000deadbeef', 'hex')
  const meeting = (messageClass: string) => tnefInvitation(readTnef(writeTnef({ messageClass, properties: [
    { id: [appointmentSet, 0x820d], value: at('09:00') }, { id: [appointmentSet, 0x820e], value: at('10:00') },
    { id: [appointmentSet, 0x8208], value: 'Room 1' }, { id: [appointmentSet, 0x8224], value: 2 }, { id: 0x0036, value: 2 },
    { id: [meetingSet, 3], value: id },
  ] })))

  it('has times, a place, and an id', () => {
    expect(meeting('IPM.Schedule.Meeting.Request')).toMatchObject({
      method: 'REQUEST', start: at('09:00'), end: at('10:00'), location: 'Room 1', busy: 'BUSY', sensitivity: 'PRIVATE', uid: id.toString('hex').toUpperCase(),
    })
  })

  it.each([
    ['IPM.Microsoft Schedule.MtgCncl', 'CANCEL', []], ['IPM.Schedule.Meeting.Resp.Neg', 'REPLY', ['DECLINED']], ['IPM.Note', undefined, undefined],
  ])('of class %s', (messageClass, method, answers) => {
    const found = meeting(messageClass)
    expect([found?.method, found?.attendees.map(({ status }) => status)]).toEqual([method, answers])
  })
})

it.each([Buffer.alloc(0), Buffer.from('no TNEF at all')])('another format is malformed', octets => {
  expect(() => readTnef(octets)).toThrow(expect.objectContaining({ kind: 'malformed' }))
})

it('whatever octets are a stream or malformed, and soon', () => {
  for (const octets of mutations([whole], 3000, 9)) {
    try {
      const tnef = readTnef(octets)
      expect(Array.isArray(tnef.files)).toBe(true)
      tnefInvitation(tnef)
    } catch (error) {
      expect(error).toMatchObject({ kind: 'malformed' })
    }
  }
  // Sixty thousand values that are announced and not there
  const lying = writeTnef({ properties: [{ id: 1, value: 1 }] })
  lying.fill(0xff, lying.length - 12, lying.length - 8)
  expect(effort(() => readTnef(lying))).toBeLessThan(5)
})
