import { nameFields, type Contact } from '../model/contact.ts'

type Named = Partial<Contact>

const join = (...pieces: readonly (string | undefined)[]): string => pieces.filter(Boolean).join(' ')
const comma = (last: string | undefined, given: string): string => [last, given].filter(Boolean).join(', ')

/** Ways in which programs write a name over a contact. */
const patterns: readonly ((name: Named) => string)[] = [
  ({ prefix, firstName, middleName, lastName, suffix }) => join(prefix, firstName, middleName, lastName, suffix),
  ({ prefix, firstName, middleName, lastName, suffix }) => comma(join(prefix, firstName, middleName, lastName), suffix ?? ''),
  ({ firstName, middleName, lastName }) => join(firstName, middleName, lastName),
  ({ firstName, lastName }) => join(firstName, lastName),
  ({ prefix, firstName, lastName }) => join(prefix, firstName, lastName),
  ({ firstName, middleName, lastName }) => comma(lastName, join(firstName, middleName)),
  ({ firstName, lastName }) => comma(lastName, firstName ?? ''),
  ({ firstName, middleName, lastName }) => join(lastName, firstName, middleName),
  ({ firstName, lastName }) => `${lastName ?? ''}${firstName ?? ''}`,
]

/**
 * RFC 6350, FN, after names have changed: in the order it was written in; else with the words that changed put in their place; else it
 * stays, unless first and last name have changed. It is never empty where there is anything to say.
 */
export function renamed(fullName: string, before: Named, after: Named): string {
  const pattern = patterns.find(write => fullName !== '' && write(before) === fullName)
  const nameless = nameFields.every(field => !after[field])
  if (nameless) return nameOfNobody(after, before, fullName)
  if (pattern) return pattern(after) || patterns[0]!(after)
  const changed = nameFields.filter(field => (before[field] ?? '') !== (after[field] ?? ''))
  if (fullName !== '' && changed.every(field => before[field] && after[field] && fullName.includes(before[field]))) {
    return changed.reduce((text, field) => text.replace(before[field]!, () => after[field]!), fullName)
  }
  const matters = changed.includes('firstName') || changed.includes('lastName')
  return fullName !== '' && !matters ? fullName : patterns[0]!(after)
}

/** A company, or somebody of whom there is an address only. */
function nameOfNobody(after: Named, before: Named, fullName: string): string {
  const kept = !['', before.company, before.email1].includes(fullName) && !patterns.some(write => write(before) === fullName)
  return kept ? fullName : after.company || after.nickname || after.email1 || after.fileAs || fullName
}
