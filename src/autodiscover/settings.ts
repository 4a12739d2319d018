import type { Signer } from '../formats/cms-sign.ts'

/** What the configuration says about this front; `app.ts` fills it in. */
export type AutodiscoverSettings = {
  /** Where clients find this server, `{domain}` in it is the domain of the address. Undefined: where they asked. */
  readonly url: string | undefined
  /** What the site is called, where people are shown it. The domain where absent. */
  readonly name: string | undefined
  /** Whether mail programs are told of IMAP, SMTP and DAV, and Apple's devices get a profile. */
  readonly autoconfig: boolean
  readonly mobileconfig: boolean
  /** PEM; profiles are signed with it. */
  readonly signer: Signer | undefined
}
