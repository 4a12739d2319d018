import { globSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { expect, it } from 'vitest'

const codec = ['base', 'wire']
const front = [...codec, 'model', 'formats', 'state']

/** Which folder may import which. A folder may always import itself; src/*.ts may import anything. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [], wire: ['base'], model: ['base'], formats: ['base', 'model'], state: ['base', 'model'],
  backend: ['base', 'model', 'formats'],
  eas: front, autodiscover: front,
  http: ['base'],
  pages: ['base', 'model', 'state', 'http'],
}

/** Who may import a package: folders, or files of src/ itself. */
const importers: Readonly<Record<string, readonly string[]>> = {
  imapflow: ['backend'], nodemailer: ['backend'], saxes: ['base'], tsdav: ['backend'], undici: ['backend'], ldapts: ['backend'],
  'http-proxy': ['http'],
  'lru-cache': ['state', 'backend'],
  ioredis: ['state'],
  htmlparser2: ['formats'], 'iconv-lite': ['formats'], 'jpeg-js': ['formats'], pngjs: ['formats'],
  pino: ['logging.ts'],
  uqr: ['pages'],
  'prom-client': ['prometheus.ts'], '@opentelemetry/api': ['open-telemetry.ts'],
  zod: ['config.ts', 'config-eas.ts', 'config-json-schema.ts', 'config-schema.ts', 'config-faults.ts', 'config-source.ts', 'config-words.ts'],
  yaml: ['config.ts', 'config-source.ts'],
}

/** Pure data: as long as what it lists. */
const tables: readonly string[] = ['wire/wbxml-pages.ts']

const files = globSync('**/*.ts', { cwd: 'src' })

/** What a file imports, types and `createRequire` included. */
const importsOf = (source: string): string[] =>
  [...source.matchAll(/(?:\bfrom |\bimport\(|^import |\)\()'([^'\n]+)'/gm)].map(([, path]) => path!)

const linesOf = (text: string): number => text.trimEnd().split('\n').length

it('there is something to look at', () => {
  expect(files.length).toBeGreaterThan(40)
  expect(importsOf("import a, { b } from './a.ts'\nimport './b.ts'\nawait import('c')\ncreateRequire(import.meta.url)('d')"))
    .toEqual(['./a.ts', './b.ts', 'c', 'd'])
})

it.each(files)('%s imports only what its folder may, and is short', file => {
  const source = readFileSync(join('src', file), 'utf8')
  const own = file.includes('/') ? file.split('/')[0]! : undefined
  for (const path of importsOf(source)) {
    if (path.startsWith('.')) {
      const [folder = ''] = normalize(join(file, '..', path)).split('/')
      if (own && folder !== own) expect(mayImport[own], `${file} imports ${path}`).toContain(folder)
    } else if (!path.startsWith('node:')) {
      const name = /^(@[^/]+\/)?[^/]+/.exec(path)![0]
      expect(importers[name], `${file} imports ${path}`).toContain(own ?? file)
    }
  }
  if (!tables.includes(file)) expect(linesOf(source)).toBeLessThanOrEqual(400)
})

it('each package that is installed is used, and the other way round', () => {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> }
  expect(Object.keys(importers).sort()).toEqual(Object.keys(dependencies).sort())
  expect(Object.values(dependencies).filter(version => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
})

it.each(globSync('**/*.ts', { cwd: 'test' }))('%s is short', file => {
  expect(linesOf(readFileSync(join('test', file), 'utf8'))).toBeLessThanOrEqual(400)
})
