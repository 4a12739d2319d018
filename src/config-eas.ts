import * as z from 'zod'
import { canonicalDn } from './backend/ldap-name.ts'
import { domain, seconds, text } from './config-words.ts'
import { policyValueFault } from './eas/policy-elements.ts'
import type { Passwords } from './eas/rules.ts'
import { versions } from './eas/versions.ts'
import { zoneOfName } from './formats/timezone.ts'
import { pages } from './wire/wbxml-pages.ts'

/** [MS-ASPROV] EASProvisionDoc: its settings by their names. */
const { DevicePasswordEnabled: first, AllowInternetSharing: last } = pages.Provision.tags
const policyValue = (name: string) => z.union([z.string(), z.number(), z.boolean()], { error: 'must be text, a number, true or false' })
  .refine(value => policyValueFault(name, value) === undefined, { error: ({ input }) => policyValueFault(name, input as string) })
const policyLists = {
  UnapprovedInROMApplicationList: z.array(text.max(256)).max(500).exactOptional(),
  ApprovedApplicationList: z.array(z.string().regex(/^([\da-f]{40}|[A-Za-z\d+/]{27}=)$/i, { error: 'must be SHA-1 in hexadecimal or Base64' })).max(500).exactOptional(),
}
const policy = z.strictObject({
  ...Object.fromEntries(Object.entries(pages.Provision.tags)
    .filter(([, token]) => token >= first && token <= last)
    .map(([name]) => [name, policyValue(name).exactOptional()])),
  ...policyLists,
})

const named = (rule: { user?: string; domain?: string }): boolean => rule.user !== undefined || rule.domain !== undefined
const whom = { user: text.toLowerCase().exactOptional(), domain: domain.exactOptional() }
const group = text.refine(name => !name.includes('=') || canonicalDn(name) !== undefined, { error: 'must be the name of a group, or a DN like cn=staff,ou=groups,dc=example,dc=org' })
const whomOf = { ...whom, group: group.exactOptional() }
const page = z.url({ protocol: /^https?$/, error: 'must be a URL like https://mail.example.org' })

const elsewhere = z.string().regex(/^[^\s@]+@[^\s@]+$/, { error: 'must be an address, as {local}@other.example.org' })

const passwords = z.strictObject({
  url: page,
  expire: z.record(text.toLowerCase(), z.iso.date({ error: 'must be a day like 2026-12-01' })).default({}),
  warnDays: z.int().min(0).max(365).default(14),
}) satisfies z.ZodType<Passwords>

/** `eas` of the configuration. */
export const eas = z.strictObject({
  ceiling: z.enum(versions).default('16.1'),
  ceilings: z.array(z.strictObject({ ...whomOf, agent: text.exactOptional(), version: z.enum(versions) })).default([]),
  merge: z.array(z.strictObject({ ...whomOf, agent: text.exactOptional(), folders: z.array(z.enum(['calendar', 'contacts', 'tasks', 'notes'])) })).default([]),
  redirects: z.array(z.strictObject({ ...whom, url: page, address: elsewhere.exactOptional() }).refine(named, { error: 'must name a user or a domain' })).default([]),
  passwords: passwords.exactOptional(),
  heartbeat: z.strictObject({ min: seconds.default(60), max: seconds.max(3540).default(3540) })
    .refine(({ min, max }) => min <= max, { error: 'must not have a min above its max' }).prefault({}),
  pingFolders: z.int().min(1).max(1000).default(300),
  recipientCache: z.boolean().default(true),
  maxRequest: z.int().min(64 * 1024).max(1024 ** 3).default(150 * 1024 * 1024),
  maxHeld: z.int().min(64 * 1024).max(64 * 1024 * 1024).default(40 * 1024 * 1024),
  timeZone: text.refine(name => zoneOfName(name) !== undefined, { error: 'must be a zone like Europe/Berlin' }).exactOptional(),
  policy: policy.exactOptional(),
  policies: z.array(z.strictObject({ ...whomOf, agent: text.exactOptional(), policy: z.union([policy, z.literal('none')], { error: 'must be a policy, or none' }) })).default([]),
  access: z.array(z.strictObject({
    ...whomOf, agent: text.exactOptional(), id: text.exactOptional(), type: text.exactOptional(), access: z.enum(['allow', 'block', 'quarantine']),
  })).default([]),
  quarantineNotice: text.max(1000).exactOptional(),
})
