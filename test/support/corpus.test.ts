import { expect, it } from 'vitest'
import { corpus } from './corpus.ts'

it('gives the same octets for the same seed and others for another', () => {
  const octets = (seed: number) => Buffer.concat([...corpus({ count: 30, seed })].map(({ raw }) => raw))
  expect(octets(7)).toEqual(octets(7))
  expect(octets(7)).not.toEqual(octets(8))
})

it('writes every kind, with CRLF and no overlong line, header in ASCII', () => {
  const messages = [...corpus({ count: 400 })]
  expect(new Set(messages.map(({ kind }) => kind)).size).toBe(8)
  for (const { raw } of messages) {
    const text = Buffer.from(raw).toString('latin1')
    const lines = text.split('\r\n')
    expect(lines.filter(line => line.length > 998 || /[\r\n]/.test(line))).toEqual([])
    expect(text.slice(0, text.indexOf('\r\n\r\n'))).toMatch(/^[\x20-\x7e\r\n]*$/)
  }
})

it('spreads the dates over the days asked for, oldest first', () => {
  const until = new Date('2026-03-01T00:00:00Z')
  const dates = [...corpus({ count: 11, until, days: 11 })].map(({ date }) => date.toISOString().slice(0, 10))
  expect([dates[0], dates[10]]).toEqual(['2026-02-19', '2026-03-01'])
})
