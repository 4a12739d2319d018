/** POSIX, uuencode, written for the tests in the plainest way; `zero` stands for six bits of nothing. */
export function uuLines(octets: Uint8Array, zero = '`'): string {
  const letter = (bits: number): string => bits === 0 ? zero : String.fromCharCode(32 + bits)
  const lines: string[] = []
  for (let at = 0; at < octets.length; at += 45) {
    const line = octets.subarray(at, at + 45)
    const letters = [letter(line.length)]
    for (let i = 0; i < line.length; i += 3) {
      const bits = line[i]! << 16 | (line[i + 1] ?? 0) << 8 | (line[i + 2] ?? 0)
      for (const shift of [18, 12, 6, 0]) letters.push(letter(bits >> shift & 63))
    }
    lines.push(`${letters.join('')}\r\n`)
  }
  return lines.join('')
}

/** A file as it stands in a text. */
export const uuencoded = (name: string, octets: Uint8Array, end = '`\r\nend\r\n'): string => `begin 644 ${name}\r\n${uuLines(octets)}${end}`
