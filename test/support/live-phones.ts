import { afterEach } from 'vitest'
import { Phone, type PhoneOptions } from './eas-client.ts'
import type { User } from './users.ts'

/** Makes phones of users of one Postern; they are closed after each test. */
export function livePhones(url: () => string): (user: User, options?: Partial<PhoneOptions>) => Phone {
  const phones: Phone[] = []
  afterEach(() => {
    for (const phone of phones.splice(0)) phone.close()
  })
  return ({ login, password }, options = {}) => {
    const phone = new Phone({ url: url(), user: login, password, ...options })
    phones.push(phone)
    return phone
  }
}
