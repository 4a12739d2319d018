import { expect, it } from 'vitest'
import { decode, el, encodeSync, type Node } from '../../src/wire/wbxml.ts'
import { isThere } from '../support/named-tests.ts'
import { readSchema } from './schema.ts'
import { readTable, readTables, schemaFault, wasSeen } from './tables.ts'
import { validate, type Seen } from './validate.ts'

const schema = readSchema()
const tables = readTables()

it.each(tables)('$document names each requirement once, and tests and elements that are there', ({ rows }) => {
  expect(rows.length).toBeGreaterThan(0)
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length)
  const references = new Map(rows.flatMap(({ references }) => references.map(one => [JSON.stringify(one), one])))
  const faults = [...references.values()].flatMap(one => {
    if (one.kind === 'schema') return schemaFault(schema, one) ?? []
    return isThere(one.test) ? [] : `there is no test ${one.test.join(' > ')}`
  })
  expect(faults).toEqual([])
})

it.each([
  ['another state', 'R1\tdone\tx'],
  ['nothing that shows it', 'R1\tshown\t'],
  ['a test without a title', 'R1\tshown\teas/sync.test.ts'],
  ['an element of no version', 'R1\tshown\tschema Ping:Ping in 99.9'],
  ['a column too many', 'R1\topen\tx\ty'],
])('a table does not have %s', (_, line) => {
  expect(() => readTable('X.tsv', `id\tstate\tby\n${line}`)).toThrow('X.tsv:2')
})

it('what is referred to is there in the version named, or not there', () => {
  const references = readTable('X.tsv', [
    'id\tstate\tby', 'R1\tshown\tschema Ping:Ping/Ping:Nothing', 'R2\tshown\tschema Find:Find/Find:Response in 14.1',
    'R3\tshown\tschema Find:Find/Find:Response not in 14.1',
  ].join('\n')).flatMap(({ references: own }) => own).filter(one => one.kind === 'schema')
  expect(references.map(one => schemaFault(schema, one))).toEqual([
    'the schema has no Ping:Ping/Ping:Nothing', 'the schema has Find:Find/Find:Response not in 14.1', undefined,
  ])
  const seen: Seen = new Map([['Find:Find', new Set(['16.1'])]])
  expect(wasSeen(schema, seen, references[2]!)).toBe(false)
  seen.get('Find:Find')!.add('14.1')
  expect(wasSeen(schema, seen, references[2]!)).toBe(true)
})

const status = (value: string): Node => el('Ping:Status', value)
const collection = (...nodes: Node[]): Node => el('AirSync:Sync', [el('AirSync:Collections', [el('AirSync:Collection', [
  el('AirSync:SyncKey', 'k'), el('AirSync:CollectionId', 'c'), el('AirSync:Status', '1'), ...nodes,
])])])
const body = (...nodes: Node[]): Node => collection(el('AirSync:Commands', [el('AirSync:Add', [
  el('AirSync:ServerId', 'i'), el('AirSync:ApplicationData', [el('AirSyncBase:Body', nodes)]),
])]))

it.each<[fault: string | RegExp, command: string, answer: Node]>([
  ['', 'Ping', el('Ping:Ping', [status('1')])],
  ['', 'Sync', collection(el('AirSync:MoreAvailable'))],
  ['nothing is known of answers to Pong', 'Pong', el('Ping:Ping')],
  ['Ping:Ping where FolderHierarchy:FolderSync belongs', 'FolderSync', el('Ping:Ping')],
  ['Ping:Ping: 0 times Ping:Status', 'Ping', el('Ping:Ping')],
  ['Ping:Ping: 2 times Ping:Status', 'Ping', el('Ping:Ping', [status('1'), status('1')])],
  [/^Ping:Ping\/Ping:Status: "9" is none of 1-8/, 'Ping', el('Ping:Ping', [status('9')])],
  [/Ping:Status: elements where a value belongs$/, 'Ping', el('Ping:Ping', [el('Ping:Status', [status('1')])])],
  ['Ping:Ping: has no Ping:Id in version 14.1', 'Ping', el('Ping:Ping', [status('1'), el('Ping:Id', '1')])],
  [/Collection: has no AirSync:Class in version 14.1$/, 'Sync', collection(el('AirSync:Class', 'Email'))],
  [/MoreAvailable: a value in an empty element$/, 'Sync', collection(el('AirSync:MoreAvailable', '1'))],
  [/CollectionId: opaque data where inline text belongs$/, 'Sync', el('AirSync:Sync', [el('AirSync:Collections', [el('AirSync:Collection', [
    el('AirSync:SyncKey', 'k'), el('AirSync:CollectionId', Buffer.from('c')), el('AirSync:Status', '1'),
  ])])])],
  [/AirSyncBase:Type is out of order$/, 'Sync', body(el('AirSyncBase:Data', 'x'), el('AirSyncBase:Type', '1'))],
])('says %s', (fault, command, answer) => {
  const faults = validate(schema, command, '14.1', decode(encodeSync(answer))).join('\n')
  if (typeof fault === 'string') expect(faults).toBe(fault)
  else expect(faults).toMatch(fault)
})
