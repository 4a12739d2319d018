import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeHtml, htmlToText, preview, textToHtml } from '../../src/formats/html.ts'
import { mutations } from '../support/fuzz.ts'

describe('HTML becomes text:', () => {
  it.each([
    ['white space is folded', ' a   b\n\tc&nbsp;&nbsp;d <b> e </b>f', 'a b c d e f'],
    ['entities', '&lt;&amp;&gt; &euro; &#8364; &#x20AC; &unknown; &amp', '<&> € € € &unknown; &'],
    ['paragraphs', '<p>a</p>\n<p>b</p>c', 'a\r\n\r\nb\r\n\r\nc'],
    ['blocks', 'a<div>b</div>c<div><div>d</div></div>', 'a\r\nb\r\nc\r\nd'],
    ['line breaks', 'a<br>b<br/><br>c', 'a\r\nb\r\n\r\nc'],
    ['lines as Outlook writes them', '<div>a<br></div><div><br></div><div>b</div>', 'a\r\n\r\nb'],
    ['paragraphs of nothing', '<p>a</p><p>&nbsp;</p><p></p><p>b</p>', 'a\r\n\r\nb'],
    ['lists', '<ul><li>a<li>b<ol><li>c</li><li>d</li></ol></ul>e', '- a\r\n- b\r\n  1. c\r\n  2. d\r\ne'],
    ['tables', '<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td></td><td>2</td></tr></table>', 'a\tb\r\n1\t2'],
    ['rules', 'a<hr>b', `a\r\n${'-'.repeat(40)}\r\nb`],
    ['quotations', 'a<blockquote>b<br>c<blockquote>d</blockquote></blockquote>e', 'a\r\n\r\n> b\r\n> c\r\n\r\n> > d\r\n\r\ne'],
    ['text as it was typed', '<pre>  a\n\n   b</pre>c', '  a\r\n\r\n   b\r\n\r\nc'],
    ['links', '<a href="https://x.org/?a=1&amp;b=2">here</a>!', 'here <https://x.org/?a=1&b=2>!'],
    ['links that say where they go', '<a href="https://x.org/">x.org</a> <a href="mailto:a@x">a@x</a>', 'x.org a@x'],
    ['links to nowhere', '<a href="#top">up</a> <a name="x">y</a> <a href="javascript:alert(1)">z</a>', 'up y z'],
    ['pictures', '<img src=a alt="A cat"> <img src=b alt=""> <img src=c>', '[A cat]'],
    ['what is not shown', '<title>t</title><style>p{}</style><script>"</p>"</script><!-- c --><template>x</template>a', 'a'],
    ['what Office adds', '<!--[if mso]>no<![endif]--><![if !mso]>yes<![endif]><o:p>&nbsp;</o:p>', 'yes'],
    ['invisible filling', 'a\u200b\u034f\u00adb', 'a b'],
    ['a tag cut off', 'a <b>b</b> <a href="http', 'a b'],
    ['closing tags of nothing', '</ul></pre></blockquote></a>a', 'a'],
    ['control characters', 'a&#0;&#1;b\0c', 'a\ufffdbc'],
  ])('%s', (_, html, text) => {
    expect(htmlToText(html)).toBe(text)
  })

  it('links may be left out, and the rest of it', () => {
    expect(htmlToText('<a href="https://x.org">here</a>', { links: false })).toBe('here')
    expect(htmlToText('<p>abc</p>'.repeat(1000), { limit: 10 }).length).toBeLessThan(20)
  })

  it('in linear time and without a stack, however deep and however large', () => {
    const hostile = [
      '<div>'.repeat(100_000) + 'x' + '</div>'.repeat(100_000), '<div>'.repeat(1e5) + '</span>'.repeat(1e5), '<'.repeat(1e6),
      '&'.repeat(1e6), '&#'.repeat(5e5), '<!--'.repeat(2.5e5), '<a href="'.repeat(1e5), `<a ${'href=x '.repeat(1e5)}>`,
      '<blockquote>x'.repeat(1e5), '<ul><li>x'.repeat(1e5), '<a href=http://x>y'.repeat(5e4), '<style>'.repeat(1e5), '<pre>\n'.repeat(1e5),
    ]
    for (const html of hostile) expect(htmlToText(html).length).toBeLessThan(html.length * 8)
  })

  it('whatever it is', () => {
    const samples = ['<p>a &amp; <a href="http://x?a=1">b</a></p><ul><li>c<pre> d</pre>', '<table><tr><td>1<td>2</table><!-- x --><![CDATA[y]]>']
    for (const bytes of mutations(samples.map(html => Buffer.from(html)), 20_000, 5)) {
      expect(htmlToText(Buffer.from(bytes).toString('latin1'))).not.toMatch(/[\0\x01]/)
    }
  })
})

describe('text becomes HTML:', () => {
  const body = (text: string): string => /<body>(.*)<\/body>/s.exec(textToHtml(text))![1]!

  it.each([
    ['markup', 'a <b> & "c"', 'a &lt;b&gt; &amp; &quot;c&quot;'],
    ['lines', 'a\r\nb\nc', 'a<br>\r\nb<br>\r\nc'],
    ['spaces', ' a   b', '&nbsp;a&nbsp;&nbsp; b'],
    ['web addresses', 'see https://x.org/?a=1&b=2.', 'see <a href="https://x.org/?a=1&amp;b=2">https://x.org/?a=1&amp;b=2</a>.'],
    ['web addresses in brackets', '(http://x.org)', '(<a href="http://x.org">http://x.org</a>)'],
    ['what breaks out of a link', 'http://x"onclick=', '<a href="http://x">http://x</a>&quot;onclick='],
  ])('%s', (_, text, html) => {
    expect(body(text)).toBe(html)
  })

  it('and text again', () => {
    const line = fc.stringMatching(/^[a-z<>&"';]{1,10}( [a-z<>&"';]{1,10}){0,3}$/)
    fc.assert(fc.property(fc.array(line, { minLength: 1, maxLength: 5 }), lines => {
      expect(htmlToText(textToHtml(lines.join('\r\n')))).toBe(lines.join('\r\n'))
    }))
  })
})

it.each([
  ['in one line', ' a\r\n b\t c ', 10, 'a b c'],
  ['so many characters', 'abcdef', 3, 'abc'],
  ['no half characters', 'a😀', 2, 'a'],
  ['no filling', 'a \u200c \u200c\u00a0 b', 10, 'a b'],
  ['but joiners inside words', 'می\u200cخواهم', 10, 'می\u200cخواهم'],
])('a preview has %s', (_, text, n, expected) => {
  expect(preview(text, n)).toBe(expected)
})

it.each([
  ['the charset the part names', 'gr\xc3\xbcn', 'utf-8', 'grün'],
  ['the charset it names itself', '<meta charset="windows-1251">\xcf\xf0\xe8', undefined, '<meta charset="utf-8">При'],
  ['what it is, not what it says', '<meta http-equiv=Content-Type content="text/html; charset=iso-8859-2">\xc3\xbc', 'utf-8',
    '<meta http-equiv=Content-Type content="text/html; charset=utf-8">ü'],
])('HTML is read by %s', (_, latin1, charset, expected) => {
  expect(decodeHtml(Buffer.from(latin1, 'latin1'), charset)).toBe(expected)
})
