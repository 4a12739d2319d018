import { expect, it } from 'vitest'
import { attachmentNodes, attachmentNodes25 } from '../../../src/eas/map/attachments.ts'
import type { Part } from '../../../src/model/message.ts'
import type { Node } from '../../../src/wire/wbxml.ts'

const part = (given: Partial<Part>): Part => ({
  section: '1', type: 'application/octet-stream', parameters: {}, encoding: '7bit', size: 100, contentId: undefined, location: undefined,
  disposition: 'attachment', filename: undefined, children: [], ...given,
})

/** Element names without their page, with their text. */
const told = (given: Partial<Part>): Record<string, string> => {
  const [node] = attachmentNodes({ structure: part(given) }, section => `ref ${section}`)
  return Object.fromEntries((node!.children as readonly Node[]).map(({ tag, children }) => [tag.split(':')[1], String(children)]))
}

it.each<[string, Partial<Part>, string]>([
  ['its own', { filename: 'Rechnung für Anna.pdf' }, 'Rechnung für Anna.pdf'],
  ['its own with the ending of its type', { filename: 'Rechnung', type: 'application/pdf' }, 'Rechnung.pdf'],
  ['its own, a sentence', { filename: 'Dear Anna. Read this', type: 'message/rfc822' }, 'Dear Anna. Read this.eml'],
  ['its own, a number', { filename: 'Version 1.2', type: 'message/rfc822' }, 'Version 1.2.eml'],
  ['its own without a path', { filename: '..\\..\\a/b.txt' }, '.. .. a b.txt'],
  ['its own in one line', { filename: 'a\r\n b.txt' }, 'a b.txt'],
  ['its own cut from the front', { filename: `${'x'.repeat(500)}.txt` }, `${'x'.repeat(196)}.txt`],
  ['made of its number and type', { type: 'image/jpeg' }, 'image-1.jpg'],
  ['made for a message', { type: 'message/rfc822' }, 'message-1.eml'],
  ['made for what nobody knows', { type: 'application/x-very-special' }, 'attachment-1.bin'],
])('the name of an attachment is %s', (_, given, name) => {
  expect(told(given)['DisplayName']).toBe(name)
})

it.each<[string, Partial<Part>, Record<string, string>]>([
  ['a file', { section: '2.3' }, { FileReference: 'ref 2.3', Method: '1', EstimatedDataSize: '100' }],
  ['a message', { type: 'message/rfc822' }, { Method: '5' }],
  ['an OLE object', { type: 'application/x-oleobject' }, { Method: '6' }],
  ['base64, by its decoded size', { encoding: 'base64', size: 78_000 }, { EstimatedDataSize: '57000' }],
  ['an inline picture', { type: 'image/png', disposition: 'inline', contentId: '<a@b>' }, { ContentId: 'a@b', IsInline: '1' }],
  ['a picture with a place', { type: 'image/png', disposition: undefined, location: 'a.png' }, { ContentLocation: 'a.png', IsInline: '1' }],
])('an attachment tells of %s', (_, given, expected) => {
  expect(told(given)).toMatchObject(expected)
})

it('says nothing where there is nothing that XML could hold', () => {
  const told25 = attachmentNodes25({ structure: part({ contentId: '<>' }) }, String)[0]!.children as readonly Node[]
  expect(told({ contentId: '<>', location: '\x01' })).toEqual(told({}))
  expect(told25.map(({ tag }) => tag)).not.toContain('Email:Att0Id')
})

it('is not inline unless it is', () => {
  expect(told({ contentId: 'a' })).not.toHaveProperty('IsInline')
})

it('a thousand are enough', () => {
  const children = Array.from({ length: 1500 }, (_, index) => part({ section: String(index + 1) }))
  expect(attachmentNodes({ structure: part({ type: 'multipart/mixed', disposition: undefined, children }) }, String).length).toBe(1000)
})
