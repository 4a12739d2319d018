import fc from 'fast-check'
import { el, type Node, type Tag } from '../../src/wire/wbxml.ts'
import { tags } from '../../src/wire/wbxml-pages.ts'

const anyTag = fc.constantFrom(...tags.values())

type Leaf = (tag: Tag) => fc.Arbitrary<Node>

/** Random trees whose leaves are made by `leaf`. */
export const trees = (leaf: Leaf): fc.Arbitrary<Node> => fc.letrec<{ tree: Node; leaf: Node }>(tie => ({
  leaf: anyTag.chain(leaf),
  tree: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    tie('leaf'),
    fc.tuple(anyTag, fc.array(tie('tree'), { maxLength: 5 })).map(([tag, nodes]) => el(tag, nodes)),
  ),
})).tree

/** UTF-16 of every kind: any character, halves of characters, control characters. */
const anyText = fc.array(fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.integer({ min: 0, max: 0xffff }).map(unit => String.fromCharCode(unit)),
  fc.integer({ min: 0, max: 31 }).map(unit => String.fromCharCode(unit)),
), { maxLength: 4 }).map(pieces => pieces.join(''))

/** Trees of everything a Node can hold at once. */
export const anyTree = trees(tag => fc.oneof(anyText, fc.uint8Array()).map(content => el(tag, content)))
