import { Failure } from '../base/failure.ts'

/** Words of a search, characters of it and of a name. */
const mostWords = 10, longest = 256

/** What a recipient is looked up by: `Ann Example <ann@example.org>` is that address. Throws `malformed` for none, `too-large`. */
export function nameOf(recipient: string): string {
  const name = (/<([^<>]+@[^<>]+)>\s*$/.exec(recipient)?.[1] ?? recipient).trim()
  if (name === '') throw new Failure('malformed', 'a recipient without a name')
  if (name.length > longest) throw new Failure('too-large', 'a name that is too long')
  return name
}

/** The words somebody looks for people by. Throws `malformed` where there is none, `too-large` for too many. */
export function wordsOf(text: string): string[] {
  const words = text.split(/[\s,;"]+/u).map(word => word.replace(/\*+$/, '')).filter(word => word !== '')
  if (words.length === 0) throw new Failure('malformed', 'a search without a word')
  if (words.length > mostWords || text.length > longest) throw new Failure('too-large', 'a search of too many words')
  return words
}
