import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { credentialMemory, type CredentialMemory } from '../../src/backend/credentials.ts'
import { emptyMemory } from '../support/memories.ts'

const password = (user: string, secret: string) => ({ kind: 'password' as const, user, password: secret })

describe('what is remembered of credentials', () => {
  let memory: CredentialMemory
  beforeEach(() => void (memory = credentialMemory({ rememberSeconds: 300, refuseSeconds: 30, tries: 3 }, emptyMemory())))

  const print = (user: string, secret: string) => memory.fingerprint(user, password(user, secret))
  const guess = (user: string, secret: string, address: string): Promise<void> => memory.refused(print(user, secret), user, address)
  const ask = (user: string, secret: string, address = '192.0.2.1'): Promise<boolean> => memory.known(print(user, secret), user, address)

  it('is nothing at first, and that they were right once they were', async () => {
    expect(await ask('anna', 'right')).toBe(false)
    await memory.proved(print('anna', 'right'), 'anna', '192.0.2.1')
    expect(await ask('anna', 'right')).toBe(true)
  })

  it('never takes one user, secret or kind for another', async () => {
    await memory.proved(print('anna', 'right'), 'anna', '192.0.2.1')
    expect(await ask('bob', 'right')).toBe(false)
    expect(await ask('anna', 'wrong')).toBe(false)
    const token = memory.fingerprint('anna', { kind: 'bearer', user: 'anna', token: 'right' })
    expect(await memory.known(token, 'anna', '192.0.2.1')).toBe(false)
  })

  it('refuses at once what was wrong a moment ago', async () => {
    await guess('anna', 'wrong', '192.0.2.1')
    await expect(ask('anna', 'wrong')).rejects.toMatchObject({ kind: 'auth' })
    expect(await ask('anna', 'right')).toBe(false)
  })

  it('has an address wait that guesses, whoever the users are', async () => {
    for (const user of ['anna', 'bob', 'carl']) await guess(user, 'guess', '192.0.2.1')
    await expect(ask('dora', 'right', '192.0.2.1')).rejects.toMatchObject({ kind: 'busy', retryAfter: 60 })
    expect(await ask('dora', 'right', '192.0.2.2')).toBe(false)
  })

  it('has guesses at a user wait that all come at once, as if each had been answered', async () => {
    const outcomes = await Promise.all(Array.from({ length: 100 }, (_, i) => ask('anna', `guess ${i}`, `192.0.2.${i}`).catch((error: unknown) => error)))
    expect(outcomes.filter(one => one === false).length).toBe(3)
    expect(outcomes.filter(one => one !== false)).toEqual(Array.from({ length: 97 }, () => expect.objectContaining({ kind: 'busy', retryAfter: 60 })))
    await guess('anna', 'guess 0', '192.0.2.0')
    await expect(ask('anna', 'guess 3', '192.0.2.99')).rejects.toMatchObject({ kind: 'busy' })
    for (const n of [1, 2]) await memory.proved(print('anna', `guess ${n}`), 'anna', '192.0.2.50')
    expect(await ask('anna', 'guess 4', '192.0.2.51')).toBe(false)
  })

  it('does not take the devices of a user that come at once for guesses', async () => {
    expect(await Promise.all(Array.from({ length: 100 }, () => ask('anna', 'right')))).toEqual(Array.from({ length: 100 }, () => false))
  })

  it('has a user wait who is being guessed, but not their devices that were right before', async () => {
    const impatient = credentialMemory({ rememberSeconds: 0.001, refuseSeconds: 30, tries: 3 }, emptyMemory())
    const right = impatient.fingerprint('anna', password('anna', 'right'))
    await impatient.proved(right, 'anna', '192.0.2.1')
    await sleep(10)
    for (let i = 0; i < 3; i++) {
      const wrong = impatient.fingerprint('anna', password('anna', `guess ${i}`))
      await impatient.refused(wrong, 'anna', `192.0.2.${i + 10}`)
    }
    const another = impatient.fingerprint('anna', password('anna', 'another guess'))
    await expect(impatient.known(another, 'anna', '192.0.2.99')).rejects.toMatchObject({ kind: 'busy' })
    expect(await impatient.known(right, 'anna', '192.0.2.99')).toBe(false)
  })
})

describe('what two processes of a site know of credentials', () => {
  const options = { rememberSeconds: 300, refuseSeconds: 30, tries: 3 }
  let one: CredentialMemory, other: CredentialMemory
  beforeEach(() => {
    const site = emptyMemory()
    one = credentialMemory(options, site)
    other = credentialMemory(options, site)
  })
  const guess = (memory: CredentialMemory, user: string, secret: string, address: string): Promise<void> =>
    memory.refused(memory.fingerprint(user, password(user, secret)), user, address)
  const ask = (memory: CredentialMemory, user: string, secret: string, address: string): Promise<boolean> =>
    memory.known(memory.fingerprint(user, password(user, secret)), user, address)

  it('counts guesses by an address and at a user, whichever process they come to', async () => {
    await guess(one, 'anna', 'a', '192.0.2.1')
    await guess(other, 'anna', 'b', '192.0.2.1')
    await guess(one, 'anna', 'c', '192.0.2.1')
    await expect(ask(other, 'bob', 'right', '192.0.2.1')).rejects.toMatchObject({ kind: 'busy' })
    await expect(ask(other, 'anna', 'right', '192.0.2.2')).rejects.toMatchObject({ kind: 'busy' })
    expect(await ask(other, 'bob', 'right', '192.0.2.2')).toBe(false)
  })

  it('does not hold up a user who was right from there at another process, unless guesses came from there', async () => {
    await one.proved(one.fingerprint('anna', password('anna', 'right')), 'anna', '192.0.2.1')
    for (const n of [1, 2, 3]) await guess(one, 'anna', `guess ${n}`, `198.51.100.${n}`)
    expect(await ask(other, 'anna', 'right', '192.0.2.1')).toBe(false)
    await expect(ask(other, 'anna', 'right', '192.0.2.2')).rejects.toMatchObject({ kind: 'busy' })
    for (const n of [1, 2, 3]) await guess(one, 'bob', `guess ${n}`, '192.0.2.1')
    await expect(ask(other, 'anna', 'right', '192.0.2.1')).rejects.toMatchObject({ kind: 'busy' })
  })

  it('never believes what only another process has proved', async () => {
    await one.proved(one.fingerprint('anna', password('anna', 'right')), 'anna', '192.0.2.1')
    expect(await ask(other, 'anna', 'right', '192.0.2.1')).toBe(false)
  })
})
