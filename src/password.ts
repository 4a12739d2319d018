import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'

/** One line of standard input; at a terminal it is asked for and not shown. */
export async function readPassword(question: string): Promise<string> {
  const { stdin, stderr } = process
  if (!stdin.isTTY) return (await text(stdin)).replace(/\r?\n[^]*$/, '')
  const nowhere = new Writable({ write: (_, __, done) => done() })
  const lines = createInterface({ input: stdin, output: nowhere, terminal: true })
  stderr.write(question)
  try {
    return await lines.question('')
  } finally {
    lines.close()
    stderr.write('\n')
  }
}
