import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { el, text } from '../../src/wire/wbxml.ts'
import type { Phone } from '../support/eas-client.ts'
import { find, findNode } from '../support/eas-search.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'

let server: EasServer
let phone: Phone
let work: string
beforeEach(async () => {
  server = await easServer()
  const { account } = server
  const id = account.addFolder('Work')
  account.addFolder('Below', { parent: id })
  const html = 'MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n'
  const deliver = (folder: string, day: number, head: string, body = 'x'): number =>
    account.deliver(folder, `${head}\n${body}\n`, { received: new Date(`2026-11-${day}T10:00:00Z`) })
  deliver('inbox', 10, 'From: Anna <anna@x.test>\nSubject: offer one\n')
  deliver('Work', 12, `From: Bob <bob@x.test>\nCc: "C, D" <c@x.test>, e@x.test\nSubject: offer two\n${html}`, `<p>${'word '.repeat(100)}</p>`)
  deliver('Below', 11, 'Subject: offer three\n')
  phone = server.phone()
  await phone.folderSync('0')
  work = phone.folder('Work')
})
afterEach(() => server.stop())

describe('Find', () => {
  it('finds mail in all folders, with what a list of results shows', async () => {
    const found = await find(phone, { query: 'offer' })
    expect(found).toMatchObject({ status: '1', response: '1', range: '0-2', total: '3', subjects: ['offer two', 'offer three', 'offer one'] })
    const [hit] = found.hits
    expect(hit).toMatchObject({ id: `${work}:1:1`, folder: work, class: 'Email' })
    const told = (tag: Parameters<typeof text>[1]): string | undefined => text(hit!.properties, tag)
    expect(told('Find:Preview')).toBe('word '.repeat(51))
    expect([told('Find:DisplayCc'), told('Find:DisplayBcc'), told('Find:HasAttachments'), told('Email:From'), told('Email:Read')])
      .toEqual(['C, D;e@x.test', undefined, '0', '"Bob" <bob@x.test>', '0'])
  })

  it.each<[string, Parameters<typeof findNode>[0], string[]]>([
    ['one word or another', { query: 'subject:one OR three' }, ['offer three', 'offer one']],
    ['not a word', { query: 'offer NOT two' }, ['offer three', 'offer one']],
    ['a sender', { query: 'from:bob offer' }, ['offer two']],
    ['a phrase', { query: '"offer t"' }, ['offer two', 'offer three']],
    ['days', { query: 'received:2026-11-11..2026-11-12' }, ['offer two', 'offer three']],
    ['nothing', { query: 'dinner' }, []],
  ])('finds %s', async (_, wish, subjects) => {
    expect(await find(phone, wish)).toMatchObject({ response: '1', subjects, total: String(subjects.length) })
  })

  it('looks into one folder, or also into those below', async () => {
    expect((await find(phone, { query: 'offer', folder: work })).subjects).toEqual(['offer two'])
    expect((await find(phone, { query: 'offer', folder: work, deep: true })).subjects).toEqual(['offer two', 'offer three'])
  })

  it('goes on where the first rows ended, and asks for them where it does not know the search', async () => {
    expect(await find(phone, { query: 'offer', range: '0-1' })).toMatchObject({ range: '0-1', total: '3' })
    server.account.deliver('inbox', 'Subject: offer four\n\nx\n')
    expect(await find(phone, { query: 'offer', range: '2-3' })).toMatchObject({ subjects: ['offer one'], range: '2-2' })
    expect(await find(phone, { query: 'offer', range: '3-3' })).toMatchObject({ response: '1', subjects: [], range: undefined })
    expect(await find(phone, { query: 'offer', range: '2-3', id: 'other' })).toMatchObject({ status: '1', response: '4', subjects: [] })
    expect((await find(phone, { query: 'offer', range: '0-0' })).total).toBe('4')
    server.forget()
    expect((await find(phone, { query: 'offer', range: '2-3' })).response).toBe('4')
  })

  it.each<[string, string, string | undefined, Parameters<typeof find>[1]]>([
    ['a folder that is not there', '3', undefined, { query: 'offer', folder: 'f99' }],
    ['no words', '1', '2', { query: ' ' }],
    ['too many words', '1', '2', { query: 'x '.repeat(100) }],
    ['another class', '2', undefined, { query: 'offer', class: 'Calendar' }],
    ['a range beyond the end of all ranges', '2', undefined, { query: 'offer', range: '0-1000' }],
    ['a range that is none', '2', undefined, { query: 'offer', range: '3-1' }],
    ['no id', '2', undefined, el('Find:Find', [el('Find:ExecuteSearch')])],
    ['no criterion', '2', undefined, el('Find:Find', [el('Find:SearchId', 'a'), el('Find:ExecuteSearch')])],
    ['the directory, which is not there', '1', '2', el('Find:Find', [
      el('Find:SearchId', 'a'), el('Find:ExecuteSearch', [el('Find:GalSearchCriterion', [el('Find:Query', 'anna')])]),
    ])],
  ])('refuses %s', async (_, status, response, wish) => {
    expect(await find(phone, wish)).toMatchObject({ status, response, hits: [] })
  })

  it('may be tried again when the mail server is away', async () => {
    server.account.outage = new Failure('unavailable', 'gone')
    expect((await find(phone, { query: 'offer' })).status).toBe('111')
  })

  it('is not known before 16.1', async () => {
    expect((await find(server.phone({ version: '16.0' }), { query: 'offer' })).status).toBe('138')
  })
})
