import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import type { FolderId } from '../../src/model/folder.ts'
import {
  nameDigest, namesObject, parseFileReference, parseItemId, parseObjectFile, parseObjectId, printFileReference, printItemId, printObjectFile, printObjectId,
} from '../../src/state/item-id.ts'

const number = fc.integer({ min: 1, max: 0xffffffff })
const refs = fc.record({ folder: fc.stringMatching(/^[A-Za-z0-9_-]{11}$/).map(id => id as FolderId), validity: number, uid: number })
const sections = fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 8 }).map(numbers => numbers.join('.'))

describe('an item id', () => {
  it('names the message it was made for within 27 characters', () => {
    fc.assert(fc.property(refs, ref => {
      const id = printItemId(ref)
      expect(id.length).toBeLessThanOrEqual(27)
      expect(parseItemId(id)).toEqual(ref)
    }))
  })

  it('carries the section in a file reference', () => {
    fc.assert(fc.property(refs, sections, (ref, section) => {
      expect(parseFileReference(printFileReference(ref, section))).toEqual({ ref, section })
    }))
  })

  it.each(['', 'x', 'a:b', 'a:b:c:d', 'a:zzzzzzz:1', 'a b:1:1', 'a:1:', ':1:1', 'a:-1:1', 'a:1:1\r\nx', 'é:1:1'])('is refused as not found: %j', text => {
    expect(() => parseItemId(text)).toThrow(expect.objectContaining({ kind: 'not-found' }))
  })

  it.each(['', 'a:1:1', 'a:1:1:', 'a:1:1:0', 'a:1:1:1.', 'a:1:1:HEADER', 'a:1:1:1]<0.9>'])('is refused as a file reference: %j', text => {
    expect(() => parseFileReference(text)).toThrow(expect.objectContaining({ kind: 'not-found' }))
  })

  it('takes any text a client may send', () => {
    fc.assert(fc.property(fc.string({ maxLength: 80 }), text => {
      for (const parse of [parseItemId, parseFileReference]) {
        try {
          parse(text)
        } catch (error) {
          expect(error).toBeInstanceOf(Failure)
        }
      }
    }), { numRuns: 3000 })
  })
})

describe('the id of an object', () => {
  const folder = 'c.AAAAAAAAAAA' as FolderId
  it.each([
    ['12345678-1234-4abc-8def-1234567890ab.ics', 37], ['12345678-1234-4ABC-8DEF-1234567890AB.ics', 37],
    ['12345678-1234-4abc-8def-1234567890ab', 37], ['12345678-1234-4abc-8def-1234567890ab.vcf', 37], ['meeting-1.ics', 24],
  ])('%s holds its name', (name, length) => {
    const id = printObjectId({ folder, name })
    expect(id).toHaveLength(length)
    expect(parseObjectId(id)).toEqual({ folder, name })
    expect(namesObject(id)).toBe(true)
  })

  it('is never over 64 characters, and names one object or its digest', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.uuid().map(id => `${id}.ics`), fc.string().map(name => `c.BBBBBBBBBBB/${name}`),
      fc.stringMatching(/^c\.[A-Za-z0-9_-]{11}\/[A-Za-z0-9_-]{1,60}\.ics$/), fc.stringMatching(/^[A-Za-z0-9_-]{1,60}\.ics$/)), name => {
      const id = printObjectId({ folder, name })
      expect(id.length).toBeLessThanOrEqual(64)
      const ref = parseObjectId(id)
      expect('name' in ref ? ref.name : ref.digest).toBe('name' in ref ? name : nameDigest(name))
    }), { numRuns: 2000 })
  })

  it.each([
    ['c.BBBBBBBBBBB/12345678-1234-4abc-8def-1234567890ab.ics', 49], ['c.BBBBBBBBBBB/meeting-1.ics', 36], [`c.BBBBBBBBBBB/${'x'.repeat(37)}.ics`, 64],
  ])('%s holds its name and its collection', (name, length) => {
    const id = printObjectId({ folder, name })
    expect(id).toHaveLength(length)
    expect(parseObjectId(id)).toEqual({ folder, name })
  })

  it.each([
    [`c.BBBBBBBBBBB/${'x'.repeat(38)}.ics`], ['c.BBBBBBBBBBB/a b.ics'], ['t.BBBBBBBBBBB/meeting-1.ics'], ['c.BBBBBBBBBBB/'], ['c.BBBB/meeting-1.ics'],
  ])('%s has a digest for its name', name => {
    expect(parseObjectId(printObjectId({ folder, name }))).toEqual({ folder, digest: nameDigest(name) })
  })

  it.each(['c.AAAAAAAAAAA:mBBBBBBBBBBBhAAAA', 'c.AAAAAAAAAAA:mBBBBn1', 'c.AAAAAAAAAAA:mBBBBBBBBBBB', '', 'x', 'c.AAAAAAAAAAA:', 'c.AAAAAAAAAAA:q1', 'AAAA:nx', 'c.AAAAAAAAAAA:uAAAA', 'inbox:1:1'])('%s is none', text => {
    expect(() => parseObjectId(text)).toThrow(expect.objectContaining({ kind: 'not-found' }) as Error)
  })

  it('is before that of a file in it, whatever the file is called, colons too', () => {
    fc.assert(fc.property(fc.string(), fc.constantFrom('meeting-1.ics', '12345678-1234-4abc-8def-1234567890ab.ics', 'ö:x'), (file, name) => {
      expect(parseObjectFile(printObjectFile({ folder, name }, file))).toEqual({ id: printObjectId({ folder, name }), file })
    }))
    expect(parseObjectFile('c.A:nx')).toEqual({ id: 'c.A:nx', file: '' })
  })

  it('is no id of a message', () => expect(namesObject('inbox:1:1')).toBe(false))
})
