import { Failure } from '../base/failure.ts'
import { list, text, type Value } from './imap-response.ts'

export type Namespace = { readonly prefix: string; readonly delimiter: string }
export type Namespaces = { readonly personal: Namespace; readonly foreign: readonly Namespace[] }

// RFC 9051, Modified UTF-7 for mailbox names: base64 of UTF-16 between `&` and `-`, with `,` for `/`.

export const encodeName = (name: string): string =>
  name.normalize('NFC').replace(/&/g, '&-').replace(/[^\x20-\x7e]+/g, run =>
    `&${Buffer.from(run, 'utf16le').swap16().toString('base64').replace(/=+$/, '').replace(/\//g, ',')}-`)

/** Raw UTF-8 of servers that do not encode is understood; a broken sequence stays as it stands. */
export function decodeName(encoded: string): string {
  if (/[\x80-\xff]/.test(encoded)) return Buffer.from(encoded, 'latin1').toString('utf8')
  return encoded.replace(/&([A-Za-z0-9+,]*)-/g, (whole, run: string) => {
    if (run === '') return '&'
    const octets = Buffer.from(run.replace(/,/g, '/'), 'base64')
    return octets.length % 2 || octets.length === 0 ? whole : octets.swap16().toString('utf16le')
  })
}

/** RFC 9051, quoted. Throws `malformed` for what only a literal could carry. */
export function quote(value: string): string {
  if (/[\r\n\0]|[^\x00-\x7f]/.test(value)) throw new Failure('malformed', 'a string that IMAP cannot quote')
  return `"${value.replace(/["\\]/g, '\\$&')}"`
}

/** RFC 9051, NAMESPACE. The first personal namespace is where this program works. */
export function readNamespaces([personal, others, shared]: readonly Value[]): Namespaces {
  const read = (value: Value | undefined): Namespace[] =>
    list(value).map(entry => ({ prefix: text(list(entry)[0]), delimiter: text(list(entry)[1]) }))
  return { personal: read(personal)[0] ?? { prefix: '', delimiter: '' }, foreign: [...read(others), ...read(shared)] }
}
