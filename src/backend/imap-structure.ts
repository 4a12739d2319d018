import { decodeWords } from '../formats/encoded-words.ts'
import { decodeParameters } from '../formats/header.ts'
import type { Part } from '../model/message.ts'
import { list, number, text, type Value } from './imap-response.ts'

// More parts than this and the rest of the message stays unseen: a listing must not cost what a sender likes.
const maxParts = 2000

/** RFC 9051, BODYSTRUCTURE. Whatever is not as it should be becomes a part of its own kind; never fails. */
export function readStructure(value: Value | undefined): Part {
  const budget = { parts: maxParts }
  return readPart(list(value), '', budget) ?? unreadable
}

/** Stands for a structure the server could not tell. */
const unreadable: Part = {
  section: '1', type: 'text/plain', parameters: {}, encoding: '7bit', size: 0,
  contentId: undefined, location: undefined, disposition: undefined, filename: undefined, children: [],
}

type Budget = { parts: number }

/** `section` is that of the enclosing part: children of `2` are `2.1`, `2.2`; what has no enclosing part is `1`. */
function readPart(body: readonly Value[], section: string, budget: Budget): Part | undefined {
  if (budget.parts-- <= 0 || body.length === 0) return undefined
  if (Array.isArray(body[0])) return readMultipart(body, section, budget)
  return readSingle(body, section === '' ? '1' : section, budget)
}

function readMultipart(body: readonly Value[], section: string, budget: Budget): Part {
  const subtype = body.findIndex(value => !Array.isArray(value))
  const parts = (subtype < 0 ? body : body.slice(0, subtype)).flatMap((child, index) =>
    readPart(list(child), section === '' ? `${index + 1}` : `${section}.${index + 1}`, budget) ?? [])
  const [kind, parameters, disposition, , location] = subtype < 0 ? [] : body.slice(subtype)
  return describe({
    section, type: `multipart/${word(kind, 'mixed')}`, encoding: '7bit', size: 0, children: parts,
    parameters, disposition, location, id: undefined,
  })
}

function readSingle(body: readonly Value[], section: string, budget: Budget): Part {
  const [major, minor, parameters, id, , encoding, size] = body
  const type = `${word(major, 'application')}/${word(minor, 'octet-stream')}`
  // Lines follow a text, envelope, body and lines a message.
  const message = type === 'message/rfc822' || (type === 'message/global' && Array.isArray(body[8]))
  const rest = body.slice(message ? 10 : type.startsWith('text/') ? 8 : 7)
  const [, disposition, , location] = rest
  const inner = message ? readInner(list(body[8]), section, budget) : undefined
  const part = describe({
    section, type, encoding: word(encoding, '7bit'), size: number(size), children: inner ? [inner] : [],
    parameters, disposition, location, id,
  })
  // A message has the name it was given by the one who wrote it: RFC 9051, ENVELOPE begins with date and subject.
  const subject = message && part.filename === undefined ? decodeWords(text(list(body[7])[1])).trim() : ''
  return subject ? { ...part, filename: `${subject.slice(0, 200)}.eml` } : part
}

/** The root of a message within: its text is `n.1` when it is single, `n.TEXT` when it is a multipart whose parts are `n.1` ... */
function readInner(body: readonly Value[], section: string, budget: Budget): Part | undefined {
  if (!Array.isArray(body[0])) return readPart(body, `${section}.1`, budget)
  const root = readPart(body, section, budget)
  return root && { ...root, section: `${section}.TEXT` }
}

type Raw = Pick<Part, 'section' | 'type' | 'encoding' | 'size' | 'children'> &
  { parameters: Value | undefined; disposition: Value | undefined; location: Value | undefined; id: Value | undefined }

function describe({ parameters, disposition, location, id, ...rest }: Raw): Part {
  const given = readParameters(parameters)
  const [placed, described] = list(disposition)
  const filename = readParameters(described)['filename'] ?? given['name']
  return {
    ...rest, parameters: given,
    contentId: text(id).trim().replace(/^<(.*)>$/, '$1') || undefined,
    location: text(location) || undefined,
    disposition: text(placed).toLowerCase() || undefined,
    filename: filename || undefined,
  }
}

const word = (value: Value | undefined, absent: string): string => text(value).trim().toLowerCase() || absent

function readParameters(value: Value | undefined): Record<string, string> {
  const values = list(value)
  if (values.length === 0) return {}
  const given: Record<string, string> = {}
  let plain = true
  for (let i = 0; i + 1 < values.length; i += 2) {
    const name = text(values[i]).toLowerCase()
    const content = text(values[i + 1])
    given[name] ??= content
    plain &&= !name.includes('*') && !/[^\x20-\x7e]|=\?/.test(content)
  }
  return plain ? given : decodeParameters(given)
}
