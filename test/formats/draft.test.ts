import { describe, expect, it } from 'vitest'
import { editDraft, type DraftEdit, type DraftFile } from '../../src/formats/draft.ts'
import { parseEntity, type Entity } from '../../src/formats/mime-tree.ts'
import { mutations } from '../support/fuzz.ts'

const crlf = (lines: string): Buffer => Buffer.from(lines.replace(/\r?\n/g, '\r\n'), 'latin1')
const nothing: DraftEdit = { header: {}, text: undefined, add: [], remove: new Set() }
const file = (more: Partial<DraftFile> = {}): DraftFile => ({
  name: 'a.bin', type: 'application/octet-stream', content: Buffer.from('octets'), contentId: undefined, location: undefined,
  inline: false, message: false, ...more,
})
const shape = ({ type, children, body }: Entity): unknown => children.length > 0 ? [type, ...children.map(shape)] : `${type} ${Buffer.from(body).toString('latin1').trim()}`
async function after(stored: string | undefined, edit: Partial<DraftEdit>): Promise<unknown> {
  return shape(parseEntity(await editDraft(stored === undefined ? undefined : crlf(stored), { ...nothing, ...edit }, 1e6)))
}
const plain = { type: 1, value: 'new' } as const, rich = { type: 2, value: '<p>new</p>' } as const
const both = ['multipart/alternative', 'text/plain new', 'text/html <p>new</p>']

const simple = 'Subject: x\n\nold'
const alternative = 'Content-Type: multipart/alternative; boundary=a\n\n--a\n\nold\n--a\nContent-Type: text/html\n\n<p>old</p>\n--a--\n'
const image = 'Content-Type: image/png\nContent-ID: <i@x>\n\nimage'
const related = `Content-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n<img src="cid:i@x">\n--r\n${image}\n--r--\n`
const within = `Content-Type: multipart/alternative; boundary=a\n\n--a\n\nold\n--a\n${related}\n--a--\n`
const mixed = (first: string): string => `Content-Type: multipart/mixed; boundary=m\n\n--m\n${first}\n--m\nContent-Type: application/pdf; name=a.pdf\nX-Own: a\n\npdf\n--m\nContent-Type: application/zip; name=b.zip\n\nzip\n--m--\n`

