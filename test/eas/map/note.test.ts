import { describe, expect, it } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { noteClass, type NoteContext } from '../../../src/eas/map/note.ts'
import { readNote } from '../../../src/formats/note.ts'
import { el, type Node } from '../../../src/wire/wbxml.ts'
import { changedNames, dataOf } from '../../support/cards.ts'
import { golden, printNode } from '../../support/golden.ts'

const { hear, say } = noteClass
const context = (more: Partial<NoteContext> = {}): NoteContext => ({ version: '16.1', bodies: [], now: new Date('2026-11-25T09:30:00Z'), person: { addresses: ['anna@postern.test'] }, ...more })
const versions = ['14.0', '14.1', '16.0', '16.1'] as const
const stored = Buffer.from([
  'BEGIN:VCALENDAR', 'VERSION:2.0', 'BEGIN:VJOURNAL', 'UID:1', 'DTSTAMP:20260101T000000Z', 'SUMMARY:Shopping', 'DESCRIPTION:Milk\\, eggs\\nBread', 'CATEGORIES:Home',
  'CATEGORIES:Week\\, 47', 'X-FOREIGN:x', 'ATTACH:http://x', 'END:VJOURNAL', 'END:VCALENDAR', '',
].join('\r\n'))
const body = (text: string, type = '1'): Node => el('AirSyncBase:Body', [el('AirSyncBase:Type', type), el('AirSyncBase:Data', text)])
const heard = (nodes: readonly Node[], octets: Uint8Array | undefined = stored, more?: Partial<NoteContext>): Buffer =>
  Buffer.from(hear(octets, dataOf(nodes), context(more)))
const categories = say(stored, context()).filter(one => one.tag === 'Notes:Categories')

describe('notes (trap 80)', () => {
  it('are told', async () => {
    golden('formats/note.xml', await printNode(el('AirSync:ApplicationData', say(stored, context()))))
    for (const version of versions) expect(say(stored, context({ version }))).toEqual(say(stored, context()))
  })

  it.each([1, 2, 3] as const)('come back in a body of type %d without a change', type => {
    for (const version of versions) {
      const bodies = [{ type }]
      expect(heard(say(stored, context({ version, bodies })), stored, { version, bodies }).equals(stored)).toBe(true)
    }
  })

  it('without text have an empty Data', () => {
    const octets = heard([body(''), ...categories])
    expect(say(octets, context())[0]!.children).toContainEqual(el('AirSyncBase:Data'))
    expect(heard(say(octets, context()), octets).equals(octets)).toBe(true)
  })

  it('without a subject are called by their first line, which is not stored', () => {
    const octets = Buffer.from('BEGIN:VCALENDAR\nBEGIN:VJOURNAL\nDESCRIPTION:\\nMilk\\nBread\nEND:VJOURNAL\nEND:VCALENDAR\n')
    const nodes = say(octets, context())
    expect(nodes).toContainEqual(el('Notes:Subject', 'Milk'))
    expect(heard(nodes, octets).equals(octets)).toBe(true)
  })

  it.each([
    ['Body', [body('New\r\ntext'), ...categories], ['DESCRIPTION', 'LAST-MODIFIED']],
    ['Subject', [el('Notes:Subject', 'New; one'), ...categories], ['LAST-MODIFIED', 'SUMMARY']],
    ['Categories', [el('Notes:Categories', [el('Notes:Category', 'Home')])], ['CATEGORIES', 'LAST-MODIFIED']],
    ['no Categories', [], ['CATEGORIES', 'LAST-MODIFIED']],
    ['LastModifiedDate, which is the server\'s', [el('Notes:LastModifiedDate', '20000101T000000Z'), ...categories], []],
    ['MessageClass as it is', [el('Notes:MessageClass', 'IPM.StickyNote'), ...categories], []],
    ['MessageClass of its own', [el('Notes:MessageClass', 'IPM.StickyNote.Mine'), ...categories], ['LAST-MODIFIED', 'X-POSTERN-NOTE-KIND']],
    ['an empty Body', [body(''), ...categories], ['DESCRIPTION', 'LAST-MODIFIED']],
  ] as const)('%s is said', (_, nodes, expected) => {
    for (const version of versions) expect(changedNames(stored, heard(nodes, stored, { version }))).toEqual(expected)
  })

  it('the kind of note and the time of the change are told again', () => {
    const nodes = say(heard([el('Notes:MessageClass', 'IPM.StickyNote.Mine'), ...categories]), context())
    expect(nodes).toContainEqual(el('Notes:MessageClass', 'IPM.StickyNote.Mine'))
    expect(nodes).toContainEqual(el('Notes:LastModifiedDate', '20261125T093000Z'))
  })

  it.each(['IPM.Note', 'IPM.StickyNotes', '', 'IPM.StickyNote.\n'])('MessageClass %j is refused', text => {
    expect(() => heard([el('Notes:MessageClass', text)])).toThrow(expect.objectContaining({ kind: 'malformed' }))
  })

  it('bodies in HTML become text, those in MIME are refused', () => {
    expect(readNote(heard([body('<p>a<br>b</p>', '2')])).text).toBe('a\nb')
    expect(() => heard([body('x', '4')])).toThrow(Failure)
  })

  it('a new one has all it needs', () => {
    const octets = hear(undefined, dataOf([el('Notes:Subject', 'S'), body('T'), el('Notes:Categories', [el('Notes:Category', 'C')])]), context())
    expect(readNote(octets)).toEqual({ subject: 'S', text: 'T', categories: ['C'], modified: context().now, kind: undefined })
    expect(Buffer.from(octets).toString()).toMatch(/^BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:.*\r\nBEGIN:VJOURNAL\r\nUID:[0-9a-f-]{36}\r\nDTSTAMP:20261125T093000Z\r\n/)
  })
})
