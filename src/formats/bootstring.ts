import { Failure } from '../base/failure.ts'

// RFC 3492, Bootstring parameters: those of Punycode, but for the first code point, which is the space: what an IMAP keyword may not
// hold begins there.
const base = 36, tmin = 1, tmax = 26, skew = 38, damp = 700, initialBias = 72, initialN = 0x20

/** What stands for itself. */
const isBasic = (point: number): boolean =>
  (point >= 0x30 && point <= 0x39) || (point >= 0x41 && point <= 0x5a) || (point >= 0x61 && point <= 0x7a) ||
  point === 0x2d || point === 0x2e || point === 0x5f

const digits = 'abcdefghijklmnopqrstuvwxyz0123456789'

/**
 * RFC 3492, Encoding procedure: any text as letters, digits, `-`, `.` and `_`, short and still to be recognised. What is added to the
 * letters of the text is read in any case. Throws `malformed` for control characters and lone surrogates.
 */
export function encodeBootstring(text: string): string {
  const points = Array.from(text, one => one.codePointAt(0)!)
  if (points.some(point => point < initialN || isSurrogate(point))) throw new Failure('malformed', 'a character no name has')
  const basic = points.filter(isBasic)
  let output = `${String.fromCodePoint(...basic)}-`
  let n = initialN, delta = 0, bias = initialBias
  for (let handled = basic.length; handled < points.length; delta++, n++) {
    const next = Math.min(...points.filter(point => point >= n && !isBasic(point)))
    delta += (next - n) * (handled + 1)
    n = next
    for (const point of points) {
      if (point < n || isBasic(point)) delta++
      if (point !== n) continue
      output += printDelta(delta, bias)
      bias = adapt(delta, ++handled, handled === basic.length + 1)
      delta = 0
    }
  }
  return output
}

function printDelta(delta: number, bias: number): string {
  let output = ''
  for (let k = base; ; k += base) {
    const t = threshold(k, bias)
    if (delta < t) return output + digits[delta]
    output += digits[t + (delta - t) % (base - t)]
    delta = Math.floor((delta - t) / (base - t))
  }
}

// RFC 3492, Decoding procedure. Throws `malformed` for what `encodeBootstring` does not make.
export function decodeBootstring(encoded: string): string {
  const border = encoded.lastIndexOf('-')
  const points = Array.from(encoded.slice(0, Math.max(border, 0)), one => one.codePointAt(0)!)
  if (border < 0 || !points.every(isBasic)) throw new Failure('malformed', 'no bootstring')
  const basic = points.length
  const rest = encoded.slice(border + 1).toLowerCase()
  let n = initialN, i = 0, bias = initialBias
  for (let at = 0; at < rest.length;) {
    const before = i
    for (let weight = 1, k = base; ; k += base) {
      const digit = at < rest.length ? digits.indexOf(rest[at++]!) : -1
      if (digit < 0 || i > 0x7fffffff) throw new Failure('malformed', 'no bootstring')
      i += digit * weight
      const t = threshold(k, bias)
      if (digit < t) break
      weight *= base - t
    }
    bias = adapt(i - before, points.length + 1, points.length === basic)
    n += Math.floor(i / (points.length + 1))
    i %= points.length + 1
    if (n > 0x10ffff || isSurrogate(n) || isBasic(n)) throw new Failure('malformed', 'no bootstring')
    points.splice(i++, 0, n)
  }
  return String.fromCodePoint(...points)
}

const threshold = (k: number, bias: number): number => Math.min(Math.max(k - bias, tmin), tmax)

// RFC 3492, Bias adaptation
function adapt(delta: number, count: number, first: boolean): number {
  let rest = first ? Math.floor(delta / damp) : delta >> 1
  rest += Math.floor(rest / count)
  let k = 0
  for (; rest > ((base - tmin) * tmax) >> 1; k += base) rest = Math.floor(rest / (base - tmin))
  return k + Math.floor((base - tmin + 1) * rest / (rest + skew))
}

const isSurrogate = (point: number): boolean => point >= 0xd800 && point <= 0xdfff
