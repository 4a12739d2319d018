import { Failure } from '../../base/failure.ts'
import { decodeBootstring, encodeBootstring } from '../../formats/bootstring.ts'

/** Dovecot takes no keyword of more octets unless it is told to. */
export const longest = 50

/** Marks a keyword that stands for a name which is none itself. */
const mark = 'cat--'

/** What is a keyword as it stands, so that other clients show the same name. */
const isPlain = (name: string): boolean =>
  /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) && !name.toLowerCase().startsWith(mark) && !machines.has(name.toLowerCase())

/** Keywords that programs use among themselves, with 2026's eyes. `$` begins those that are registered (RFC 5788) or somebody's own. */
const machines: ReadonlySet<string> = new Set([
  'junk', 'nonjunk', 'notjunk', 'junkrecorded', 'spam', 'nonspam', 'notspam', 'forwarded', 'redirected', 'mdnsent', 'old', 'recent',
  'receipt-handled', 'unknown-0', 'kmailforwarded', 'kmailtodo', 'kmailwatched', 'kmailignored', 'has_cal', 'has-attachment', 'attachment',
])

/** The IMAP keyword of a category (trap 18); undefined for a name that is too long to be kept. */
export function keywordOf(name: string): string | undefined {
  const keyword = isPlain(name) ? name : mark + encodeBootstring(name)
  return keyword.length <= longest ? keyword : undefined
}

/** The category a keyword stands for; undefined for a flag that is nobody's category, which stays as it is. */
export function categoryOf(keyword: string): string | undefined {
  if (isPlain(keyword)) return keyword
  if (!keyword.toLowerCase().startsWith(mark)) return undefined
  try {
    return decodeBootstring(keyword.slice(mark.length)) || undefined
  } catch (error) {
    if (error instanceof Failure) return undefined
    throw error
  }
}
