import { beforeEach, describe, expect, it } from 'vitest'
import { credentialMemory, type CredentialMemory } from '../../src/backend/credentials.ts'

const password = (user: string, secret: string) => ({ kind: 'password' as const, user, password: secret })

describe('what is remembered of credentials', () => {
  let memory: CredentialMemory
  beforeEach(() => void (memory = credentialMemory({ rememberSeconds: 300, refuseSeconds: 30, tries: 3 })))

  const print = (user: string, secret: string) => memory.fingerprint(user, password(user, secret))
  const guess = (user: string, secret: string, address: string): void => memory.refused(print(user, secret), user, address)
  const ask = (user: string, secret: string, address = '192.0.2.1'): boolean => memory.known(print(user, secret), user, address)

  it('is nothing at first, and that they were right once they were', () => {
    expect(ask('anna', 'right')).toBe(false)
    memory.proved(print('anna', 'right'))
    expect(ask('anna', 'right')).toBe(true)
  })

  it('never takes one user, secret or kind for another', () => {
    memory.proved(print('anna', 'right'))
    expect(ask('bob', 'right')).toBe(false)
    expect(ask('anna', 'wrong')).toBe(false)
    const token = memory.fingerprint('anna', { kind: 'bearer', user: 'anna', token: 'right' })
    expect(memory.known(token, 'anna', '192.0.2.1')).toBe(false)
  })

  it('refuses at once what was wrong a moment ago', () => {
    guess('anna', 'wrong', '192.0.2.1')
    expect(() => ask('anna', 'wrong')).toThrow(expect.objectContaining({ kind: 'auth' }))
    expect(ask('anna', 'right')).toBe(false)
  })

  it('has an address wait that guesses, whoever the users are', () => {
    for (const user of ['anna', 'bob', 'carl']) guess(user, 'guess', '192.0.2.1')
    expect(() => ask('dora', 'right', '192.0.2.1')).toThrow(expect.objectContaining({ kind: 'busy', retryAfter: 60 }))
    expect(ask('dora', 'right', '192.0.2.2')).toBe(false)
  })

  it('has a user wait who is being guessed, but not their devices that were right before', () => {
    memory.proved(print('anna', 'right'))
    const impatient = credentialMemory({ rememberSeconds: 0.001, refuseSeconds: 30, tries: 3 })
    const right = impatient.fingerprint('anna', password('anna', 'right'))
    impatient.proved(right)
    for (let i = 0; i < 3; i++) {
      const wrong = impatient.fingerprint('anna', password('anna', `guess ${i}`))
      impatient.refused(wrong, 'anna', `192.0.2.${i + 10}`)
    }
    const another = impatient.fingerprint('anna', password('anna', 'another guess'))
    expect(() => impatient.known(another, 'anna', '192.0.2.99')).toThrow(expect.objectContaining({ kind: 'busy' }))
    expect(() => impatient.known(right, 'anna', '192.0.2.99')).not.toThrow()
  })
})
