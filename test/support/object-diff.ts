/** The content lines of an object, unfolded, each with the components it is in: an own reading, not that of the code that is tested. */
export function linesOf(octets: Uint8Array): string[] {
  const text = Buffer.from(octets).toString('latin1').replace(/\r?\n[ \t]/g, '')
  const open: string[] = []
  return text.split(/\r?\n/).filter(line => line !== '').map(line => {
    const [, kind, name] = /^(BEGIN|END):(.*)$/i.exec(line) ?? []
    if (kind?.toUpperCase() === 'END') open.pop()
    const shown = `${open.join('/')}> ${line}`
    if (kind?.toUpperCase() === 'BEGIN') open.push(name!.trim())
    return shown
  })
}

/** What is in one and not in the other, `-` before what went and `+` before what came; in order. */
export function difference(before: Uint8Array, after: Uint8Array): string[] {
  const gone = linesOf(before), come: string[] = []
  for (const line of linesOf(after)) {
    const at = gone.indexOf(line)
    if (at < 0) come.push(`+${line}`)
    else gone.splice(at, 1)
  }
  return [...gone.map(line => `-${line}`), ...come]
}

/** RFC 5545, Change Management Component Properties: what every change may change. */
export const withoutStamps = (changes: readonly string[]): string[] => changes.filter(line => !/> (DTSTAMP|LAST-MODIFIED)[:;]/i.test(line))
