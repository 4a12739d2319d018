import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sealing } from '../../src/state/sealed-value.ts'
import { mutations } from '../support/fuzz.ts'

const ours = sealing(Buffer.from('the secret of the site'))
const others = sealing(Buffer.from('the secret of another site'))

describe('what a site keeps where others may look', () => {
  it('comes back as it was, under its own name', () => {
    fc.assert(fc.property(fc.string(), fc.jsonValue(), (name, value) => {
      const kept = ours.name(`sent:${name}`)
      expect(ours.open(kept, ours.seal(kept, value))).toEqual(JSON.parse(JSON.stringify(value)))
    }))
  })

  it('has names that say their kind and nothing else, the same in every process', () => {
    const name = ours.name('sent:anna@postern.test/PHONE:<1@phone>')
    expect(name).toMatch(/^1:sent:[\w-]{24}$/)
    expect(sealing(Buffer.from('the secret of the site')).name('sent:anna@postern.test/PHONE:<1@phone>')).toBe(name)
    expect(others.name('sent:anna@postern.test/PHONE:<1@phone>')).not.toBe(name)
    expect(ours.name('move:anna@postern.test/PHONE:<1@phone>')).not.toBe(name)
  })

  it('shows nothing of a value, not even that it is the same one', () => {
    const [one, two] = [1, 2].map(() => ours.seal('1:move:x', { to: 'the folder' })) as [Buffer, Buffer]
    expect(one.equals(two)).toBe(false)
    expect(one.toString('latin1')).not.toContain('folder')
  })

  it.each<[string, string, (octets: Buffer) => Buffer]>([
    ['under another name', '1:sent:y', octets => octets],
    ['that another site sealed', '1:sent:x', () => others.seal('1:sent:x', true)],
    ['that another version wrote', '2:sent:x', octets => octets],
    ['cut short', '1:sent:x', octets => octets.subarray(0, -1)],
    ['of nothing', '1:sent:x', () => Buffer.alloc(0)],
    ['that is a number', '1:sent:x', () => Buffer.from('1')],
  ])('is as good as nothing %s', (_, name, change) => {
    expect(ours.open(name, change(ours.seal('1:sent:x', true)))).toBeUndefined()
  })

  it('opens to nothing whatever somebody makes of it', () => {
    const good = ours.seal('1:sent:x', { at: 1, value: 'something that was kept' })
    for (const octets of mutations([good], 20_000, 7)) {
      const opened = ours.open('1:sent:x', octets)
      if (!Buffer.from(octets).equals(good)) expect(opened).toBeUndefined()
    }
  })
})
