import { mkdtempSync, rmSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { decode } from '../../src/wire/wbxml.ts'
import { canonical, wbxml2xml } from './libwbxml.ts'

// Vitest's global set-up: the answers that tests record go into a folder of the run, and libwbxml reads them when all tests are done.

export function setup(): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-recordings-'))
  process.env['POSTERN_RECORDINGS'] = folder
  return async () => {
    const { read, differences } = await compare(folder)
    if (differences.length) {
      throw new Error(`libwbxml reads answers in ${folder} in another way:\n${differences.slice(0, 10).join('\n')}`)
    }
    rmSync(folder, { recursive: true })
    if (read) console.log(`libwbxml reads ${read} recorded answers as we do.`)
  }
}

/** A line for every answer below `folder` that libwbxml and this program do not read as the same document. */
export async function compare(folder: string): Promise<{ read: number; differences: string[] }> {
  const files = (await readdir(folder, { recursive: true })).filter(name => name.endsWith('.wbxml')).sort()
  const differences: string[] = []
  const waiting = files.values()
  const read = async (): Promise<void> => {
    for (const name of waiting) {
      const bytes = await readFile(join(folder, name))
      const difference = await differs(bytes).catch((error: unknown) => String(error))
      if (difference) differences.push(`${name}: ${difference}`)
    }
  }
  await Promise.all(Array.from({ length: 4 }, read))
  return { read: files.length, differences }
}

async function differs(bytes: Uint8Array): Promise<string | undefined> {
  const ours = canonical(decode(bytes)), theirs = await wbxml2xml(bytes)
  return isDeepStrictEqual(ours, theirs) ? undefined : 'another document'
}
