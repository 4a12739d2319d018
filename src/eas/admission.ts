import { Failure } from '../base/failure.ts'
import type { Credentials, FrontAnswer, Visit } from '../base/front.ts'
import type { Open, Stores } from '../model/ports.ts'
import { httpRefusal } from './respond.ts'
import { daysLeft, redirectOf } from './rules.ts'
import type { EasSettings } from './settings.ts'

type House = { readonly settings: EasSettings; readonly open: Open; readonly now?: () => Date }

/** The user's stores, or the HTTP answer to a user who has none here: [MS-ASHTTP] Status Line, 451 and 457. */
export async function admit(house: House, credentials: Credentials, { address, facts }: Visit): Promise<Stores | FrontAnswer> {
  const { settings, open, now } = house
  const elsewhere = redirectOf(settings, credentials.user)
  if (elsewhere) {
    // The mailbox may not be behind this host at all, so nobody is asked about the password.
    facts['redirected'] = true
    return httpRefusal(451, { 'x-ms-location': elsewhere })
  }
  try {
    return await open(credentials, address)
  } catch (error) {
    const left = daysLeft(settings, [credentials.user], now?.() ?? new Date())
    if (!(error instanceof Failure) || error.kind !== 'auth' || left === undefined || left >= 0) throw error
    // The site has said that this is why the password is refused.
    return httpRefusal(457, { 'x-ms-credential-service-url': settings.passwords!.url })
  }
}
