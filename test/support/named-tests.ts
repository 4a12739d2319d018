import { existsSync, readFileSync } from 'node:fs'
import { versions } from '../../src/eas/versions.ts'

/** A test by its file below test/ and the beginning of its title, or the title of what is around it. */
export type NamedTest = readonly [file: string, title: string]

const before = ["it('", "(\n    '", ")('", "describe('", "describe.each(", "  '", "['"]

/** Whether there is a test of that name, as the file has it or as a row of its table makes it: what is said of tests in tables stays true. */
export function isThere([file, title]: NamedTest): boolean {
  if (title === '' || !existsSync(`test/${file}`)) return false
  const text = readFileSync(`test/${file}`, 'utf8')
  return before.some(one => text.includes(one + title)) || templates(text).some(([head, next]) => {
    const rest = title.startsWith(head) ? title.slice(head.length) : '', end = next ? rest.indexOf(next) : -1
    const row = end < 0 ? rest : rest.slice(0, end)
    return row !== '' && (text.includes(`'${row}`) || versions.some(version => version === row))
  })
}

/** What stands before the first value in titles of tables, and between it and the next one. */
const templates = (text: string): (readonly [head: string, next: string])[] =>
  [...text.matchAll(/\)\(\s*'([^'\n%]+)%[a-z]([^'\n%]*)/g)].map(([, head, next]) => [head!, next!])
