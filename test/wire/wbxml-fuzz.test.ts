import { expect, it } from 'vitest'
import fc from 'fast-check'
import { Failure } from '../../src/base/failure.ts'
import { decode, el, encodeSync } from '../../src/wire/wbxml.ts'
import { printXml } from '../../src/wire/xml.ts'
import { mutations, randomBelow } from '../support/fuzz.ts'
import { anyTree } from '../support/wbxml-trees.ts'

const samples = [
  ...fc.sample(anyTree, { numRuns: 50, seed: 2 }).map(encodeSync),
  encodeSync(el('AirSync:Sync', [el('AirSync:Collections', [el('AirSync:Collection', [
    el('AirSync:SyncKey', '0'), el('AirSync:CollectionId', 'a1'), el('AirSync:WindowSize', '100'),
    el('AirSync:Options', [el('AirSyncBase:BodyPreference', [el('AirSyncBase:Type', '4')])]),
  ])])])),
  encodeSync(el('ComposeMail:SendMail', [
    el('ComposeMail:ClientId', '1'), el('ComposeMail:Mime', Buffer.from('Subject: x\r\n\r\ny')),
  ])),
  Buffer.from('03016a0561620063004583004d83030100000302020145814801', 'hex'),
]

/** What came of it: an element that can be printed, or a Failure; anything else is thrown on. */
function outcome(bytes: Uint8Array): 'element' | 'malformed' | 'too-large' {
  try {
    expect(printXml(decode(bytes))).toMatch(/^</)
    return 'element'
  } catch (error) {
    if (error instanceof Failure && (error.kind === 'malformed' || error.kind === 'too-large')) return error.kind
    throw error
  }
}

it('answers 20,000 mutated documents and noise with an element or a Failure', () => {
  const counts = { element: 0, malformed: 0, 'too-large': 0 }
  for (const bytes of mutations(samples, 20_000, 1)) counts[outcome(bytes)]++
  expect(counts.element).toBeGreaterThan(1000)
  expect(counts.malformed).toBeGreaterThan(1000)
})

it('answers 8 MiB of noise with a Failure', () => {
  const below = randomBelow(3)
  const noise = Uint8Array.from({ length: 8 << 20 }, () => below(256))
  noise.set([0x03, 0x01, 0x6a, 0x00, 0x45])
  expect(outcome(noise)).not.toBe('element')
})
