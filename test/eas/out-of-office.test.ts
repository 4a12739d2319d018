import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure, type Kind } from '../../src/base/failure.ts'
import { inOffice, type OutOfOffice } from '../../src/model/out-of-office.ts'
import { child, decode, el, text, type Node } from '../../src/wire/wbxml.ts'
import { printXml } from '../../src/wire/xml.ts'
import type { Phone } from '../support/eas-client.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { golden, parseXml, readGolden } from '../support/golden.ts'

let server: EasServer
let phone: Phone
let kept: OutOfOffice
let refusal: Failure | undefined
beforeEach(async () => {
  server = await easServer()
  phone = server.phone()
  kept = inOffice
  refusal = undefined
  server.account.filters = {
    async outOfOffice() {
      if (refusal) throw refusal
      return kept
    },
    async setOutOfOffice(edit) {
      if (refusal) throw refusal
      kept = edit(kept)
    },
    async setFilings() {},
  }
})
afterEach(() => server.stop())

async function recorded(name: string): Promise<void> {
  const { bytes } = await phone.raw('Settings', parseXml(readGolden(`eas/settings/${name}.request.xml`)))
  golden(`eas/settings/${name}.response.xml`, printXml(decode(bytes)))
}

const set = async (...nodes: Node[]): Promise<string | undefined> =>
  text(child(await phone.settings(el('Settings:Oof', [el('Settings:Set', nodes)])), 'Settings:Oof')!, 'Settings:Status')
const state = (value: string): Node => el('Settings:OofState', value)
const from = (time: string): Node => el('Settings:StartTime', time)
const until = (time: string): Node => el('Settings:EndTime', time)
const message = (...nodes: Node[]): Node => el('Settings:OofMessage', nodes)
const internal = el('Settings:AppliesToInternal'), known = el('Settings:AppliesToExternalKnown')
const enabled = (value: string): Node => el('Settings:Enabled', value)
const reply = (words: string, type?: string): Node[] =>
  [el('Settings:ReplyMessage', words), ...(type === undefined ? [] : [el('Settings:BodyType', type)])]
const noon = '2026-08-03T12:00:00.000Z', evening = '2026-08-03T18:00:00.000Z'

describe('automatic replies', () => {
  it('are told as they were set, in the type that is asked for', async () => {
    await recorded('oof-get-first')
    await recorded('oof-set')
    await recorded('oof-get-text')
    await recorded('oof-get-html')
    await recorded('oof-set-off')
    await recorded('oof-get-off')
  })

  it('are nothing a phone can set without ManageSieve, and it is told of no audience', async () => {
    server.account.filters = undefined
    await recorded('oof-get-without')
    await recorded('oof-set-without')
  })

  it.each<[string, Node[], OutOfOffice]>([
    ['a state alone', [state('1')], { on: true, replies: {} }],
    ['times with state 1, which are not kept', [state('1'), from(noon), until(evening)], { on: true, replies: {} }],
    ['a time', [state('2'), from(noon), until(evening)],
      { on: true, period: { start: new Date(noon), end: new Date(evening) }, replies: {} }],
    ['a time without punctuation', [state('2'), from('20260803T120000Z'), until('20260803T180000.000Z')],
      { on: true, period: { start: new Date(noon), end: new Date(evening) }, replies: {} }],
    ['a message for one audience', [message(internal, enabled('1'), ...reply('away', 'TEXT'))],
      { on: false, replies: { internal: { enabled: true, message: { type: 'text', text: 'away' } } } }],
    ['an empty message', [message(known, enabled('0'), ...reply('', 'HTML'))],
      { on: false, replies: { known: { enabled: false, message: { type: 'html', text: '' } } } }],
  ])('take %s', async (_, nodes, result) => {
    expect(await set(...nodes)).toBe('1')
    expect(kept).toEqual(result)
  })

  it('keep what a Set does not mention', async () => {
    const known = { enabled: true, message: { type: 'text', text: 'known' } } as const
    const period = { start: new Date(noon), end: new Date(evening) }
    kept = { on: true, period, replies: { internal: { enabled: true, message: { type: 'html', text: '<p>in</p>' } }, known } }
    expect(await set(message(internal, enabled('0')))).toBe('1')
    expect(kept).toEqual({ on: true, period, replies: { internal: { enabled: false, message: { type: 'html', text: '<p>in</p>' } }, known } })
    expect(await set(state('2'))).toBe('1')
    expect(kept.period).toEqual(period)
    expect(await set(state('0'))).toBe('1')
    expect(kept).toEqual({ on: false, replies: { internal: { enabled: false, message: { type: 'html', text: '<p>in</p>' } }, known } })
  })

  it.each<[string, string, Node[]]>([
    ['2', 'a state that is none', [state('3')]],
    ['2', 'a beginning without an end', [state('2'), from(noon)]],
    ['2', 'an end without a beginning', [state('2'), until(noon)]],
    ['2', 'a time that is none', [state('2'), from('tomorrow'), until(noon)]],
    ['2', 'a day that is none', [state('2'), from('2026-13-03T12:00:00.000Z'), until(noon)]],
    ['2', 'no times, where none were known', [state('2')]],
    ['6', 'an end before the beginning', [state('2'), from(evening), until(noon)]],
    ['2', 'a message for nobody', [message(enabled('1'))]],
    ['2', 'a message for two audiences', [message(internal, known, enabled('1'))]],
    ['2', 'two messages for one audience', [message(internal, enabled('1')), message(internal, enabled('0'))]],
    ['2', 'a message without its type', [message(internal, enabled('1'), ...reply('away'))]],
    ['2', 'a type there is not', [message(internal, enabled('1'), ...reply('away', 'RTF'))]],
    ['2', 'an Enabled that is neither', [message(internal, enabled('yes'))]],
    ['5', 'a message of 64 KiB and one', [message(internal, enabled('1'), ...reply('x'.repeat(65537), 'Text'))]],
  ])('answer %s to %s, and stay as they were', async (status, _, nodes) => {
    expect(await set(...nodes)).toBe(status)
    expect(kept).toEqual(inOffice)
  })

  it.each<[Kind, string]>([
    ['unsupported', '3'], ['denied', '3'], ['unavailable', '4'], ['quota', '5'], ['conflict', '6'],
  ])('answer %s of the mail server with %s, and the other parts with theirs', async (kind, status) => {
    refusal = new Failure(kind, 'for a test')
    const get = el('Settings:Oof', [el('Settings:Get', [el('Settings:BodyType', 'Text')])])
    const answer = await phone.settings(get, el('Settings:UserInformation', [el('Settings:Get')]))
    expect(answer.children.map(part => text(part, 'Settings:Status') ?? part.text)).toEqual(['1', status, '1'])
    expect(child(answer, 'Settings:Oof')!.children).toHaveLength(1)
    expect(await set(state('1'))).toBe(status)
    expect(server.served.log.lines.concat(server.log)).toContainEqual(expect.objectContaining({ kind, reason: 'for a test' }))
  })

  it('want to be got or set', async () => {
    const answer = await phone.settings(el('Settings:Oof'))
    expect(text(child(answer, 'Settings:Oof')!, 'Settings:Status')).toBe('2')
  })
})
