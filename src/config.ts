import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Document, isMap, LineCounter, parseDocument } from 'yaml'
import { Failure } from './base/failure.ts'
import { type Fault, faultsOf } from './config-faults.ts'
import { arrange, type Config, schema } from './config-schema.ts'
import { type Environment, fill, override, type Values } from './config-source.ts'

export type { Config, Environment }

/** Reads a configuration file. Throws `malformed` with a line for each thing that is wrong with it. */
export function loadConfig(file: string, environment: Environment): Config {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Failure('malformed', `${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
  return parseConfig(text, { name: file, folder: dirname(file), environment })
}

export type Source = Values & {
  /** What the text is called where something is wrong with it. */
  readonly name: string
}

/** Settings come from the text, are overridden by the environment, have their `${...}` put in and are checked then. */
export function parseConfig(text: string, source: Source): Config {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const broken = document.errors.map(({ pos, message }) => `${source.name}:${lines.linePos(pos[0]).line}: ${message}`)
  if (broken.length) throw new Failure('malformed', broken.join('\n'))
  const settings = valuesOf(document, source.name)
  if (typeof settings !== 'object' || Array.isArray(settings)) {
    throw new Failure('malformed', `${source.name}:1: is no configuration`)
  }

  const { variables, faults } = override(settings as Record<string, unknown>, source.environment)
  const result = schema.safeParse(fill(settings, source, faults), { reportInput: true })
  const known = new Set(faults.map(({ path }) => path.join('.')))
  faults.push(...(result.error?.issues.flatMap(faultsOf) ?? []).filter(({ path }) => !known.has(path.join('.'))))
  if (result.success && !faults.length) return arrange(result.data)

  const sentence = ({ path, from = variables.get(path.join('.')), text }: Fault) => {
    const place = from ?? `${source.name}:${lineOf(document, lines, path)}`
    return path.length ? `${place}: ${path.join('.')} ${text}` : `${place}: ${text}`
  }
  throw new Failure('malformed', faults.map(sentence).join('\n'))
}

function valuesOf(document: Document, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) ?? {}
  } catch (cause) {
    // An alias of nothing, or too many of them: no error of the document to the parser.
    throw new Failure('malformed', `${name}:1: ${(cause as Error).message}`, { cause })
  }
}

/** The line of a setting, or of the nearest group around one that is not there. */
function lineOf(document: Document, lines: LineCounter, path: Fault['path']): number {
  for (let length = path.length; length > 0; length--) {
    const group = document.getIn(path.slice(0, length - 1), true)
    const key = isMap(group) ? group.items.find(item => String(item.key) === String(path[length - 1]))?.key : undefined
    const { range } = (key ?? document.getIn(path.slice(0, length), true) ?? {}) as { range?: [number, number, number] }
    if (range) return lines.linePos(range[0]).line
  }
  return 1
}
