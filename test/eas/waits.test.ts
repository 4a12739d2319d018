import { describe, expect, it } from 'vitest'
import { drain, enterWait, shed, type Waits } from '../../src/eas/waits.ts'

describe('the wait of a device', () => {
  const world = () => {
    const waits: Waits = { ends: new Map(), drained: false }, ended: string[] = []
    return { waits, ended, enter: (scope: string, name: string) => enterWait(waits, scope, () => void ended.push(name)) }
  }

  it('ends when the device asks anew, and no other one does', () => {
    const { ended, enter } = world()
    enter('anna/phone', 'first')
    enter('anna/tablet', 'other')
    enter('anna/phone', 'second')
    expect(ended).toEqual(['first'])
  })

  it('is not forgotten when an older one is over', () => {
    const { ended, enter } = world()
    const leave = enter('anna/phone', 'first')
    enter('anna/phone', 'second')
    leave()
    enter('anna/phone', 'third')
    expect(ended).toEqual(['first', 'second'])
  })

  it('leaves nothing behind', () => {
    const { waits, enter } = world()
    enter('anna/phone', 'first')()
    expect(waits.ends.size).toBe(0)
  })

  it('ends with the server, which tells those that come later', () => {
    const { waits, ended, enter } = world()
    enter('anna/phone', 'first')
    enter('bert/phone', 'second')
    drain(waits)
    expect(ended).toEqual(['first', 'second'])
    expect(waits.drained).toBe(true)
  })

  it('ends early where it began first, a part of all at a time', () => {
    const { waits, ended, enter } = world()
    for (let n = 0; n < 15; n++) enter(`anna/${n}`, String(n))
    shed(waits, 0.1)
    expect([ended, waits.drained]).toEqual([['0', '1'], false])
  })

  it('is asked for, which may be refused; then the one before is over all the same', () => {
    const left: string[] = [], ended: string[] = []
    let room = true
    const waits: Waits = { ends: new Map(), drained: false, admit: scope => {
      if (!room) throw new Error('no room')
      return () => void left.push(scope)
    } }
    const leave = enterWait(waits, 'anna/phone', () => { ended.push('first'); leave() })
    room = false
    expect(() => enterWait(waits, 'anna/phone', () => {})).toThrow('no room')
    expect([ended, left, waits.ends.size]).toEqual([['first'], ['anna/phone'], 0])
  })
})
