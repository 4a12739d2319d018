import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { renderItems } from '../../src/eas/items.ts'
import { texts } from '../../src/eas/mime-stream.ts'
import type { Message } from '../../src/model/message.ts'
import type { MailStore, Stores } from '../../src/model/ports.ts'
import { MemoryAccount } from '../support/memory.ts'

const wish = { bodies: [{ type: 1 as const }], mimeSupport: 0 as const, mimeTruncation: 8 }

/** Subjects by UID, `-` where an item is left out. */
async function subjects(stores: Stores, messages: readonly Message[]): Promise<string[]> {
  const folder = await stores.mail.folderByRole('inbox')
  const found: string[] = []
  for await (const some of renderItems(stores, folder, 1, messages, wish, { version: '16.1' })) {
    for (const { uid, nodes } of some) found.push(`${uid} ${nodes.find(node => node.tag === 'Email:Subject')?.children}`)
  }
  return found
}

async function account(count: number, text = 'x'): Promise<{ anna: MemoryAccount; messages: readonly Message[] }> {
  const anna = new MemoryAccount()
  for (let n = 1; n <= count; n++) anna.deliver('inbox', `Subject: number ${n}\r\n\r\n${text}`)
  const uids = Array.from({ length: count }, (_, n) => n + 1)
  return { anna, messages: await anna.stores().mail.messages(anna.id('inbox'), 1, uids) }
}

/** The stores with some of the mail store's methods done otherwise. */
const but = (stores: Stores, methods: Partial<MailStore>): Stores => ({ ...stores, mail: { ...allOf(stores.mail), ...methods } })
const allOf = (mail: MailStore): MailStore => Object.fromEntries(
  Object.keys(mail).map(name => [name, mail[name as keyof MailStore]])
) as unknown as MailStore

describe('items', () => {
  it('come a few at a time, and others are served in between', async () => {
    const { anna, messages } = await account(30)
    const stores = anna.stores(), folder = await stores.mail.folderByRole('inbox')
    let turns = 0
    const count = (): void => {
      turns++
      timer = setImmediate(count)
    }
    let timer = setImmediate(count)
    const seen: number[] = []
    for await (const some of renderItems(stores, folder, 1, messages, wish, { version: '16.1' })) if (some.length > 0) seen.push(turns)
    clearImmediate(timer)
    expect(seen).toHaveLength(3)
    expect(seen[0]).toBeLessThan(seen[1]!)
    expect(seen[1]).toBeLessThan(seen[2]!)
  })

  it('are fetched a hundred in a round trip', async () => {
    const { anna, messages } = await account(250)
    anna.calls.length = 0
    expect(await subjects(anna.stores(), messages)).toHaveLength(250)
    expect(anna.calls.filter(call => call === 'parts')).toHaveLength(3)
  })

  it('are fetched 2 MiB in a round trip', async () => {
    const { anna, messages } = await account(6, 'x'.repeat(1024 * 1024))
    anna.calls.length = 0
    await subjects(anna.stores(), messages)
    expect(anna.calls.filter(call => call === 'parts').length).toBeGreaterThanOrEqual(3)
  })

  it('that went away meanwhile are left out', async () => {
    const { anna, messages } = await account(3)
    anna.expunge('inbox', 2)
    expect(await subjects(anna.stores(), messages)).toEqual(['1 number 1', '3 number 3'])
  })

  it('that the server does not hand out say so, and the folder goes on', async () => {
    const { anna, messages } = await account(3)
    const stores = anna.stores()
    const holes = but(stores, { parts: async (id, validity, wishes) =>
      (await stores.mail.parts(id, validity, wishes)).map((part, i) => wishes[i]!.uid === 2 ? undefined : part) })
    expect(await subjects(holes, messages)).toEqual(['1 number 1', '2 A message that could not be read', '3 number 3'])
  })

  it('one of which fails the whole round trip are asked for one by one', async () => {
    const { anna, messages } = await account(3)
    const stores = anna.stores()
    const poisoned = but(stores, { parts: async (id, validity, wishes) => {
      if (wishes.some(({ uid }) => uid === 2)) throw new Failure('not-found', 'corrupted index')
      return stores.mail.parts(id, validity, wishes)
    } })
    expect(await subjects(poisoned, messages)).toEqual(['1 number 1', '2 A message that could not be read', '3 number 3'])
  })

  it('that break the code that reads them are items that say so', async () => {
    const { anna, messages } = await account(3)
    const strange = messages.map(message => message.uid === 2 ? { ...message, header: null as unknown as Uint8Array } : message)
    expect(await subjects(anna.stores(), strange)).toEqual(['1 number 1', '2 A message that could not be read', '3 number 3'])
  })

  it('are no items when the mail server is away', async () => {
    const { anna, messages } = await account(3)
    const away = but(anna.stores(), { parts: async () => Promise.reject(new Failure('unavailable', 'gone')) })
    await expect(subjects(away, messages)).rejects.toMatchObject({ kind: 'unavailable' })
  })
})

it('octets become text whatever they are and wherever they are cut', async () => {
  const cut = async (octets: Buffer, size: number): Promise<string> => {
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size)
    }
    let text = ''
    for await (const piece of texts(pieces())) text += piece
    return text
  }
  const utf8 = 'aä€😀z'.repeat(5)
  for (const size of [1, 2, 3, 4, 5, 7, 100]) expect(await cut(Buffer.from(utf8), size)).toBe(utf8)
  expect(await cut(Buffer.from('Grüße', 'latin1'), 100)).toBe('Grüße')
  expect(await cut(Buffer.from([0x61, 0xe2]), 1)).toBe('aâ')
})
