import type { Version } from '../../src/eas/versions.ts'
import type { Element } from '../../src/wire/wbxml.ts'
import type { Described, Schema } from './schema.ts'

/** Paths of elements that answers had, with the versions in which they had them. */
export type Seen = Map<string, Set<Version>>

/** What is wrong with an answer, a line each with the element's path; the elements it has are noted in `seen`. */
export function validate(schema: Schema, command: string, version: Version, answer: Element, seen: Seen = new Map()): string[] {
  const root = schema.answers.get(command)
  if (!root) return [`nothing is known of answers to ${command}`]
  if (root.tag !== answer.tag) return [`${answer.tag} where ${root.tag} belongs`]
  if (!root.versions.has(version)) return [`${command} is not of version ${version}`]
  return check(root, version, answer, seen)
}

function check(described: Described, version: Version, element: Element, seen: Seen): string[] {
  const { path, content } = described
  const before = seen.get(path)
  if (before) before.add(version)
  else seen.set(path, new Set([version]))
  if ('kind' in content) {
    const fault = content.kind(element)
    return fault ? [`${path}: ${fault}`] : []
  }
  if (element.text !== '' || element.opaque) return [`${path}: a value where elements belong`]
  const known = content.children.filter(({ versions }) => versions.has(version))
  const faults = known.flatMap(child => countFault(path, child, element, content.order === 'choice'))
  if (content.order === 'choice' && new Set(element.children.map(({ tag }) => tag)).size > 1) faults.push(`${path}: more than one of a choice`)
  let place = 0
  for (const child of element.children) {
    const at = known.findIndex(({ tag }) => tag === child.tag)
    if (at < 0) {
      faults.push(`${path}: has no ${child.tag} in version ${version}`)
      continue
    }
    if (content.order === 'seq' && at < place) faults.push(`${path}: ${child.tag} is out of order`)
    place = Math.max(place, at)
    faults.push(...check(known[at]!, version, child, seen))
  }
  return faults
}

function countFault(path: string, { tag, least, most }: Described, element: Element, choice: boolean): string[] {
  const count = element.children.filter(child => child.tag === tag).length
  if (count <= most && (count >= least || (choice && count === 0))) return []
  return [`${path}: ${count} times ${tag}`]
}
