import { expect, it } from 'vitest'
import { CommandWriter } from '../../src/backend/imap-writer.ts'

const written = (unasked: boolean): { lines: () => string; writer: CommandWriter } => {
  const chunks: (string | Uint8Array)[] = []
  const writer = new CommandWriter({ write: octets => void chunks.push(octets), unasked: () => unasked })
  return { lines: () => chunks.splice(0).map(chunk => typeof chunk === 'string' ? chunk : `<${Buffer.from(chunk).toString()}>`).join(''), writer }
}
const octets = (text: string): Uint8Array => Buffer.from(text)
const two = [{ line: 'SEARCH TEXT', literal: octets('ab') }, { line: ' SUBJECT', literal: octets('cde') }, { line: '' }]

it('writes literals at once where the server takes them unasked', () => {
  const { writer, lines } = written(true)
  writer.write('p1', two)
  writer.write('p2', [{ line: 'NOOP' }])
  expect(lines()).toBe('p1 SEARCH TEXT {2+}\r\n<ab> SUBJECT {3+}\r\n<cde>\r\np2 NOOP\r\n')
  expect(writer.go()).toBe(false)
})

it('holds back everything behind a literal until the server asks for it', () => {
  const { writer, lines } = written(false)
  writer.write('p1', two)
  writer.write('p2', [{ line: 'NOOP' }])
  expect(lines()).toBe('p1 SEARCH TEXT {2}\r\n')
  expect(writer.go()).toBe(true)
  expect(lines()).toBe('<ab> SUBJECT {3}\r\n')
  expect(writer.go()).toBe(true)
  expect(lines()).toBe('<cde>\r\np2 NOOP\r\n')
  expect(writer.go()).toBe(false)
})

it('goes on with the next command when a literal is refused', () => {
  const { writer, lines } = written(false)
  writer.write('p1', [{ line: 'APPEND x', literal: octets('ab') }])
  writer.write('p2', [{ line: 'APPEND y', literal: octets('cd') }])
  writer.write('p3', [{ line: 'NOOP' }])
  lines()
  writer.ended('p0')
  expect(lines()).toBe('')
  writer.ended('p1')
  expect(lines()).toBe('p2 APPEND y {2}\r\n')
  writer.go()
  expect(lines()).toBe('<cd>\r\np3 NOOP\r\n')
})
