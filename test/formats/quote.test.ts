import { describe, expect, it } from 'vitest'
import { citedIds, quoteHtml, quoteText } from '../../src/formats/quote.ts'

const fields = [['From', '"Bob & Co" <bob@x.test>'], ['Subject', 'hi']] as const
const ruler = '_'.repeat(32)

describe('the original below an answer', () => {
  it('in plain text is quoted line by line', () => {
    expect(quoteText('Yes.\r\n\r\n', { fields, text: 'one\n\n> two\nthree  \n', marked: true })).toBe(
      `Yes.\r\n\r\n${ruler}\r\nFrom: "Bob & Co" <bob@x.test>\r\nSubject: hi\r\n\r\n> one\r\n>\r\n>> two\r\n> three\r\n`)
  })

  it('that is forwarded stands as it is', () => {
    expect(quoteText('', { fields: [], text: 'one\r\ntwo', marked: false })).toBe(`\r\n\r\n${ruler}\r\n\r\none\r\ntwo\r\n`)
  })

  const quoted = (own: string, text = '<p>two</p>', marked = false): string => quoteHtml(own, { fields, text, marked })
  const head = '<br>\r\n<hr>\r\n<div><b>From:</b> &quot;Bob &amp; Co&quot; &lt;bob@x.test&gt;<br>\r\n<b>Subject:</b> hi<br>\r\n</div>\r\n<br>\r\n'

  it.each<[string, string, string]>([
    ['inside the body (trap 23)', '<html><body>one</body></html>', `<html><body>one${head}<div><p>two</p></div>\r\n</body></html>`],
    ['before the last end of a body', '<BODY>a</BODY><BODY>b</BODY >', `<BODY>a</BODY><BODY>b${head}<div><p>two</p></div>\r\n</BODY >`],
    ['before the end of a document without a body', '<html>one</html>', `<html>one${head}<div><p>two</p></div>\r\n</html>`],
    ['at the end of a fragment', 'one', `one${head}<div><p>two</p></div>\r\n`],
  ])('in HTML stands %s', (_, own, expected) => expect(quoted(own)).toBe(expected))

  it('brings its style sheets, and leaves its own document behind', () => {
    const original = '<!doctype html><html lang=de><head><title>t</title><style>p{}</style><style>b{}</style></head><body class=x><p>two</p></body></html>'
    expect(quoted('<body>one</body>', original, true)).toBe(
      `<body>one${head}<style>p{}</style>\r\n<style>b{}</style>\r\n<blockquote type="cite" style="margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex"><p>two</p></blockquote>\r\n</body>`)
  })

  it('comes to an end whatever is opened in it and never closed', () => {
    const text = ['<body ', '<html ', '</body ', '<style>', '<style '].map(tag => tag.repeat(100_000)).join('')
    expect(quoted(text, text)).toContain('hi<br>')
  })
})

it('pictures are cited by their ids, escaped or not', () => {
  expect([...citedIds(`<img src="cid:a@b"><img src='CID:c%40d'> url(cid:e) <img src=cid:f&amp;g> cid:%zz`)]).toEqual(['a@b', 'c@d', 'e', 'f&g', '%zz'])
})
