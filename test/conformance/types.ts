import type { Element } from '../../src/wire/wbxml.ts'

/** What is wrong with the value of an element; undefined where nothing is. */
export type Kind = (element: Element) => string | undefined

const text = (says: (value: string) => boolean, what: string): Kind => ({ opaque, text: value }) => {
  if (opaque) return 'opaque data where inline text belongs'
  return says(value) ? undefined : `${JSON.stringify(value.slice(0, 60))} is ${what}`
}

const within = (value: string, low: number, high: number): boolean =>
  /^-?\d{1,10}$/.test(value) && Number(value) >= low && Number(value) <= high

const bounds = (range: string | undefined): readonly [low: number, high: number] => {
  const [low, high] = (range ?? '').split('..')
  return [low ? Number(low) : -2_147_483_648, high ? Number(high) : 4_294_967_295]
}

const isBase64 = (value: string): boolean => value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value)
const isLength = (length: number, said = ''): boolean => said.startsWith('<=') ? length <= Number(said.slice(2)) : said === '' || length === Number(said)
const listed = (values: readonly string[]) => (value: string): boolean =>
  values.some(one => /^\d+-\d+$/.test(one) ? within(value, ...bounds(one.replace('-', '..'))) : one === value)

/** [MS-ASDTYPE], and some forms that strings have: what a line of the schema names after how often the element may stand. */
const kinds: Readonly<Record<string, (args: readonly string[]) => Kind>> = {
  string: ([most]) => most
    ? text(value => value.length <= Number(most.replace('<=', '')), `longer than ${most}`)
    : text(() => true, ''),
  filled: ([most]) => text(value => value.length > 0 && value.length <= Number(most?.replace('<=', '') ?? Infinity), 'empty or too long'),
  integer: ([range]) => text(value => within(value, ...bounds(range)), `no integer ${range ?? ''}`),
  byte: () => text(value => within(value, 0, 255), 'no unsigned byte'),
  boolean: () => text(value => value === '0' || value === '1', 'neither 0 nor 1'),
  double: () => text(value => /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value), 'no double'),
  oneof: values => text(listed(values), `none of ${values.join(' ')}`),
  dateTime: () => text(isDateTime, 'no dateTime'),
  compact: () => text(value => /^\d{8}T\d{6}Z$/.test(value), 'no compact dateTime'),
  base64: ([octets]) => text(value => isBase64(value) && isLength(Buffer.from(value, 'base64').length, octets), 'no such base64'),
  range: () => text(value => /^\d+-\d+$/.test(value), 'no range'),
  address: () => text(value => /^[^@\s]+@[^@\s]+$/.test(value), 'no e-mail address'),
  octets: ([most]) => ({ opaque, text: value }) => {
    if (!opaque) return value === '' ? 'no octets' : 'inline text where a byte array belongs'
    return opaque.length > Number(most ?? Infinity) ? `${opaque.length} octets` : undefined
  },
  data: () => ({ opaque, text: value }) => opaque || value ? undefined : 'nothing',
  empty: () => ({ opaque, text: value }) => opaque || value ? 'a value in an empty element' : undefined,
}

const isDateTime = (value: string): boolean =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) && !Number.isNaN(Date.parse(value))

/** Of `oneof 0 1`, `string <=40`, `integer 1..16 or empty`. Throws for a word that names no type. */
export function typeOf(at: string, words: readonly string[]): Kind {
  const empty = words.at(-1) === 'empty' && words.at(-2) === 'or'
  const [name = '', ...args] = empty ? words.slice(0, -2) : words
  const make = kinds[name]
  if (!make) throw new Error(`${at}: ${name} is no type`)
  const kind = make(args)
  return element => {
    if (element.children.length > 0) return 'elements where a value belongs'
    return empty && element.text === '' && !element.opaque ? undefined : kind(element)
  }
}
