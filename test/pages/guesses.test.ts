import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import type { Shared } from '../../src/base/shared.ts'
import { guesses } from '../../src/pages/guesses.ts'
import { hashPassword, isPassword, isPasswordHash } from '../../src/pages/password-hash.ts'
import { memoryCache } from '../../src/state/cache.ts'
import { ownMemory } from '../../src/state/shared-memory.ts'

const memory = (): Shared => ownMemory(memoryCache({ megabytes: 1 }))
const wrong = async (): Promise<never> => {
  throw new Failure('auth', 'wrong')
}
const right = async (): Promise<string> => 'in'
const outcome = (trying: Promise<string>): Promise<string> => trying.catch((error: unknown) => (error as Failure).kind)

describe('wrong passwords', () => {
  it('of one name are ten, from wherever; then even the right one has to wait', async () => {
    const { prove } = guesses('admin', memory())
    for (let i = 0; i < 10; i++) expect(await outcome(prove('ann', `192.0.2.${i}`, wrong))).toBe('auth')
    expect(await outcome(prove('Ann', '192.0.2.99', right))).toBe('busy')
    expect(await outcome(prove('bob', '192.0.2.99', right))).toBe('in')
  })

  it('of one address are ten, whatever the name', async () => {
    const { prove } = guesses('admin', memory())
    for (let i = 0; i < 10; i++) expect(await outcome(prove(`name${i}`, '192.0.2.1', wrong))).toBe('auth')
    expect(await outcome(prove('ann', '192.0.2.1', right))).toBe('busy')
    expect(await outcome(prove('ann', '192.0.2.2', right))).toBe('in')
  })

  it('that come all at once are no more', async () => {
    const { prove } = guesses('admin', memory())
    let tried = 0
    const outcomes = await Promise.all(Array.from({ length: 200 }, (_, i) => outcome(prove('ann', `192.0.2.${i}`, async () => {
      tried++
      return wrong()
    }))))
    expect(tried).toBeLessThanOrEqual(10)
    expect(outcomes.filter(one => one === 'busy').length).toBe(200 - tried)
  })

  it('of others do not keep out who was right from that address lately', async () => {
    const { prove } = guesses('admin', memory())
    expect(await outcome(prove('ann', '192.0.2.7', right))).toBe('in')
    for (let i = 0; i < 10; i++) await outcome(prove('ann', `198.51.100.${i}`, wrong))
    expect(await outcome(prove('ann', '192.0.2.7', right))).toBe('in')
    expect(await outcome(prove('ann', '192.0.2.8', right))).toBe('busy')
  })

  it('are counted over processes that share a memory, and are fifty an hour for who is patient', async () => {
    let now = 0
    const counts = new Map<string, { count: number; until: number }>()
    const shared: Shared = {
      ...memory(),
      async count(name, seconds) {
        const known = counts.get(name)
        if (known && known.until > now) known.count++
        else counts.set(name, { count: 1, until: now + seconds })
      },
      counted: async names => names.map(name => counts.get(name)).map(one => one && one.until > now ? one.count : 0),
    }
    const processes = [guesses('admin', shared), guesses('admin', shared)], told: string[] = []
    for (let i = 0; i < 60; i++) {
      told.push(await outcome(processes[i % 2]!.prove('ann', `192.0.2.${i}`, wrong)))
      if (i % 10 === 9) now += 61
    }
    expect(told.filter(one => one === 'auth').length).toBe(50)
    now += 3600
    expect(await outcome(processes[0]!.prove('ann', '192.0.2.1', right))).toBe('in')
  })
})

describe('the hash of a password', () => {
  it('is another one each time, and fits that password only, however it was typed', async () => {
    const [one, other] = await Promise.all([hashPassword('Grüße 1'), hashPassword('Grüße 1')])
    expect(one).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$/)
    expect(isPasswordHash(one)).toBe(true)
    expect(one).not.toBe(other)
    expect(await Promise.all([isPassword('Grüße 1', one), isPassword('Gru\u0308ße 1', one), isPassword('Grüße 2', one)])).toEqual([true, true, false])
  })

  // RFC 7914, Test Vectors for scrypt (N=16384), as the PHC string format writes it.
  it('is scrypt as others know it', async () => {
    const digest = '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887'
    const unpadded = (octets: Buffer): string => octets.toString('base64').replace(/=+$/, '')
    const hash = `$scrypt$ln=14,r=8,p=1$${unpadded(Buffer.from('SodiumChloride'))}$${unpadded(Buffer.from(digest, 'hex'))}`
    expect(isPasswordHash(hash)).toBe(true)
    expect(await isPassword('pleaseletmein', hash)).toBe(true)
  })

  it.each(['', 'secret', '$scrypt$ln=30,r=8,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g', '$2y$10$abcdefghijklmnopqrstuv'])('is not %s', text => {
    expect(isPasswordHash(text)).toBe(false)
  })
})
