import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Exchange } from '../../src/eas/respond.ts'

/** Where the answers of a test run are kept, by its global set-up. */
export const recordings = (): string | undefined => process.env['POSTERN_RECORDINGS']

const mostEach = 300
const mostOctets = 512 * 1024

/** Keeps every answer that differs from those before it, `most` a command and version; undefined outside of a test run. */
export function recorder(folder = recordings(), most = mostEach): ((exchange: Exchange) => void) | undefined {
  if (!folder) return undefined
  const counts = new Map<string, number>()
  return ({ command, version, answer }) => {
    const kind = `${command}-${version}`
    const place = join(folder, kind)
    if (!counts.has(kind)) mkdirSync(place, { recursive: true })
    const count = counts.get(kind) ?? readdirSync(place).length
    counts.set(kind, count)
    if (count >= most || answer.length === 0 || answer.length > mostOctets) return
    const file = join(place, `${createHash('sha256').update(answer).digest('hex').slice(0, 24)}.wbxml`)
    if (existsSync(file)) return
    writeFileSync(file, answer)
    counts.set(kind, count + 1)
  }
}
