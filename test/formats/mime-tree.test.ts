import { describe, expect, it } from 'vitest'
import { parseEntity, type Entity } from '../../src/formats/mime-tree.ts'
import { mutations } from '../support/fuzz.ts'

const show = ({ section, type, body, children }: Entity): unknown =>
  children.length > 0 ? [section, type, children.map(show)] : [section, type, Buffer.from(body).toString('latin1')]
const tree = (lines: string): unknown => show(parseEntity(Buffer.from(lines.replace(/\n/g, '\r\n'), 'latin1')))

describe('the tree of a message', () => {
  it.each<[string, string, unknown]>([
    ['without a type', 'Subject: x\n\nhello', ['1', 'text/plain', 'hello']],
    ['without a body', 'Subject: x\n', ['1', 'text/plain', '']],
    ['of two parts, without their last line ends', 'Content-Type: multipart/mixed; boundary=b\n\nbefore\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n\n--b--\nafter\n',
      ['', 'multipart/mixed', [['1', 'text/plain', 'one'], ['2', 'text/html', 'two\r\n']]]],
    ['that never ends', 'Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n', ['', 'multipart/mixed', [['1', 'text/plain', 'one'], ['2', 'text/plain', 'two\r\n']]]],
    ['whose boundaries look alike', 'Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=bb\n\n--bb\n\nin\n--bb--\n--b\n\nout\n--bbb\nstill out\n--b--\n',
      ['', 'multipart/mixed', [['1', 'multipart/alternative', [['1.1', 'text/plain', 'in']]], ['2', 'text/plain', 'out\r\n--bbb\r\nstill out']]]],
    ['with a digest', 'Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: a\n\nx\n--b--\n', ['', 'multipart/digest', [['1', 'message/rfc822', 'Subject: a\r\n\r\nx']]]],
    ['whose boundary is in the text of a line', 'Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsay --b\n--b--\n', ['', 'multipart/mixed', [['1', 'text/plain', 'say --b']]]],
    ['with blanks after the boundary', 'Content-Type: multipart/mixed; boundary="b"\n\n--b \t\n\none\n--b-- \n', ['', 'multipart/mixed', [['1', 'text/plain', 'one']]]],
    ['of a multipart without boundary', 'Content-Type: multipart/mixed\n\n--b\n\none\n', ['', 'multipart/mixed', '--b\r\n\r\none\r\n']],
    ['with an empty part', 'Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n\n--b--\n', ['', 'multipart/mixed', [['1', 'text/plain', ''], ['2', 'text/plain', '']]]],
  ])('%s', (_, lines, expected) => expect(tree(lines)).toEqual(expected))

  it('names what describes a part', () => {
    const [part] = parseEntity(Buffer.from(
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/png; name="a b.png"\r\nContent-ID: <x@y>\r\n' +
      "Content-Transfer-Encoding: BASE64 (so)\r\nContent-Disposition: inline; filename*=utf-8''%C3%BC.png\r\n\r\nAAAA\r\n--b--\r\n",
    )).children
    expect(part).toMatchObject({ type: 'image/png', encoding: 'base64', contentId: 'x@y', disposition: 'inline', filename: 'ü.png', size: 4 })
  })

  it('goes 50 levels deep and leaves the rest as it is', () => {
    let message = 'Subject: deep\r\n\r\nhello'
    for (let i = 0; i < 200; i++) message = `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n${message}\r\n--b${i}--\r\n`
    let depth = 0
    for (let at: Entity | undefined = parseEntity(Buffer.from(message)); at; at = at.children[0]) depth++
    expect(depth).toBe(51)
  })

  it('of noise is a tree whose parts lie within it', () => {
    const sample = Buffer.from('Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: multipart/related; boundary=c\r\n\r\n--c\r\n\r\ntwo\r\n--c--\r\n--b--\r\n')
    const within = (entity: Entity): void => {
      expect(Buffer.from(entity.octets).includes(Buffer.from(entity.body))).toBe(true)
      for (const child of entity.children) {
        expect(child.octets.length).toBeLessThanOrEqual(entity.body.length)
        within(child)
      }
    }
    for (const bytes of mutations([sample], 2000, 7)) within(parseEntity(bytes))
  })
})
