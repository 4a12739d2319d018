import * as z from 'zod'
import { schema } from './config-schema.ts'

type Node = { [key: string]: unknown }

/** What stands in place of any value: an environment variable, or the content of a file. */
const reference = { type: 'string', pattern: '^\\$\\{(env|file):[^}]+\\}$' }

/** The JSON schema (draft 2020-12) of the configuration file, as text: what may stand where, for editors. What needs more than one look is left to `check`. */
export function configurationSchema(): string {
  const whole = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node
  const { $schema, ...rest } = loosen(whole, true) as Node
  return `${JSON.stringify({ $schema, title: 'Configuration of Postern', ...rest }, null, 2)}\n`
}

/** Lets `${...}` stand for a value of any kind, and an empty value for one that is not there. */
function loosen(value: unknown, isSetting: boolean): unknown {
  if (Array.isArray(value)) return value.map(item => loosen(item, false))
  if (typeof value !== 'object' || value === null) return value
  const node = Object.fromEntries(Object.entries(value).map(([key, item]): [string, unknown] => {
    if (key === 'properties') return [key, Object.fromEntries(Object.entries(item as Node).map(([name, one]) => [name, loosen(one, true)]))]
    if (key === 'items' || key === 'additionalProperties') return [key, typeof item === 'object' ? loosen(item, true) : item]
    return [key, key === 'anyOf' ? loosen(item, false) : item]
  }))
  const isBranch = Object.keys(node).some(key => ['type', 'anyOf', 'enum', 'const'].includes(key))
  if (!isSetting || !isBranch || node['type'] === 'object' && '$schema' in node) return node
  const { default: usual, ...plain } = node
  return { anyOf: [plain, reference, { type: 'null' }], ...(usual === undefined ? {} : { default: usual }) }
}
