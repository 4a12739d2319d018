// The JSON schema of `postern schema`, read back by zod's reader of JSON schemas: it takes the files that are good, and refuses what is not.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import * as z from 'zod'
import { configurationSchema } from '../../src/config-json-schema.ts'
import { namesAt } from '../../src/config-schema.ts'

type Node = { [key: string]: unknown; properties?: Record<string, Node>; anyOf?: Node[]; additionalProperties?: unknown; required?: string[] }
const json = JSON.parse(configurationSchema()) as Node
const reader = z.fromJSONSchema(json as Parameters<typeof z.fromJSONSchema>[0])
const takes = (file: unknown): boolean => reader.safeParse(file).success

const example = readFileSync('examples/postern.yaml', 'utf8')

const good = parse(example) as Record<string, unknown>
const minimal = { secret: '${env:POSTERN_SECRET}', backends: [{ imap: { host: 'a' }, smtp: { host: 'a' } }] }

describe('the JSON schema of the configuration', () => {
  it.each<[string, unknown]>([
    ['the example', good],
    ['the least there can be', minimal],
    ['the example for Kubernetes', parse((parseAllDocuments(readFileSync('examples/kubernetes/config.yaml', 'utf8'))[0]!.toJS() as { data: Record<string, string> }).data['postern.yaml']!)],
    ['the example for compose', parse(readFileSync('examples/compose/postern.yaml', 'utf8'))],
    ['a file in place of a number', { ...minimal, listen: { port: '${env:PORT}' } }],
    ['a list of domains', { ...minimal, backends: [{ domains: ['a.example'], imap: { host: 'a', port: 143 }, smtp: { host: 'a' } }] }],
    ['an empty group', { ...minimal, listen: null }],
    ['a policy', { ...minimal, eas: { policy: { DevicePasswordEnabled: true } } }],
  ])('takes %s', (_, file) => expect(takes(file)).toBe(true))

  it.each<[string, unknown]>([
    ['no secret', { backends: minimal.backends }],
    ['no backend', { secret: 'x'.repeat(40) }],
    ['a name that is not there', { ...minimal, upstraem: 'http://x' }],
    ['one further down', { ...minimal, listen: { prot: 80 } }],
    ['a port that is too high', { ...minimal, listen: { port: 70_000 } }],
    ['a word for a number', { ...minimal, cache: { megabytes: 'many' } }],
    ['a version nobody speaks', { ...minimal, eas: { ceiling: '17.0' } }],
    ['a backend without SMTP', { ...minimal, backends: [{ imap: { host: 'a' } }] }],
  ])('refuses %s', (_, file) => expect(takes(file)).toBe(false))

  it('has every setting there is, at each level, and no other', () => {
    const seen: string[] = []
    const look = (node: Node | undefined, path: readonly PropertyKey[]): void => {
      const inner = node?.properties ? node : node?.anyOf?.find(one => one.properties ?? one['items'])
      const { properties, items } = (inner ?? {}) as { properties?: Record<string, Node>; items?: Node }
      if (items) return look(items, [...path, 0])
      if (!properties) return
      expect(Object.keys(properties), path.join('.')).toEqual(namesAt(path))
      seen.push(path.join('.'))
      for (const [name, one] of Object.entries(properties)) look(one, [...path, name])
    }
    look(json, [])
    expect(seen).toEqual(expect.arrayContaining(['', 'listen', 'backends.0', 'backends.0.imap', 'eas', 'eas.policy', 'cache.shared']))
  })
})
