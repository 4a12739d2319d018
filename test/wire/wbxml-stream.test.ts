import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { Failure } from '../../src/base/failure.ts'
import { decode, el, encode, encodeSync, encodeWhole, type Content, type Element, type Node } from '../../src/wire/wbxml.ts'
import { printXml } from '../../src/wire/xml.ts'
import { parseXml } from '../support/golden.ts'
import { anyTree } from '../support/wbxml-trees.ts'

/** XML 1.0, Char. */
const isChar = (code: number): boolean =>
  [9, 10, 13].includes(code) || code >= 0x20 && code <= 0xfffd || code >= 0x10000

const received = (content: string): string => [...content.toWellFormed()].filter(one => isChar(one.codePointAt(0)!)).join('')

/** What the other side should see of a tree. */
function expected({ tag, children }: Node): unknown {
  if (typeof children === 'string') return { tag, children: [], text: received(children) }
  if (children instanceof Uint8Array && children.length > 0) return { tag, children: [], opaque: [...children] }
  return { tag, children: children instanceof Uint8Array ? [] : (children as readonly Node[]).map(expected), text: '' }
}

const plain = ({ tag, children, text, opaque }: Element): unknown =>
  opaque ? { tag, children, opaque: [...opaque] } : { tag, children: children.map(plain), text }

async function* later<T>(pieces: Iterable<T>): AsyncGenerator<T> {
  let count = 0
  for (const piece of pieces) {
    if (++count % 7 === 0) await new Promise(resolve => setTimeout(resolve, 0))
    yield piece
  }
}

const cut = <T extends { slice(from: number, to?: number): T; length: number }>(whole: T, size: number): T[] =>
  Array.from({ length: Math.ceil(whole.length / size) }, (_, i) => whole.slice(i * size, (i + 1) * size))

/** The same tree, asynchronous all the way down. */
function streamed({ tag, children }: Node, size: number): Node {
  const content = children as string | Uint8Array | readonly Node[]
  if (content.length === 0) return { tag, children: content }
  if (typeof content === 'string') return el(tag, { text: later(cut(content, size)) })
  if (content instanceof Uint8Array) return el(tag, { opaque: later(cut(content, size)), length: content.length })
  return el(tag, later(content.map(one => streamed(one, size))))
}

describe('any tree', () => {
  it('arrives as it was sent', () => fc.assert(fc.property(anyTree, tree => {
    expect(plain(decode(encodeSync(tree)))).toEqual(expected(tree))
  })))

  it('is the same octets whether written at once or as it comes', () =>
    fc.assert(fc.asyncProperty(anyTree, fc.integer({ min: 1, max: 5 }), async (tree, size) => {
      const whole = encodeSync(tree)
      expect(Buffer.from(await encodeWhole(tree)).equals(whole)).toBe(true)
      expect(Buffer.from(await encodeWhole(streamed(tree, size))).equals(whole)).toBe(true)
    })))

  it('is read back from its printed form', () => fc.assert(fc.property(anyTree, tree => {
    const element = decode(encodeSync(tree))
    const again = decode(encodeSync(parseXml(printXml(element))))
    expect(plain(again)).toEqual(plain(element))
  })))
})

const collect = async (root: Node): Promise<Uint8Array[]> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of encode(root)) chunks.push(chunk)
  return chunks
}

const numbered = (i: number): Node => el('AirSync:Add', `number ${i}`)
const mebibyte = new Uint8Array(1 << 20).fill(7)
const mark = 'pöst€rn🏤 '