describe('a draft', () => {
  it.each<[string, string | undefined, Partial<DraftEdit>, unknown]>([
    ['that is new and empty', undefined, {}, 'text/plain '],
    ['that is new, plain', undefined, { text: plain }, 'text/plain new'],
    ['that is new, HTML', undefined, { text: rich }, both],
    ['that is new, with a file', undefined, { text: plain, add: [file()] }, ['multipart/mixed', 'text/plain new', 'application/octet-stream b2N0ZXRz']],
    ['of plain text becomes HTML', simple, { text: rich }, both],
    ['of HTML becomes plain text', alternative, { text: plain }, 'text/plain new'],
    ['keeps its files when its text changes', mixed(alternative), { text: rich }, ['multipart/mixed', both, 'application/pdf pdf', 'application/zip zip']],
    ['keeps the pictures beside its text', related, { text: rich }, ['multipart/related', both, 'image/png image']],
    ['keeps the pictures inside of its text', within, { text: rich }, ['multipart/related', both, 'image/png image']],
    ['keeps its text when a file goes', mixed('\nold'), { remove: new Set(['2']) }, ['multipart/mixed', 'text/plain old', 'application/zip zip']],
    ['that was nothing but a file loses it', 'Content-Type: application/pdf; name=a.pdf\n\npdf', { remove: new Set(['1']) }, 'text/plain '],
    ['loses its last file', mixed('\nold'), { remove: new Set(['2', '3']) }, ['multipart/mixed', 'text/plain old']],
    ['changes one file for another', mixed('\nold'), { remove: new Set(['3']), add: [file()] }, ['multipart/mixed', 'text/plain old', 'application/pdf pdf', 'application/octet-stream b2N0ZXRz']],
    ['gets a picture into its text', alternative, { add: [file({ inline: true, type: 'image/png', contentId: 'n@x' })] },
      ['multipart/related', ['multipart/alternative', 'text/plain old', 'text/html <p>old</p>'], 'image/png b2N0ZXRz']],
    ['gets another picture into its text', mixed(related), { text: rich, add: [file({ inline: true, type: 'image/png', contentId: 'n@x' }), file()] },
      ['multipart/mixed', ['multipart/related', both, 'image/png image', 'image/png b2N0ZXRz'], 'application/pdf pdf', 'application/zip zip', 'application/octet-stream b2N0ZXRz']],
    ['loses a picture of its text', related, { text: rich, remove: new Set(['2']) }, ['multipart/related', both]],
    ['of several texts has one', 'Content-Type: multipart/mixed; boundary=m\n\n--m\n\none\n--m\nContent-Type: image/png\n\nimage\n--m\n\ntwo\n--m--\n', { text: plain }, ['multipart/mixed', 'text/plain new', 'image/png image']],
    ['without text gets one', 'Content-Type: image/png\n\nimage', { text: plain }, ['multipart/mixed', 'text/plain new', 'image/png image']],
    ['gets a message attached', simple, { add: [file({ message: true, name: 'm.eml', content: crlf('Subject: in\n\nin') })] }, ['multipart/mixed', 'text/plain old', 'message/rfc822 Subject: in\r\n\r\nin']],
  ])('%s', async (_, stored, edit, expected) => expect(await after(stored, edit)).toEqual(expected))

  it('keeps every octet of what is not named: unknown fields, parts, their headers', async () => {
    const stored = crlf(`X-Mailer: own\nSubject: old\nX-Odd:  two \n  lines\n${mixed('Content-Type: text/plain; charset=iso-8859-1\n\nGr\xfc\xdfe')}`)
    const edited = await editDraft(stored, { ...nothing, header: { set: [['Subject', 'new']] } }, 1e6)
    expect(Buffer.from(edited).toString('latin1')).toBe(stored.toString('latin1').replace('Subject: old', 'Subject: new')
      .replace('Content-Type: multipart/mixed; boundary=m\r\n', '').replace('\r\n\r\n', '\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n'))
    const more = await editDraft(stored, { ...nothing, text: plain, add: [file()] }, 1e6)
    expect(Buffer.from(more).toString('latin1')).toContain('\r\nContent-Type: application/pdf; name=a.pdf\r\nX-Own: a\r\n\r\npdf\r\n--')
  })

  it('names its files for old and new programs', async () => {
    const edited = Buffer.from(await editDraft(undefined, { ...nothing, add: [file({ name: 'Größe "1".pdf', contentId: '<c@x>', location: 'a b' })] }, 1e6)).toString('latin1')
    expect(edited).toContain('name="=?utf-8?B?R3LDtsOfZSBfMV8ucGRm?="')
    expect(edited).toContain("Content-Disposition: attachment;\r\n filename*=utf-8''Gr%C3%B6%C3%9Fe%20%221%22.pdf\r\n")
    expect(edited).toContain('Content-ID: <c@x>\r\nContent-Location: ab\r\n')
    expect(parseEntity(Buffer.from(edited)).children[1]).toMatchObject({ filename: 'Größe "1".pdf', contentId: 'c@x' })
  })

  it('is not made larger than a message may be', async () => {
    await expect(editDraft(undefined, { ...nothing, add: [file({ content: Buffer.alloc(1e6) })] }, 1e6)).rejects.toMatchObject({ kind: 'too-large' })
  })

  it('of noise is edited all the same', async () => {
    for (const bytes of mutations([crlf(mixed(alternative)), crlf(related), crlf(within)], 600, 11)) {
      const edited = await editDraft(bytes, { header: { set: [['Subject', 'new']] }, text: rich, add: [file(), file({ inline: true })], remove: new Set(['1', '2']) }, 1e6)
      const text = Buffer.from(edited).toString('latin1')
      expect(text).toContain('<p>new</p>')
      expect(text.match(/b2N0ZXRz/g)).toHaveLength(2)
    }
  })
})
