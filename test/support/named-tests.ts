import { existsSync, readFileSync } from 'node:fs'

/** A test by its file below test/ and the beginning of its title, or the title of what is around it. */
export type NamedTest = readonly [file: string, title: string]

/** Whether there is a test of that name: what is said of tests in tables stays true. */
export function isThere([file, title]: NamedTest): boolean {
  if (title === '' || !existsSync(`test/${file}`)) return false
  const text = readFileSync(`test/${file}`, 'utf8')
  return ["it('", "(\n    '", ")('", "describe('", "describe.each(", "  '", "['"].some(before => text.includes(before + title))
}