describe('a stream', () => {
  it.each<[string, Content, Content]>([
    ['1 MiB of opaque data', { opaque: later(cut(mebibyte, 60_000)), length: mebibyte.length }, mebibyte],
    ['a long text in pieces', { text: later(cut(mark.repeat(50_000), 4099)) }, mark.repeat(50_000)],
    ['a long text at once', mark.repeat(50_000), { text: later([mark.repeat(50_000)]) }],
    ['many elements', later(Array.from({ length: 5000 }, (_, i) => el('AirSync:Add', `number ${i}`))),
      Array.from({ length: 5000 }, (_, i) => el('AirSync:Add', `number ${i}`))],
    ['many elements, one, two or none at a time',
      later(Array.from({ length: 2500 }, (_, i) => [numbered(2 * i), [numbered(2 * i + 1)], [], [numbered(i), numbered(i)]]).flat()),
      Array.from({ length: 2500 }, (_, i) => [2 * i, 2 * i + 1, i, i].map(numbered)).flat()],
  ])('carries %s in chunks', async (_, content, same) => {
    const chunks = await collect(el('AirSync:Sync', content))
    expect(chunks.length).toBeGreaterThan(2)
    expect(Buffer.concat(chunks).equals(await encodeWhole(el('AirSync:Sync', same)))).toBe(true)
  })

  it('gives out what there is before it waits, and not before', async () => {
    const arrival = Promise.withResolvers<void>()
    async function* items(): AsyncGenerator<Node> {
      yield el('AirSync:Add', 'at once')
      await arrival.promise
      yield el('AirSync:Add', 'late')
      yield el('AirSync:Add', 'with it')
    }
    const chunks = encode(el('AirSync:Sync', [el('AirSync:Status', '1'), el('AirSync:Commands', items())]))
    const first = await chunks.next()
    expect(Buffer.from(first.value!).toString('latin1')).toContain('at once')
    arrival.resolve()
    const second = await chunks.next()
    expect(Buffer.from(second.value!).toString('latin1')).toMatch(/late.*with it/s)
    expect((await chunks.next()).done).toBe(true)
  })

  it('throws on what one of its sources throws, and ends the others', async () => {
    const ended: string[] = []
    async function* inner(): AsyncGenerator<Node> {
      yield el('AirSync:ServerId', '1')
      throw new Failure('unavailable', 'the backend went away')
    }
    async function* outer(): AsyncGenerator<Node> {
      try {
        yield el('AirSync:Add', inner())
      } finally {
        ended.push('outer')
      }
    }
    await expect(encodeWhole(el('AirSync:Sync', outer()))).rejects.toMatchObject({ kind: 'unavailable' })
    expect(ended).toEqual(['outer'])
  })

  it('keeps an error that comes while nobody reads for the next who does', async () => {
    async function* broken(): AsyncGenerator<Node> {
      yield el('AirSync:Status', '1')
      await new Promise(resolve => setTimeout(resolve, 5))
      throw new Failure('unavailable', 'the backend went away')
    }
    const chunks = encode(el('AirSync:Sync', broken()))
    await chunks.next()
    await new Promise(resolve => setTimeout(resolve, 20))
    await expect(chunks.next()).rejects.toMatchObject({ kind: 'unavailable' })
  })

  it('ends its sources when nobody reads on', async () => {
    let ended = false
    async function* endless(): AsyncGenerator<Node> {
      try {
        for (;;) yield el('AirSync:Add', 'x'.repeat(1000))
      } finally {
        ended = true
      }
    }
    for await (const chunk of encode(el('AirSync:Sync', endless()))) if (chunk.length > 0) break
    expect(ended).toBe(true)
  })

  function* endless(): Generator<Uint8Array> {
    for (;;) yield new Uint8Array(1)
  }

  it.each([
    ['less', [new Uint8Array(9)]],
    ['more', endless()],
  ])('fails when opaque data is %s than announced', async (_, pieces) => {
    const content = { opaque: later(pieces), length: 10 }
    await expect(encodeWhole(el('AirSync:Sync', content))).rejects.toMatchObject({ name: 'Failure', kind: 'unavailable' })
  })

  it('is not written at once where it must be waited for', () => {
    expect(() => encodeSync(el('AirSync:Sync', later([el('AirSync:Add')])))).toThrow(TypeError)
  })
})
