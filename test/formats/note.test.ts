import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { newNote, patchNote, readNote } from '../../src/formats/note.ts'
import { effort } from '../support/effort.ts'
import { mutations } from '../support/fuzz.ts'

const now = new Date('2026-11-25T09:30:00Z')
const journal = (...lines: readonly string[]): Buffer =>
  Buffer.from(['BEGIN:VCALENDAR', 'VERSION:2.0', 'BEGIN:VJOURNAL', 'UID:1', ...lines, 'END:VJOURNAL', 'END:VCALENDAR', ''].join('\r\n'))

describe('a stored VJOURNAL', () => {
  it('is a note', () => {
    expect(readNote(journal('DTSTAMP:20260101T000000Z', 'SUMMARY:To\\, do', 'DESCRIPTION;ALTREP="cid:x":one\\n', ' two', 'CATEGORIES:A,B\\,b', 'CATEGORIES:A,C'))).toEqual({
      subject: 'To, do', text: 'one\ntwo', categories: ['A', 'B,b', 'C'], modified: new Date('2026-01-01T00:00:00Z'), kind: undefined,
    })
  })

  it('is patched in its lines, and says when', () => {
    const lines = ['X-FOREIGN;A=1:x', 'SUMMARY;LANGUAGE=en:old', 'DESCRIPTION;ALTREP="cid:x":old', 'DESCRIPTION:second', 'ATTACH:http://x', 'LAST-MODIFIED:20200101T000000Z', 'CATEGORIES:A', 'CATEGORIES:B']
    expect(Buffer.from(patchNote(journal(...lines), { subject: 'new, er', text: 'a\nb', categories: ['C;'] }, now)).toString()).toBe(journal(
      'X-FOREIGN;A=1:x', 'SUMMARY;LANGUAGE=en:new\\, er', 'DESCRIPTION:a\\nb', 'DESCRIPTION:second', 'ATTACH:http://x', 'LAST-MODIFIED:20261125T093000Z', 'CATEGORIES:C\\;',
    ).toString())
    expect(Buffer.from(patchNote(journal(...lines), { subject: '', categories: [] }, now)).toString()).toBe(journal(
      'X-FOREIGN;A=1:x', 'DESCRIPTION;ALTREP="cid:x":old', 'DESCRIPTION:second', 'ATTACH:http://x', 'LAST-MODIFIED:20261125T093000Z',
    ).toString())
  })

  it('stays as it is where nothing changes', () => {
    const octets = journal('SUMMARY:a', 'DESCRIPTION:b')
    expect(patchNote(octets, { subject: 'a', text: 'b', categories: [] }, now)).toBe(octets)
  })

  it('of a hundred thousand lines takes no time to speak of', () => {
    const octets = journal(...Array.from({ length: 100_000 }, (_, index) => `CATEGORIES:${index}`))
    expect(effort(() => expect(readNote(patchNote(octets, { subject: 'a', categories: ['x'] }, now)).categories).toEqual(['x']))).toBeLessThan(5)
  })

  it('is new', () => {
    expect(readNote(newNote({ subject: 's', text: 't', categories: ['c'] }, 'uid', now))).toEqual({ subject: 's', text: 't', categories: ['c'], modified: now, kind: undefined })
  })

  it('the series is meant, not one of its days', () => {
    const octets = Buffer.from('BEGIN:VCALENDAR\nBEGIN:VJOURNAL\nRECURRENCE-ID:20260101\nSUMMARY:day\nEND:VJOURNAL\nBEGIN:VJOURNAL\nSUMMARY:series\nEND:VJOURNAL\nEND:VCALENDAR\n')
    expect(readNote(octets).subject).toBe('series')
  })
})

it.each(['', 'BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR', 'BEGIN:VJOURNAL\nEND:VJOURNAL'])('%j is malformed', text => {
  expect(() => readNote(Buffer.from(text))).toThrow(expect.objectContaining({ kind: 'malformed' }))
})

it('20,000 mutations are read and changed, or refused', () => {
  const samples = [journal('DTSTAMP:20260101T000000Z', 'SUMMARY:To\\, do', 'DESCRIPTION;ALTREP="cid:x":one\\n', ' two', 'CATEGORIES:A,B\\,b')]
  for (const bytes of mutations(samples, 20_000, 80)) {
    try {
      expect(readNote(patchNote(bytes, { subject: 'x', text: 'y' }, now))).toMatchObject({ subject: 'x', text: 'y' })
    } catch (error) {
      if (!(error instanceof Failure)) throw error
    }
  }
})
