import type { Credentials } from '../base/front.ts'

/** Longest Authorization header looked at; tokens of large directories reach 8 KiB. */
const longest = 16 * 1024
const longestName = 512
const longestPassword = 1024

/**
 * Who the Authorization header says is asking. Undefined without one and for one that cannot be read: both end in a 401.
 * `url` gives a bearer its user name, which the token alone does not tell; a front may know better, and `''` means unknown.
 */
export function identify(authorization: string | null | undefined, url: string): Credentials | undefined {
  if (!authorization || authorization.length > longest) return undefined
  const [, scheme = '', value = ''] = /^ *([A-Za-z]+) +([A-Za-z0-9+/=._~-]+) *$/.exec(authorization) ?? []
  if (scheme.toLowerCase() === 'basic') return basic(value)
  if (scheme.toLowerCase() === 'bearer') return bearer(value, url)
  return undefined
}

// RFC 7617, The 'Basic' Authentication Scheme: the name ends at the first colon, the password may hold more of them.
function basic(base64: string): Credentials | undefined {
  const text = decode(Buffer.from(base64, 'base64'))
  const colon = text.indexOf(':')
  if (colon < 0) return undefined
  const user = loginName(text.slice(0, colon))
  const password = text.slice(colon + 1)
  // An empty password is an anonymous bind to many a directory, and so a success.
  if (!isName(user) || password === '' || password.length > longestPassword || hasControl(password)) return undefined
  return { kind: 'password', user, password }
}

// RFC 6750, Authorization Request Header Field
function bearer(token: string, url: string): Credentials {
  const query = url.indexOf('?')
  const user = query < 0 ? '' : loginName(new URLSearchParams(url.slice(query)).get('User') ?? '')
  return { kind: 'bearer', user: isName(user) ? user : '', token }
}

/**
 * The name without what Windows clients put in front of it. `\ann` and `HOUSE\ann` are `ann`; `example.org\ann` is
 * `ann@example.org`, because only a domain with a dot can be one of ours; `HOUSE\ann@example.org` is `ann@example.org`.
 */
export function loginName(text: string): string {
  const slash = text.indexOf('\\')
  if (slash < 0) return text
  const domain = text.slice(0, slash)
  const user = text.slice(slash + 1)
  return user && domain.includes('.') && !user.includes('@') ? `${user}@${domain}` : user
}

/** Clients older than RFC 7617 send ISO-8859-1, which is hardly ever valid UTF-8 by accident. */
function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}

const isName = (user: string): boolean => user !== '' && user.length <= longestName && !hasControl(user)

/** A NUL would start another field of SASL PLAIN, a line end another command. */
const hasControl = (text: string): boolean => /[\p{Cc}]/u.test(text)
