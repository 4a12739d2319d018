const SPACE = 0x20

/** The octets of x-uuencode, `begin` and `end` lines or none. Never throws: a line that is none is left out. */
export function decodeUu(bytes: Uint8Array): Uint8Array {
  const out: number[] = []
  for (const line of lines(bytes)) {
    if (isFrame(line)) continue
    const length = line[0]! - SPACE & 63
    if (length === 0 || length > 45 || line.length - 1 < Math.floor(length * 4 / 3)) continue
    decodeLine(line, length, out)
  }
  return Uint8Array.from(out)
}

const isFrame = (line: Uint8Array): boolean =>
  line.length === 0 || /^(begin(-base64)? [0-7]{3,4} |end\s*$|`\s*$)/.test(Buffer.from(line.subarray(0, 20)).toString('latin1'))

/** Octets of a line that says it stands for `length`; what is missing of it counts as spaces. */
export function decodeLine(line: Uint8Array, length: number, out: number[]): void {
  const six = (at: number): number => (line[at] ?? SPACE) - SPACE & 63
  for (let at = 1, left = length; left > 0; at += 4, left -= 3) {
    const bits = six(at) << 18 | six(at + 1) << 12 | six(at + 2) << 6 | six(at + 3)
    out.push(bits >> 16)
    if (left > 1) out.push(bits >> 8 & 255)
    if (left > 2) out.push(bits & 255)
  }
}

function* lines(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const found = bytes.indexOf(0x0a, at)
    const end = found < 0 ? bytes.length : found
    yield bytes.subarray(at, bytes[end - 1] === 0x0d ? end - 1 : end)
    at = end + 1
  }
}
