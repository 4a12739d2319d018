// libwbxml reads what we write, and we read what libwbxml writes.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode, el, encodeSync, type Node, type Tag } from '../../src/wire/wbxml.ts'
import { tags } from '../../src/wire/wbxml-pages.ts'
import { canonical, isBinary, isKnown, wbxml2xml, xml2wbxml } from '../support/libwbxml.ts'
import { trees } from '../support/wbxml-trees.ts'

const all = [...tags.values()]
const known = all.filter(isKnown)

const leaf = (tag: Tag): fc.Arbitrary<Node> => isBinary(tag)
  ? fc.uint8Array({ minLength: 1 }).map(bytes => el(tag, bytes))
  : fc.string({ unit: 'grapheme', minLength: 1 }).map(text => el(tag, text))

const value = (tag: Tag, i: number): Node => el(tag, isBinary(tag) ? Buffer.from([0, i, 255]) : `<${i}> & ä€🏤`)

const page = (tag: Tag): string => tag.split(':')[0]!

const random = (seed: number): Node => el('AirSync:Sync', fc.sample(trees(leaf), { numRuns: 500, seed }))

/** A few long documents instead of many short ones: each is a process. */
describe.each<[string, Node]>([
  ['every tag, empty', el('AirSync:Sync', all.map(tag => el(tag)))],
  ['every tag with a value', el('AirSync:Sync', all.map(value))],
  ['every tag around every one of its page', el('AirSync:Sync', all.map(tag =>
    el(tag, all.filter(other => page(other) === page(tag)).map(other => el(other)))))],
  ['random trees', random(1)],
  ['more random trees', random(2)],
])('%s', (_, tree) => {
  it('is read by libwbxml as we wrote it', async () => {
    const bytes = encodeSync(tree)
    expect(await wbxml2xml(bytes)).toEqual(canonical(decode(bytes)))
  })
})

/** Its string table takes it seconds for long texts that differ: `-n`. */
describe.each<[string, Node, string[]]>([
  ['every tag, empty', el('AirSync:Sync', known.map(tag => el(tag))), []],
  ['every tag with a value', el('AirSync:Sync', known.map(value)), ['-v', '1.2']],
  ['every tag twice with the same value', el('AirSync:Sync', [...known, ...known].map(tag => value(tag, 12345))), ['-v', '1.1']],
  ['random trees', el('AirSync:Sync', fc.sample(trees(leaf), { numRuns: 500, seed: 1 }).map(onlyKnown)), ['-n']],
])('%s', (_, tree, options) => {
  it('is read by us as libwbxml wrote it', async () => {
    const expected = canonical(decode(encodeSync(tree)))
    expect(canonical(decode(await xml2wbxml(expected, options)))).toEqual(expected)
  })
})

function onlyKnown({ tag, children }: Node): Node {
  return el(isKnown(tag) ? tag : 'AirSync:Change', Array.isArray(children) ? children.map(onlyKnown) : children)
}

it('is unknown to libwbxml only where protocol 16.1 brought it', async () => {
  const { children } = await wbxml2xml(encodeSync(el('AirSync:Sync', all.map(tag => el(tag)))))
  expect(all.filter((_, i) => children[i]!.name === 'unknown')).toEqual(all.filter(tag => !isKnown(tag)))
})
