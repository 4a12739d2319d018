import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeTransfer } from '../../src/formats/transfer-encoding.ts'
import { base64Stream, decodeStream, sliceStream, streamLength } from '../../src/formats/transfer-stream.ts'

/** The octets in pieces of these lengths, the rest in one. */
async function* pieces(octets: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0
  for (const length of [...lengths, octets.length]) yield octets.subarray(at, at += length)
}

const whole = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}

const cuts = fc.array(fc.nat(40), { maxLength: 30 })

describe('a part that comes in pieces', () => {
  it('of base64 decodes as one does in whole, wherever it is cut', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.constantFrom('', '\r\n', '\n', ' '), cuts, async (octets, separator, lengths) => {
      const text = Buffer.from(Buffer.from(octets).toString('base64').replace(/.{20}/g, `$&${separator}`))
      expect(await whole(decodeStream(pieces(text, lengths), 'BASE64'))).toEqual(Buffer.from(octets))
    }))
  })

  it('of base64 in lines as most programs write them does too, whatever is wrong with some', async () => {
    // Padding in the middle ends a piece, wherever that was cut.
    const faults = ['', '!', '\n', '\r', 'QQ', '-', ' ']
    const fault = fc.record({ at: fc.nat(1000), what: fc.constantFrom(...faults), instead: fc.boolean() })
    await fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 57, maxLength: 600 }), fc.array(fault, { maxLength: 2 }), fc.array(fc.constantFrom(78, 156, 77, 20), { maxLength: 9 }),
      async (octets, wrong, lengths) => {
        let text = Buffer.from(octets).toString('base64').replace(/.{76}/g, '$&\r\n')
        for (const { at, what, instead } of wrong) text = text.slice(0, at) + what + text.slice(at + (instead ? what.length : 0))
        // One by one the octets go the long way.
        const slowly = await whole(decodeStream(pieces(Buffer.from(text), Array.from({ length: text.length }, () => 1)), 'base64'))
        expect(await whole(decodeStream(pieces(Buffer.from(text), lengths), 'base64'))).toEqual(slowly)
      }))
  })

  it('of quoted-printable decodes as one does in whole, wherever it is cut', async () => {
    const line = fc.array(fc.constantFrom('a', ' ', '\t', '=', '=3D', '=E2=82=AC', '=\r\n', '\r\n', '\n', '=\n', 'ü'), { maxLength: 60 })
    await fc.assert(fc.asyncProperty(line, cuts, async (words, lengths) => {
      const text = Buffer.from(words.join(''))
      expect(await whole(decodeStream(pieces(text, lengths), 'quoted-printable'))).toEqual(Buffer.from(decodeTransfer(text, 'quoted-printable')))
    }))
  })

  it('of any other encoding stays as it is', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array(), cuts, async (octets, lengths) => {
      expect(await whole(decodeStream(pieces(octets, lengths), '8bit'))).toEqual(Buffer.from(octets))
    }))
  })

  it('becomes base64 without line ends', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), cuts, async (octets, lengths) => {
      let text = ''
      for await (const piece of base64Stream(pieces(octets, lengths))) text += Buffer.from(piece).toString('latin1')
      expect(text).toBe(Buffer.from(octets).toString('base64'))
    }))
  })

  it('is cut to a range, and nothing is read beyond it', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), cuts, fc.nat(250), fc.integer({ min: 1, max: 250 }), async (octets, lengths, offset, length) => {
      expect(await whole(sliceStream(pieces(octets, lengths), offset, length))).toEqual(Buffer.from(octets.subarray(offset, offset + length)))
    }))
    let ended = false
    const source = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.alloc(10)
      } finally {
        ended = true
      }
    }
    expect((await whole(sliceStream(source(), 5, 20))).length).toBe(20)
    expect(ended).toBe(true)
  })

  it('has a length', async () => {
    expect(await streamLength(pieces(Buffer.alloc(1000), [1, 2, 3]))).toBe(1000)
  })

  it('without line ends is not collected for ever', async () => {
    const longest: number[] = []
    const text = Buffer.from('=41'.repeat(200_000))
    for await (const piece of decodeStream(pieces(text, Array.from({ length: 600 }, () => 1000)), 'quoted-printable')) longest.push(piece.length)
    expect(Math.max(...longest)).toBeLessThan(64 * 1024)
    expect(longest.reduce((sum, one) => sum + one, 0)).toBe(200_000)
  })
})
