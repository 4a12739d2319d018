import { describe, expect, it } from 'vitest'
import { askForAll } from '../../src/backend/dav-rows.ts'

describe('objects asked for by name', () => {
  /** Hands out so many at a time, and says whether that was all. */
  const server = (most: number, missing: readonly string[] = []) => {
    const asked: string[][] = []
    const ask = async (wanted: readonly string[]) => {
      asked.push([...wanted])
      const told = wanted.slice(0, most)
      return { told: new Set(told.filter(name => !missing.includes(name))), partial: told.length < wanted.length }
    }
    return { asked, ask }
  }

  it.each<[string, number, string[][]]>([
    ['come at once', 9, [['a', 'b', 'c', 'd', 'e']]],
    ['come in pieces, and what was told is not asked for again', 2, [['a', 'b', 'c', 'd', 'e'], ['c', 'd', 'e'], ['e']]],
  ])('%s', async (_, most, expected) => {
    const { asked, ask } = server(most)
    await askForAll(['a', 'b', 'c', 'd', 'e'], ask)
    expect(asked).toEqual(expected)
  })

  it('are none to ask for where none is named', async () => {
    const { asked, ask } = server(1)
    await askForAll([], ask)
    expect(asked).toEqual([])
  })

  it('are not asked for again and again of a server that hands out none of them', async () => {
    const { asked, ask } = server(1, ['a'])
    await expect(askForAll(['a', 'b'], ask)).rejects.toMatchObject({ kind: 'unavailable' })
    expect(asked).toEqual([['a', 'b']])
  })
})
