import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { decode, decodeHead, el, encodeSync, type Head } from '../../src/wire/wbxml.ts'
import { mutations } from '../support/fuzz.ts'

const mime = Buffer.from('To: b@x\r\n\r\nHello\xff'.repeat(40), 'latin1')
const whole = Buffer.from(encodeSync(el('ComposeMail:SmartReply', [
  el('ComposeMail:ClientId', 'c1'), el('ComposeMail:Source', [el('ComposeMail:ItemId', 'i1')]), el('ComposeMail:SaveInSentItems'),
  el('ComposeMail:Mime', mime), el('AirSyncBase:Body', [el('AirSyncBase:Type', '1')]), el('ComposeMail:ReplaceMime'),
])))
const begin = whole.indexOf(mime)
const head = (octets: Uint8Array): Head | undefined => decodeHead(octets, 'ComposeMail:Mime')

describe('the head of a document whose opaque data are still coming', () => {
  it('tells what was said, where the data begin, how many they are, and what came behind them', () => {
    for (let cut = begin; cut < begin + mime.length; cut++) {
      const { root, length, at, rest } = head(whole.subarray(0, cut))!
      expect([length, at]).toEqual([mime.length, begin])
      expect(root.children.map(({ tag }) => tag.slice(12))).toEqual(['ClientId', 'Source', 'SaveInSentItems', 'Mime'])
      expect(root.children[1]!.children[0]!.text).toBe('i1')
      expect(rest(whole.subarray(begin + mime.length)).map(({ tag }) => tag)).toEqual(['AirSyncBase:Body', 'ComposeMail:ReplaceMime'])
    }
  })

  it('is nothing where the octets end elsewhere, or all are there', () => {
    for (let cut = 0; cut < begin; cut++) expect(head(whole.subarray(0, cut))).toBeUndefined()
    for (let cut = begin + mime.length; cut <= whole.length; cut++) expect(head(whole.subarray(0, cut))).toBeUndefined()
  })

  it('is nothing for data of another element, or further down', () => {
    for (const root of [
      el('ComposeMail:SendMail', [el('ComposeMail:ClientId', mime)]),
      el('ComposeMail:SendMail', [el('ComposeMail:Source', [el('ComposeMail:Mime', mime)])]), el('ComposeMail:Mime', mime),
    ]) expect(head(encodeSync(root).subarray(0, 300))).toBeUndefined()
  })

  it('is refused when the end does not come', () => {
    for (let cut = begin + mime.length; cut < whole.length; cut++) {
      const { rest } = head(whole.subarray(0, begin + 1))!
      expect(() => rest(whole.subarray(begin + mime.length, cut))).toThrow(Failure)
    }
  })

  it('and its end together say what the whole says, for 20,000 mutated documents, or fail as it fails', () => {
    let heads = 0
    for (const bytes of mutations([whole], 20_000, 8)) {
      let found: Head | undefined
      try {
        found = head(bytes.subarray(0, Math.min(bytes.length, begin + 20)))
        if (!found) continue
        heads++
        const { root, at, length, rest } = found
        const behind = rest(bytes.subarray(at + length))
        const all = decode(bytes).children
        expect([...root.children.map(({ tag }) => tag), ...behind.map(({ tag }) => tag)]).toEqual(all.map(({ tag }) => tag))
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        expect(() => decode(bytes)).toThrow(Failure)
      }
    }
    expect(heads).toBeGreaterThan(5000)
  })
})
