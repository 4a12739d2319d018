import type { ObjectContent } from '../model/folder.ts'
import { mergedFor } from './quirks.ts'
import type { EasRequest } from './request.ts'
import type { EasSettings } from './settings.ts'
import type { Version } from './versions.ts'

/** Whom a rule of the configuration concerns: one user, or all of a domain. Without either, everybody. Lower case. */
export type Whom = { readonly user?: string; readonly domain?: string }

/** `agent` is a pattern of the User-Agent in which `*` stands for anything. */
export type Ceiling = Whom & { readonly agent?: string; readonly version: Version }
/** Contents of which a client is shown one folder that has all in it; none: each collection by itself. */
export type Merging = Whom & { readonly agent?: string; readonly folders: readonly ObjectContent[] }
/** `address`: what Autodiscover has such users ask for instead; `{local}` is the local part of their own. */
export type Redirect = Whom & { readonly url: string; readonly address?: string }

/** What a site says about the passwords of its users; Postern itself neither knows nor changes them. */
export type Passwords = {
  /** Where users change theirs. */
  readonly url: string
  /** The day (`2026-12-01`) after which a user's password is no good, by user. */
  readonly expire: Readonly<Record<string, string>>
  /** Days before it from which phones are told. */
  readonly warnDays: number
}

/** The highest version for this client of this user: the first rule that concerns both, else the general one. */
export function ceilingOf({ ceiling, ceilings }: EasSettings, agent: string | undefined, names: readonly string[]): Version {
  return ceilings.find(rule => concerns(rule, names) && isOf(rule, agent))?.version ?? ceiling
}

/** Of what this client of this user is shown one folder alone: the first rule that concerns both, else what is known of the client. */
export const mergedOf = (
  { merge }: Pick<EasSettings, 'merge'>, { userAgent, deviceType, client }: Pick<EasRequest, 'userAgent' | 'deviceType' | 'client'>,
  names: readonly string[],
): readonly ObjectContent[] => merge.find(rule => concerns(rule, names) && isOf(rule, userAgent))?.folders ?? mergedFor(client, userAgent, deviceType)

const isOf = ({ agent }: { readonly agent?: string }, userAgent: string | undefined): boolean => agent === undefined || isLike(userAgent ?? '', agent)

/** [MS-ASHTTP] X-MS-Location: where a user's mail is served instead of here. */
export const redirectOf = ({ redirects }: EasSettings, name: string): string | undefined =>
  redirectFor({ redirects }, [name])?.url

/** The rule that sends whoever is called so elsewhere. */
export const redirectFor = ({ redirects }: Pick<EasSettings, 'redirects'>, names: readonly string[]): Redirect | undefined =>
  redirects.find(rule => concerns(rule, names))

/**
 * [MS-ASHTTP] X-MS-Credential-Expire: whole days until the password of the user expires, 0 on the last of them, negative after it;
 * undefined where that is not known or not near.
 */
export function daysLeft({ passwords }: Pick<EasSettings, 'passwords'>, names: readonly string[], now: Date): number | undefined {
  const last = names.map(name => passwords?.expire[name.toLowerCase()]).find(day => day !== undefined)
  if (!passwords || !last) return undefined
  const days = Math.floor((Date.parse(`${last}T23:59:59.999Z`) - now.getTime()) / 86_400_000)
  return days <= passwords.warnDays ? days : undefined
}

function concerns({ user, domain }: Whom, names: readonly string[]): boolean {
  const known = names.map(name => name.toLowerCase())
  return (user === undefined || known.includes(user)) && (domain === undefined || known.some(name => name.endsWith(`@${domain}`)))
}

/** Whether the whole text is as the pattern says, in any letter case. One pass, whatever the client sends. */
function isLike(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.toLowerCase().split('*')
  const said = text.toLowerCase(), last = rest.pop()
  if (last === undefined) return said === first
  if (!said.startsWith(first) || !said.endsWith(last) || said.length < first.length + last.length) return false
  let at = first.length
  for (const piece of rest) {
    const found = said.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return at <= said.length - last.length
}
