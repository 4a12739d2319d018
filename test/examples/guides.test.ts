// What README and guides tell people to write is a configuration.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config.ts'

const pages = ['README.md', ...readdirSync('examples/guides').map(name => `examples/guides/${name}`)]

/** The YAML of a page that has backends, without what it is indented by. */
function configurations(page: string): string[] {
  return [...readFileSync(page, 'utf8').matchAll(/^( *)```yaml\n([^]*?)^ *```$/gm)]
    .map(([, indent, text]) => text!.replaceAll(new RegExp(`^${indent}`, 'gm'), ''))
    .filter(text => /^backends:/m.test(text))
}

describe.each(pages)('%s', page => {
  it('shows a configuration, and one that Postern takes', () => {
    const shown = configurations(page)
    expect(shown.length).toBeGreaterThan(0)
    for (const text of shown) {
      // What is in files is not on this machine.
      const filled = text.replaceAll(/\$\{(file|env):[^}]*\}/g, 'a secret of more than 32 characters')
      const { backends } = parseConfig(filled, { name: page, folder: '/nowhere', environment: {} })
      expect(backends.backends.length).toBeGreaterThan(0)
    }
  })
})
