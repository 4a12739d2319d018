import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { searchedTexts } from '../../src/formats/searched.ts'
import type { ObjectContent } from '../../src/model/folder.ts'
import { storedCards } from '../support/cards.ts'
import { samples } from '../support/events.ts'
import { fullObjects } from '../support/full-objects.ts'
import { mutations } from '../support/fuzz.ts'
import { stored } from '../support/objects-of-each-class.ts'

const texts = (content: ObjectContent, ...lines: string[]) => searchedTexts(Buffer.from(stored(content, 'Anna', ...lines)), content)

describe('what people look for in a stored object', () => {
  it('of a contact is names, addresses, numbers and notes, in one case and without escapes', () => {
    expect(texts('contacts', 'TEL:+49 (221) 1', 'TEL:tel:+1-2;ext=3', 'NOTE:One\\, Two\\nThree', 'ADR:;;Street;Town;;;', 'PHOTO;ENCODING=b:aGVsbG8=', 'X-SPOUSE:Tom', 'X-ABSHOWAS:COMPANY')).toEqual({
      subject: 'anna test\ntest anna', body: 'one, two\nthree', from: '', to: '', rest: '+49 (221) 1\ntel:+1-2;ext=3\nstreet town\ntom',
      numbers: ['492211', '123'], hasFiles: false, start: 0,
    })
  })

  it('of an event says who invites and who comes, and when it begins', () => {
    expect(texts('calendar', 'DTSTART;TZID=Europe/Berlin:20261201T100000', 'ORGANIZER;CN=Bob:mailto:bob@x.example', 'ATTENDEE;CN=Carl:MAILTO:carl@x.example', 'ATTACH:https://x.example/a')).toEqual({
      subject: 'anna', body: '', from: 'bob bob@x.example', to: 'carl carl@x.example', rest: '', numbers: [], hasFiles: true, start: Date.UTC(2026, 11, 1, 10),
    })
  })

  it('is in any character set and encoding that vCard 2.1 has', () => {
    const octets = Buffer.from('BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:Gro=DF;J=FCr=\r\ngen\r\nEND:VCARD\r\n')
    expect(searchedTexts(octets, 'contacts')!.subject).toBe('groß jürgen'.normalize('NFKD'))
  })

  it('is nothing where a folder shows no such object', () => {
    expect(searchedTexts(Buffer.from(stored('tasks', 'Anna')), 'calendar')).toBeUndefined()
    expect(texts('contacts', 'KIND:group')).toBeUndefined()
  })

  it('is no more of an object than can be kept', () => {
    const { body, rest } = texts('calendar', `DESCRIPTION:${'x'.repeat(1_000_000)}`, ...Array.from({ length: 5000 }, () => `CATEGORIES:${'y'.repeat(100)}`))!
    expect([body.length, rest.length]).toEqual([256 * 1024, 256 * 1024])
  })

  it.each<[string, ObjectContent, readonly Uint8Array[]]>([
    ['cards', 'contacts', [...storedCards().map(({ octets }) => octets), ...fullObjects.contacts.map(one => Buffer.from(one))]],
    ['events', 'calendar', [...samples.map(({ octets }) => octets), ...fullObjects.calendar.map(one => Buffer.from(one))]],
    ['tasks', 'tasks', fullObjects.tasks.map(one => Buffer.from(one))],
  ])('of broken %s is something or a failure', (_, content, all) => {
    for (const octets of mutations(all, 20_000, 4)) {
      try {
        searchedTexts(octets, content)
      } catch (error) {
        if (!(error instanceof Failure)) throw error
      }
    }
  })
})
