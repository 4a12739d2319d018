import type { ObjectContent } from '../model/folder.ts'
import type { Groups, Stores } from '../model/ports.ts'
import { mergedFor } from './quirks.ts'
import type { EasRequest } from './request.ts'
import type { EasSettings } from './settings.ts'
import type { Version } from './versions.ts'

/** Whom a rule of the configuration concerns: one user, or all of a domain. Without either, everybody. Lower case. */
export type Whom = { readonly user?: string; readonly domain?: string }
/** The same, or a group of the directory, by its DN or its name. */
type WhomOf = Whom & { readonly group?: string }

/** Of whom a request is. `names` in lower case. */
export type Who = { readonly names: readonly string[]; readonly groups: Groups | undefined }

/** The groups that rules name. */
export const groupsNamed = ({ ceilings, merge, policies = [], access = [] }: EasSettings): string[] =>
  [...new Set([...ceilings, ...merge, ...policies, ...access].flatMap(({ group }: WhomOf) => group ?? []))]

export const whoOf = ({ person: { login, addresses }, groups }: Pick<Stores, 'person' | 'groups'>): Who =>
  ({ names: [login, ...addresses].map(name => name.toLowerCase()), groups })

/** `agent` is a pattern of the User-Agent in which `*` stands for anything. */
export type Ceiling = WhomOf & { readonly agent?: string; readonly version: Version }
/** Contents of which a client is shown one folder that has all in it; none: each collection by itself. */
export type Merging = WhomOf & { readonly agent?: string; readonly folders: readonly ObjectContent[] }
/** What phones are asked for, by the names of [MS-ASPROV]; undefined asks for nothing. */
export type Policy = Readonly<Record<string, string | number | boolean | readonly string[]>>
export type PolicyRule = WhomOf & { readonly agent?: string; readonly policy: Policy | undefined }
export type Access = 'allow' | 'block' | 'quarantine'
/** `id` and `type` are patterns as `agent` is. */
export type AccessRule = WhomOf & { readonly agent?: string; readonly id?: string; readonly type?: string; readonly access: Access }
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
export const ceilingOf = async ({ ceiling, ceilings }: EasSettings, agent: string | undefined, who: Who): Promise<Version> =>
  (await firstOf(ceilings, who, rule => isOf(rule, agent)))?.version ?? ceiling

/** Of what this client of this user is shown one folder alone: the first rule that concerns both, else what is known of the client. */
export const mergedOf = async (
  { merge }: Pick<EasSettings, 'merge'>, { userAgent, deviceType, client }: Pick<EasRequest, 'userAgent' | 'deviceType' | 'client'>, who: Who,
): Promise<readonly ObjectContent[]> =>
  (await firstOf(merge, who, rule => isOf(rule, userAgent)))?.folders ?? mergedFor(client, userAgent, deviceType)

const isOf = ({ agent }: { readonly agent?: string }, userAgent: string | undefined): boolean => agent === undefined || isLike(userAgent ?? '', agent)

/** The policy for this client of this user: the first rule that concerns both, else the general one. */
export async function policyOf({ policy, policies = [] }: EasSettings, agent: string | undefined, who: Who): Promise<Policy | undefined> {
  const rule = await firstOf(policies, who, rule => isOf(rule, agent))
  return rule ? rule.policy : policy
}

/** What the configuration says of a device: the first rule that concerns it; where none does, it may be here. */
export async function accessOf(
  { access = [] }: EasSettings, { userAgent, deviceId, deviceType }: Pick<EasRequest, 'userAgent' | 'deviceId' | 'deviceType'>, who: Who,
): Promise<Access> {
  const fits = (pattern: string | undefined, said: string): boolean => pattern === undefined || isLike(said, pattern)
  return (await firstOf(access, who, rule => isOf(rule, userAgent) && fits(rule.id, deviceId) && fits(rule.type, deviceType)))?.access ?? 'allow'
}

/** The directory is asked when all else fits, so not at all where no rule names a group. Throws `unavailable` where it decides and cannot be asked. */
const firstOf = <T extends WhomOf>(rules: readonly T[], who: Who, fits: (rule: T) => boolean): Promise<T | undefined> | undefined =>
  rules.length > 0 ? find(rules, who, fits) : undefined

async function find<T extends WhomOf>(rules: readonly T[], { names, groups }: Who, fits: (rule: T) => boolean): Promise<T | undefined> {
  for (const rule of rules) {
    if (concerns(rule, names) && fits(rule) && (rule.group === undefined || await groups?.has(rule.group))) return rule
  }
  return undefined
}

/** [MS-ASHTTP] X-MS-Location: where a user's mail is served instead of here. */
export const redirectOf = ({ redirects }: EasSettings, name: string): string | undefined =>
  redirectFor({ redirects }, [name])?.url

/** The rule that sends whoever is called so elsewhere. */
export const redirectFor = ({ redirects }: Pick<EasSettings, 'redirects'>, names: readonly string[]): Redirect | undefined =>
  redirects.length ? redirects.find(rule => concerns(rule, names.map(name => name.toLowerCase()))) : undefined

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

const concerns = ({ user, domain }: Whom, names: readonly string[]): boolean =>
  (user === undefined || names.includes(user)) && (domain === undefined || names.some(name => name.endsWith(`@${domain}`)))

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
