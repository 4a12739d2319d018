/**
 * RFC 3676, Interpreting Format=Flowed: lines that end with a space go on in the next of the same quotation. `delSp`: that space
 * is none of the text's. Quotations come out as `> ` before each paragraph.
 */
export function unflow(text: string, delSp: boolean): string {
  const out: string[] = []
  let open: { depth: number; pieces: string[] } | undefined
  const finish = (): void => {
    if (open) out.push(quoted(open.depth, open.pieces.join('')))
    open = undefined
  }
  for (const raw of text.split(/\r?\n/)) {
    const depth = /^>*/.exec(raw)![0].length
    const line = raw.slice(depth).replace(/^ /, '')
    if (open && open.depth !== depth) finish()
    // The line before a signature flows nowhere.
    const signature = line === '-- '
    if (signature) finish()
    const soft = !signature && line.endsWith(' ')
    open ??= { depth, pieces: [] }
    open.pieces.push(soft && delSp ? line.slice(0, -1) : line)
    if (!soft) finish()
  }
  finish()
  return out.join('\r\n')
}

const quoted = (depth: number, line: string): string =>
  depth === 0 ? line : `${'>'.repeat(depth)}${line === '' ? '' : ` ${line}`}`
