import { decode, encodeSync, type Element } from '../../src/wire/wbxml.ts'
import { readMultipart } from './eas-multipart.ts'
import type { Phone } from './eas-client.ts'

type Names = Map<string, Names>

/** What was said so far: for each command the elements of its requests and of its answers, laid over each other. */
export type Spoken = ReadonlyMap<string, { readonly asked: Names; readonly answered: Names }>

/** Below these stand the properties of items, which are another document's. */
const items: readonly string[] = ['AirSync:ApplicationData', 'Search:Properties']

/** Writes down every tree that goes to and fro; `whole` with the properties of items. */
export function overhear(phone: Phone, whole = false): Spoken {
  const spoken = new Map<string, { asked: Names; answered: Names }>()
  const raw = phone.raw.bind(phone)
  phone.raw = async (command, body, overrides) => {
    const answer = await raw(command, body, overrides)
    const heard = spoken.get(command) ?? { asked: new Map(), answered: new Map() }
    spoken.set(command, heard)
    if (body && !(body instanceof Uint8Array)) lay(heard.asked, decode(encodeSync(body)), whole)
    const type = answer.headers['content-type']
    if (type === 'application/vnd.ms-sync.wbxml') lay(heard.answered, decode(answer.bytes), whole)
    if (type === 'application/vnd.ms-sync.multipart') lay(heard.answered, readMultipart(answer.bytes).root, whole)
    return answer
  }
  return spoken
}

function lay(names: Names, { tag, children }: Element, whole: boolean): void {
  const below = names.get(tag) ?? new Map<string, Names>()
  names.set(tag, below)
  if (whole || !items.includes(tag)) for (const child of children) lay(below, child, whole)
}

/** For people: an element a line, those within it further in. */
export function printSpoken(spoken: Spoken): string {
  const lines = (names: Names, indent: string): string[] => [...names].sort(([one], [other]) => one < other ? -1 : 1)
    .flatMap(([tag, below]) => [`${indent}${tag}`, ...lines(below, `${indent}  `)])
  return [...spoken].flatMap(([command, { asked, answered }]) => [
    ...(asked.size ? [`${command} asks`, ...lines(asked, '  ')] : []),
    ...(answered.size ? [`${command} is answered`, ...lines(answered, '  ')] : []),
  ]).join('\n')
}
