import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FrontAnswer } from '../base/front.ts'

/** By their names: what a browser loads before anybody is signed in. Nothing in them is secret. */
export type Files = Readonly<Record<string, File>>
type File = { readonly type: string; readonly tag: string; readonly octets: Uint8Array }

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8', css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8', svg: 'image/svg+xml',
}

/** Reads files of `static/`, beside this one in src and in dist. Throws where one is missing. */
export const readFiles = (...names: readonly string[]): Files => Object.fromEntries(names.map(name => {
  const octets = readFileSync(new URL(`static/${name}`, import.meta.url))
  return [name, { type: types[name.slice(name.lastIndexOf('.') + 1)]!, tag: `"${createHash('sha256').update(octets).digest('base64url')}"`, octets }]
}))

/**
 * What is said with each answer of a page: nothing but our own files runs, nobody frames it, nothing is taken for what it is not.
 * Content Security Policy Level 3; Fetch, Cross-Origin-Resource-Policy; HTML, Cross-Origin-Opener-Policy; Referrer Policy.
 */
export const guards: readonly (readonly [string, string])[] = [
  ['content-security-policy', "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"],
  ['x-content-type-options', 'nosniff'], ['x-frame-options', 'DENY'], ['referrer-policy', 'no-referrer'],
  ['cross-origin-opener-policy', 'same-origin'], ['cross-origin-resource-policy', 'same-origin'],
  ['permissions-policy', 'camera=(), geolocation=(), microphone=()'],
]

/** Kept by the browser, which asks each time whether it is still the same. */
export function fileAnswer({ type, tag, octets }: File, known: string | null): FrontAnswer {
  const headers = [['etag', tag], ['cache-control', 'no-cache'], ...guards] as const
  return known === tag ? { status: 304, headers, body: null } : { status: 200, headers: [['content-type', type], ...headers], body: octets }
}
