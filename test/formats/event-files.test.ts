import { expect, it } from 'vitest'
import { viewOf } from '../../src/formats/calendar-object.ts'
import { linesOf, parseLines } from '../../src/formats/content-lines.ts'
import { fileOf, managedId } from '../../src/formats/event-files.ts'

const read = (text: string) => {
  const document = parseLines(Buffer.from(`${text}\r\n`))
  return fileOf(viewOf(document).properties[0]!, linesOf(document)[0]!)
}

it.each<[what: string, line: string, expected: object | undefined]>([
  ['a managed file', 'ATTACH;MANAGED-ID="urn:x:1";FMTTYPE=text/plain;FILENAME=a.txt;SIZE=5:https://cal.test/a/1',
    { id: 'murn:x:1', name: 'a.txt', type: 'text/plain', size: 5, content: { uri: 'https://cal.test/a/1', managed: 'urn:x:1' } }],
  ['a managed file that says nothing else', 'ATTACH;MANAGED-ID=7:https://cal.test/a/plan%20B.pdf', { id: 'm7', name: 'plan B.pdf', type: 'application/octet-stream', size: undefined }],
  ['a link', 'ATTACH:https://cal.test/dav/%C3%9Cbersicht.pdf?x=1', { name: 'Übersicht.pdf', content: { uri: 'https://cal.test/dav/%C3%9Cbersicht.pdf?x=1', managed: undefined } }],
  ['a link without a name', 'ATTACH:https://cal.test/', { name: 'attachment' }],
  ['a link that is badly encoded', 'ATTACH:https://cal.test/%E0%A4%A.pdf', { name: '%E0%A4%A.pdf' }],
  ['octets', 'ATTACH;ENCODING=BASE64;VALUE=BINARY;FILENAME=a.txt:aGVsbG8=', { name: 'a.txt', size: 5 }],
  ['octets that say they are managed', 'ATTACH;MANAGED-ID=7;ENCODING=BASE64;VALUE=BINARY:aGVsbG8=', { id: expect.stringMatching(/^h[0-9a-f]{24}$/), size: 5 }],
  ['a part of a message', 'ATTACH:cid:a@x', undefined], ['a file of somebody’s disk', 'ATTACH:file:///etc/passwd', undefined],
])('%s', (_, line, expected) => {
  const found = read(line)
  if (expected === undefined) expect(found).toBeUndefined()
  else expect(found).toMatchObject(expected)
})

it('what a server calls a file is told as it is, as long as there is room for it', () => {
  expect(managedId('urn:x:1')).toBe('murn:x:1')
  for (const id of ['x'.repeat(101), 'a b', 'ü', '']) expect(managedId(id)).toMatch(/^d[0-9a-f]{24}$/)
})
