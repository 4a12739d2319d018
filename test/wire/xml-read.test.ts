import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { childrenOf, readXml, textAt, type XmlElement } from '../../src/wire/xml-read.ts'
import { mark, printMarkup, type Markup } from '../../src/wire/xml-write.ts'
import { effort } from '../support/effort.ts'

const read = (text: string): XmlElement => readXml(Buffer.from(text))

describe('XML of a client', () => {
  it('is read by namespace, whatever its prefix', () => {
    const root = read('<?xml version="1.0"?><!-- x --><p:a xmlns:p="s" xmlns="t"><p:b> one </p:b><b>two</b><p:c>a<![CDATA[<&]]>b</p:c><p:d/><p:d/></p:a>')
    expect([root.space, root.name, childrenOf(root, 'b').length, textAt(root, 'b'), textAt(root, 'c'), textAt(root, 'd'), textAt(root, 'e')])
      .toEqual(['s', 'a', 1, 'one', 'a<&b', undefined, undefined])
  })

  it.each([
    ['UTF-8 with a mark', Buffer.from('\ufeff<a>é</a>')],
    ['UTF-16, little end first', Buffer.from('\ufeff<a>é</a>', 'utf16le')],
    ['UTF-16, big end first', Buffer.from('\ufeff<a>é</a>', 'utf16le').swap16()],
  ])('may be %s', (_, octets) => {
    expect(readXml(octets).text).toBe('é')
  })

  it.each([
    ['no XML', 'x'], ['nothing', ''], ['an element that does not end', '<a>'], ['two roots', '<a/><b/>'], ['an entity of its own', '<a>&b;</a>'],
    ['a document type', '<!DOCTYPE a><a/>'], ['a prefix that is none', '<p:a/>'], ['the same attribute twice', '<a b="1" b="2"/>'],
    ['a billion laughs', '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'],
    ['33 levels', `${'<a>'.repeat(33)}${'</a>'.repeat(33)}`], ['6000 elements', `<a>${'<b/>'.repeat(6000)}</a>`],
    ['101 attributes', `<a ${Array.from({ length: 101 }, (_, at) => `a${at}=""`).join(' ')}/>`],
  ])('is malformed: %s', (_, text) => {
    expect(() => read(text)).toThrow(Failure)
  })

  it('is given up in no time, however deep it is', () => {
    expect(effort(() => expect(() => read('<a>'.repeat(20_000))).toThrow('nested too deep'))).toBeLessThan(5)
  })
})

describe('XML for a client', () => {
  const anyText = fc.string({ unit: 'binary', maxLength: 20 })
  const tree: fc.Arbitrary<Markup> = fc.letrec<{ one: Markup }>(tie => ({
    one: fc.record({
      name: fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9]{0,8}$/), attributes: fc.dictionary(fc.constantFrom('a', 'b', 'c'), anyText, { maxKeys: 3 }),
      content: fc.oneof({ maxDepth: 4 }, anyText, fc.array(tie('one'), { minLength: 1, maxLength: 3 })),
    }),
  })).one

  const isChar = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]$/u
  const sayable = (text: string): string => [...text].filter(one => isChar.test(one)).join('')

  function expectSame(read: XmlElement, written: Markup): void {
    expect(read.name).toBe(written.name)
    if (typeof written.content === 'string') expect(read.text).toBe(sayable(written.content))
    else {
      expect(read.children.length).toBe(written.content.length)
      written.content.forEach((child, at) => expectSame(read.children[at]!, child))
    }
  }

  it('says what was to be said, without what XML cannot say', () => {
    fc.assert(fc.property(tree, root => expectSame(readXml(Buffer.from(printMarkup(root))), root)))
  })

  it('never lets a value be markup', () => {
    const text = printMarkup(mark('a', '</a><b x="\'">&amp;\0\r\n', { c: '"><d>' }))
    expect(text).toBe('<?xml version="1.0" encoding="utf-8"?>\n<a c="&#34;&#62;&#60;d&#62;">&#60;/a&#62;&#60;b x=&#34;&#39;&#34;&#62;&#38;amp;&#13;&#10;</a>\n')
  })
})
