import { describe, expect, it } from 'vitest'
import { attachments, find, firstPart, isInline, replacePart, textBodies, textPieces } from '../../src/formats/structure.ts'
import type { Part } from '../../src/model/message.ts'

/** A tree in short: `part('multipart/mixed', part('text/plain'), ...)`; section numbers are given by place. */
type Sketch = Partial<Omit<Part, 'children'>> & { readonly type: string; readonly parts: readonly Sketch[] }

const part = (type: string, ...rest: (Partial<Part> | Sketch)[]): Sketch => {
  const parts = rest.filter((one): one is Sketch => 'parts' in one)
  return { ...Object.assign({}, ...rest.filter(one => !('parts' in one))), type, parts }
}

const grow = ({ parts, ...given }: Sketch, section = ''): Part => ({
  parameters: {}, encoding: '7bit', size: 1, contentId: undefined, location: undefined, disposition: undefined, filename: undefined,
  ...given, section: section || (given.type.startsWith('multipart/') ? '' : '1'),
  children: parts.map((one, index) => grow(one, section ? `${section}.${index + 1}` : String(index + 1))),
})

const plain = part('text/plain'), html = part('text/html')
const png = (given: Partial<Part> = {}) => part('image/png', given)

const cases: [string, Sketch, string, string][] = [
  ['plain text', plain, 'plain 1', ''],
  ['HTML', html, 'rich 1', ''],
  ['nothing but a file', part('application/pdf'), '', '1'],
  ['plain text with a name and nothing else', part('text/plain', { filename: 'a.txt' }), 'plain 1', ''],
  ['plain text that is a file', part('text/plain', { disposition: 'attachment' }), '', '1'],
  ['two alternatives', part('multipart/alternative', plain, html), 'plain 1 rich 2', ''],
  ['alternatives in the wrong order', part('multipart/alternative', html, plain), 'plain 2 rich 1', ''],
  ['alternatives nobody shows', part('multipart/alternative', plain, part('text/enriched'), part('text/x-amp-html'), html), 'plain 1 rich 4', ''],
  ['an invitation that nobody has read', part('multipart/alternative', plain, html, part('text/calendar')), 'plain 1 rich 2', '3'],
  ['a calendar', part('multipart/mixed', plain, part('text/calendar')), 'plain 1', '2'],
  ['pictures in the text', part('multipart/related', html, png({ contentId: 'a' })), 'rich 1', '2'],
  ['a related root that is not the first', part('multipart/related', { parameters: { start: '<r>' } }, png(), part('text/html', { contentId: 'r' })), 'rich 2', '1'],
  ['alternatives of which one has pictures', part('multipart/alternative', plain, part('multipart/related', html, png())), 'plain 1 rich 2.1', '2.2'],
  ['pictures round alternatives', part('multipart/related', part('multipart/alternative', plain, html), png()), 'plain 1.1 rich 1.2', '2'],
  ['files', part('multipart/mixed', part('multipart/alternative', plain, html), part('application/pdf')), 'plain 1.1 rich 1.2', '2'],
  ['text between pictures', part('multipart/mixed', plain, png(), plain), 'plain 1, plain 3', '2'],
  ['a footer', part('multipart/mixed', html, plain), 'rich 1, plain 2', ''],
  ['a text file', part('multipart/mixed', plain, part('text/plain', { filename: 'a.txt' })), 'plain 1', '2'],
  ['a row of alternatives as Apple writes it', part('multipart/alternative', plain, part('multipart/mixed', html, part('application/pdf'), html)), 'plain 1 rich 2.1 2.3', '2.2'],
  ['a signature', part('multipart/signed', plain, part('application/pkcs7-signature')), 'plain 1', '2'],
  ['a report', part('multipart/report', plain, part('message/delivery-status'), part('text/rfc822-headers')), 'plain 1', '2 3'],
  ['a forwarded message', part('multipart/mixed', plain, part('message/rfc822', html)), 'plain 1', '2'],
  ['a message that is a message', part('message/rfc822', plain), '', '1'],
  ['related parts of nothing', part('multipart/related'), '', ''],
  ['a multipart of nothing', part('multipart/mixed'), '', ''],
  ['an unknown multipart', part('multipart/x-new', plain, png()), 'plain 1', '2'],
]

