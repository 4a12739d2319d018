// RFC 4514: names of entries as text.

const part = /\s*([a-z][\da-z-]*|\d+(?:\.\d+)*)\s*=((?:\\[\da-f]{2}|\\[ "#+,;<=>\\]|[^\\",+;<>\0])*)([,+;]?)/iy

/** One spelling of a DN, whatever its letter case, its spaces and its escapes, as most schemas compare; undefined for what is no DN. */
export function canonicalDn(dn: string): string | undefined {
  let whole = ''
  part.lastIndex = 0
  for (;;) {
    const [, type, value, separator] = part.exec(dn) ?? []
    if (type === undefined || value === undefined) return undefined
    whole += `${type.toLowerCase()}=${canonicalValue(value)}`
    if (!separator) return part.lastIndex === dn.length ? whole : undefined
    whole += separator === '+' ? '+' : ','
    if (whole.length > longest) return undefined
  }
}

/** What an entry is called among its neighbours: the value its DN begins with, in one spelling. */
export function nameInDn(dn: string): string | undefined {
  part.lastIndex = 0
  const value = part.exec(dn)?.[2]
  return value === undefined ? undefined : plainName(unescaped(value))
}

/** RFC 4518, roughly: letter case and the number of spaces do not count. */
export const plainName = (name: string): string => name.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim()

/** Characters of a DN. */
const longest = 8192

/** A value that is given by its octets (`#`) stays so. */
const canonicalValue = (value: string): string => /^\s*#/.test(value) ? value.trim().toLowerCase()
  : plainName(unescaped(value)).replace(/[#"+,;<=>\\\0]/g, character => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`)

const unescaped = (value: string): string => value.replace(/((?:\\[\da-f]{2})+)|\\(.)/gi, (_, octets: string | undefined, character: string) =>
  octets === undefined ? character : Buffer.from(octets.replaceAll('\\', ''), 'hex').toString('utf8'))
