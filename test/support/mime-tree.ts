import { decodeParameters } from '../../src/formats/header.ts'
import { listedFields, type Message, type Part } from '../../src/model/message.ts'

/** A message as an IMAP server and the backend would tell of it. */
export type Told = { readonly message: Message; readonly part: (section: string) => Uint8Array | undefined }

type Raw = { readonly header: string; readonly fields: ReadonlyMap<string, string>; readonly body: string }

/** Splits an entity at its first empty line; all octets are Latin 1 characters. */
function split(entity: string): Raw {
  const at = entity.startsWith('\r\n') ? 0 : entity.indexOf('\r\n\r\n') + 2
  const header = at < 2 && !entity.startsWith('\r\n') ? entity : entity.slice(0, at)
  const fields = new Map<string, string>()
  for (const line of header.replace(/\r\n(?=[ \t])/g, '').split('\r\n')) {
    const [, name, value] = /^([^\s:]+)\s*:\s*(.*)$/.exec(line) ?? []
    if (name && !fields.has(name.toLowerCase())) fields.set(name.toLowerCase(), value!)
  }
  return { header, fields, body: entity.slice(header.length + 2) }
}

const parametersOf = (value: string): Record<string, string> => Object.fromEntries(
  [...value.matchAll(/;\s*([^\s=;]+)=(?:"((?:\\.|[^"\\])*)"|([^;\s]*))/g)].map(([, name, quoted, token]) =>
    [name!.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? token!]))

function children(body: string, boundary: string): string[] {
  const lines = `\r\n${body}`.split(`\r\n--${boundary}`)
  return lines.slice(1, lines.findIndex(line => line.startsWith('--')) + 1 || undefined)
    .filter(line => !line.startsWith('--'))
    .map(line => line.replace(/^[ \t]*\r\n/, ''))
}

/** Reads a message written by hand; line ends may be LF. `flags` and INTERNALDATE are what the test wants. */
export function tell(eml: string | Uint8Array, given: { flags?: readonly string[]; received?: Date } = {}): Told {
  const text = Buffer.from(eml as Uint8Array).toString('latin1').replace(/\r?\n/g, '\r\n')
  const octets = new Map<string, string>([['', text]])

  const read = (entity: string, section: string, digest: boolean): Part => {
    const { fields, body } = split(entity)
    const contentType = fields.get('content-type') ?? (digest ? 'message/rfc822' : 'text/plain')
    const type = contentType.split(/[;\s]/)[0]!.toLowerCase()
    const parameters = decodeParameters(parametersOf(contentType))
    const disposition = fields.get('content-disposition')
    const filename = decodeParameters(parametersOf(disposition ?? ''))['filename'] ?? parameters['name']
    const inner = (index: number): string => section ? `${section}.${index + 1}` : String(index + 1)
    const multipart = type.startsWith('multipart/')
    const own = section || (multipart ? '' : '1')
    if (!multipart) octets.set(own, body)
    octets.set(section ? `${section}.MIME` : 'HEADER', `${split(entity).header}\r\n`)
    return {
      section: own, type, parameters, filename,
      encoding: fields.get('content-transfer-encoding')?.toLowerCase() ?? '7bit',
      size: multipart ? 0 : body.length,
      contentId: fields.get('content-id')?.replace(/^<|>$/g, ''),
      location: fields.get('content-location'),
      disposition: disposition?.split(/[;\s]/)[0]!.toLowerCase(),
      children: multipart
        ? children(body, parameters['boundary'] ?? '').map((one, index) => read(one, inner(index), type === 'multipart/digest'))
        : type === 'message/rfc822' ? [read(body, /multipart\//i.test(split(body).fields.get('content-type') ?? '') ? own : `${own}.1`, false)] : [],
    }
  }
  const structure = read(text, '', false)
  const listed = new Set<string>(listedFields.map(name => name.toLowerCase()))
  const header = split(text).header.split(/\r\n(?![ \t])/).filter(line => listed.has(line.split(':')[0]!.trimEnd().toLowerCase()))
  const latin1 = (octet: string | undefined): Uint8Array | undefined => octet === undefined ? undefined : Buffer.from(octet, 'latin1')
  return {
    message: {
      uid: 1, flags: new Set(given.flags), modseq: 1n, received: given.received ?? new Date('2026-11-23T03:46:00Z'),
      size: text.length, header: latin1(`${header.join('\r\n')}\r\n\r\n`)!, structure,
    },
    part: section => latin1(octets.get(section)),
  }
}

/** Octets as a fetch of `length` of them gives them. */
export const fetched = ({ part }: Told, wishes: readonly { readonly section: string; readonly length?: number }[]): (Uint8Array | undefined)[] =>
  wishes.map(({ section, length }) => part(section)?.subarray(0, length))