describe('of a message of', () => {
  it.each(cases)('%s, text and files are found', (_, sketch, texts, files) => {
    const root = grow(sketch)
    const sections = (parts: readonly Part[] | undefined): string => (parts ?? []).map(one => one.section).join(' ')
    const told = textPieces(root).map(({ plain: one, rich }) => [one && `plain ${sections(one)}`, rich && `rich ${sections(rich)}`].filter(Boolean).join(' '))
    expect(told.join(', ')).toBe(texts)
    expect(sections(attachments(root)).trim()).toBe(files)
  })
})

it('the first text of each form serves a quotation', () => {
  const root = grow(part('multipart/alternative', plain, part('multipart/related', html, png())))
  expect(textBodies(root).plain?.section).toBe('1')
  expect(textBodies(root).html?.section).toBe('2.1')
  expect(textBodies(grow(png()))).toEqual({})
})

it.each<[string, Partial<Part>, boolean]>([
  ['named by the text', { type: 'image/png', contentId: 'a' }, true],
  ['with a place of its own', { type: 'image/png', location: 'a.png' }, true],
  ['inline by its disposition', { type: 'application/x', contentId: 'a', disposition: 'inline' }, true],
  ['attached by its disposition', { type: 'image/png', contentId: 'a', disposition: 'attachment' }, false],
  ['inline but nowhere named', { type: 'image/png', disposition: 'inline' }, false],
  ['a message', { type: 'message/rfc822', contentId: 'a', disposition: 'inline' }, false],
])('a part %s is inline or not', (_, given, inline) => {
  expect(isInline({ ...grow(png()), ...given })).toBe(inline)
})

it('parts are found by their section, those of forwarded messages too', () => {
  const root = grow(part('multipart/mixed', plain, part('message/rfc822', html)))
  expect(['', '1', '2', '2.1', '3', '1.1'].map(section => find(root, section)?.type))
    .toEqual(['multipart/mixed', 'text/plain', 'message/rfc822', 'text/html', undefined, undefined])
})

it('depth and number are bounded', () => {
  let deep: Sketch = plain
  for (let level = 0; level < 1000; level++) deep = part('multipart/mixed', deep)
  const root = grow(deep)
  expect([textPieces(root), attachments(root)]).toEqual([[], []])
  const wide = grow(part('multipart/mixed', ...Array.from({ length: 5000 }, () => plain)))
  expect(textPieces(wide).length).toBe(16)
  expect(attachments(wide).length).toBe(5000 - 16)
})

it('a part is taken out of the tree, or another takes its place', () => {
  const root = grow(part('multipart/mixed', part('multipart/alternative', plain, html), png()))
  const sections = (one: Part | undefined): unknown => one && one.children.length > 0 ? one.children.map(sections) : one?.section
  const without = ['1.2', '2', '3'].map(section => sections(replacePart(root, section, undefined)))
  expect(without).toEqual([[['1.1'], '2'], [['1.1', '1.2']], [['1.1', '1.2'], '2']])
  const other = { ...grow(plain), section: '2-1' }
  expect(sections(replacePart(root, '1.1', other))).toEqual([['2-1', '1.2'], '2'])
  expect(sections(replacePart(grow(plain), '1', other))).toBe('2-1')
})

it('a part is looked for in the message itself, not in one that came with it', () => {
  const within = grow(part('multipart/mixed', part('message/rfc822', part('text/calendar')), html))
  expect(firstPart(within, ({ type }) => type === 'text/calendar')).toBeUndefined()
  expect(firstPart(within, ({ type }) => type === 'text/html')?.section).toBe('2')
})
