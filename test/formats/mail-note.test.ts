import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { newMailNote, patchMailNote, readMailNote, upToText } from '../../src/formats/mail-note.ts'
import { parseEntity, type Entity } from '../../src/formats/mime-tree.ts'
import { mutations } from '../support/fuzz.ts'
import { golden } from '../support/golden.ts'
import { mailNotes, picture } from '../support/mail-notes.ts'

const now = new Date('2026-11-25T09:30:00Z')
const of = (origin: string): Buffer => mailNotes.find(([one]) => one.startsWith(origin))![1]
const print = (octets: Uint8Array): string => Buffer.from(octets).toString('latin1').replace(/\r\n/g, '\n')
  .replace(/(?<=^Message-I[dD]: <)[0-9a-f-]{36}/gm, 'another').replace(/=_[\w-]{24}/g, 'boundary')
/** What is in parts that hold no text. */
const others = (octets: Uint8Array): string[] => {
  const walk = (one: Entity): Entity[] => one.children.length > 0 ? one.children.flatMap(walk) : one.type.startsWith('text/') ? [] : [one]
  return walk(parseEntity(octets)).map(({ body }) => Buffer.from(body).toString('latin1').trim())
}
const fieldsOf = (octets: Uint8Array): string[] => print(octets).split('\n\n', 1)[0]!.split(/\n(?![ \t])/)

describe('a note in a mailbox', () => {
  it.each(mailNotes)('of %s is read', (origin, octets) => {
    golden(`formats/mail-note/${origin.replace(/\W+/g, '-')}.json`, JSON.stringify(readMailNote(octets), undefined, 2))
  })

  it.each(mailNotes)('of %s is changed and keeps the rest', (origin, octets) => {
    const changed = patchMailNote(octets, { text: 'New\n\ntext <1>', categories: ['Home', 'Büro', 'a, b'], kind: 'IPM.StickyNote.Mine' }, now)
    golden(`formats/mail-note/${origin.replace(/\W+/g, '-')}-changed.eml`, print(changed))
    expect(readMailNote(changed)).toMatchObject({ text: 'New\n\ntext <1>', categories: ['Home', 'Büro', 'a, b'], kind: 'IPM.StickyNote.Mine', modified: now })
    expect(others(changed)).toEqual(others(octets))
    const own = /^(Subject|Date|Message-ID|Keywords|X-Postern-Note-Kind|Content-|MIME-Version)/i
    expect(fieldsOf(changed).filter(line => !own.test(line))).toEqual(fieldsOf(octets).filter(line => !own.test(line)).filter(Boolean))
  })

  it.each(mailNotes)('of %s that is told as it is stays as it is, octet for octet', (_, octets) => {
    const { subject, text, html, categories, kind } = readMailNote(octets)
    expect(patchMailNote(octets, { subject, text, html, categories, kind: kind ?? '' }, now)).toBe(octets)
    expect(patchMailNote(octets, {}, now)).toBe(octets)
  })

  it('keeps its body when only its categories change', () => {
    const octets = of('a Mac'), changed = patchMailNote(octets, { categories: ['Sea'] }, now)
    const body = (all: Uint8Array): string => Buffer.from(all).toString('latin1').split('\r\n\r\n').slice(1).join('\r\n\r\n')
    expect(body(changed)).toBe(body(octets))
    expect(readMailNote(changed).categories).toEqual(['Sea'])
  })

  it('still shows a picture that the new text does not name, and once where it does', () => {
    const shown = (octets: Uint8Array): number => print(octets).split('data="cid:P1@x"').length - 1
    const plain = patchMailNote(of('a Mac'), { text: 'Words' }, now)
    expect([shown(plain), print(plain).includes(picture)]).toEqual([1, true])
    expect(shown(patchMailNote(plain, { text: 'Others' }, now))).toBe(1)
    const html = readMailNote(of('a Mac')).html!.replace('sea', 'mountain')
    expect(shown(patchMailNote(of('a Mac'), { text: 'x', html }, now))).toBe(1)
  })

  it('has a subject that follows the first line where it did, and one of its own otherwise', () => {
    expect(readMailNote(patchMailNote(of('an iPhone'), { text: 'Errands\nMilk' }, now)).subject).toBe('Errands')
    expect(readMailNote(patchMailNote(of('an iPhone'), { text: 'Errands', subject: 'Mine' }, now)).subject).toBe('Mine')
    expect(readMailNote(patchMailNote(of('a mail program'), { text: 'Errands' }, now)).subject).toBe('Forwarded')
  })

  it('that is new has all that Apple’s programs write, and is read again', () => {
    const octets = newMailNote({ subject: 'Größe', text: 'Größe\n1 < 2', categories: ['Maß'] }, 'anna@postern.test', now)
    golden('formats/mail-note/new.eml', print(octets))
    expect(readMailNote(octets)).toMatchObject({ subject: 'Größe', text: 'Größe\n1 < 2', categories: ['Maß'], modified: now })
  })

  const line = fc.string({ unit: 'grapheme', maxLength: 40 }).map(text => text.replace(/[\s\p{C}\u{34f}]+/gu, ' ').trim()).filter(text => text !== '' && text.isWellFormed())
  it('keeps any text, subject and categories', () => {
    fc.assert(fc.property(fc.constantFrom(...mailNotes), fc.array(line, { minLength: 1, maxLength: 5 }), line, fc.uniqueArray(line, { maxLength: 4 }), (note, lines, subject, categories) => {
      const text = lines.join('\n'), octets = patchMailNote(note[1], { text, subject, categories }, now)
      expect(readMailNote(octets)).toMatchObject({ text, subject, categories })
      expect(patchMailNote(octets, { text, subject, categories }, now)).toBe(octets)
    }), { numRuns: 300 })
  })

  it('is read from its beginning as from the whole', () => {
    const large = Buffer.concat([of('a Mac').subarray(0, -30), Buffer.from(`\r\n${'QUFB'.repeat(19)}`.repeat(2000)), Buffer.from('\r\n--Apple-Mail=_7A1F--\r\n')])
    expect(upToText(large).length).toBeLessThan(2000)
    expect(readMailNote(upToText(large))).toEqual(readMailNote(large))
  })

  it('of any octets is read and changed, or refused', () => {
    for (const octets of mutations(mailNotes.map(([, one]) => one), 20_000, 7)) {
      try {
        readMailNote(upToText(octets))
        patchMailNote(octets, { text: 'x', categories: ['y'] }, now)
      } catch (error) {
        if (!(error instanceof Failure)) throw error
      }
    }
  }, 60_000)
})
