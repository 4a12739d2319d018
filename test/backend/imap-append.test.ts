import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FolderId } from '../../src/model/folder.ts'
import type { Appending } from '../../src/model/ports.ts'
import { startHouse, type House } from '../support/live.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { letter, openStore, type Store } from './imap-store.ts'

describe.each<[string, string[]]>([['Dovecot with all it has', []], ['a server without LITERAL+ and UIDPLUS', ['LITERAL+', 'UIDPLUS', 'SASL-IR']]])('a message that flows into a folder of %s', (_, without) => {
  let house: House
  let proxy: TcpProxy
  let store: Store
  let sent: FolderId
  beforeAll(async () => {
    house = await startHouse({ exim: false, dovecot: { without } })
    proxy = await TcpProxy.start(house.imap)
    store = await openStore(proxy, house.user('anna'), { session: { timeoutSeconds: 1 } })
    sent = (await store.mail.folderByRole('sent')).id
  })
  afterAll(async () => {
    store.close()
    await proxy.close()
    await house.stop()
  })

  const message = Buffer.from(`${letter(1)}${'An 8 bit line: \xe9\xff\r\n'.repeat(200_000)}The end`, 'latin1')
  const begun = (length = message.length): Promise<Appending> => store.mail.appending(sent, length, ['\\Seen'])

  async function stored(): Promise<{ source: Buffer; flags: string[] }[]> {
    const imap = await house.imapClient('anna')
    await imap.mailboxOpen('Sent')
    const found: { source: Buffer; flags: string[] }[] = []
    for await (const { source, flags } of imap.fetch('1:*', { source: true, flags: true })) found.push({ source: source!, flags: [...flags!] })
    await imap.logout()
    return found
  }
  async function pour(appending: Appending, octets = message, size = 65_536): Promise<void> {
    for (let at = 0; at < octets.length; at += size) await appending.write(octets.subarray(at, at + size))
  }

  it('is not there before it is finished, then octet for octet, and others went on meanwhile', async () => {
    const appending = await begun()
    await pour(appending)
    expect(await stored()).toEqual([])
    expect((await store.mail.folders()).length).toBeGreaterThan(4)
    await appending.finish()
    appending.abandon()
    const [one, ...more] = await stored()
    expect(more).toEqual([])
    expect(one!.source.equals(message)).toBe(true)
    expect(one!.flags).toContain('\\Seen')
  })

  it.each<[string, (appending: Appending) => Promise<void>]>([
    ['all but its end came', pour],
    ['half of it came', appending => pour(appending, message.subarray(0, message.length / 2))],
    ['nothing came', async () => {}],
  ])('leaves nothing when it is abandoned after %s', async (_when, work) => {
    const appending = await begun()
    await work(appending)
    appending.abandon()
    await expect(appending.write(Buffer.from('x')).then(() => appending.finish())).rejects.toMatchObject({ kind: 'unavailable' })
    expect(await stored()).toHaveLength(1)
  })

  it('fails, and leaves nothing, where it is longer or shorter than announced', async () => {
    const short = await begun(message.length + 1)
    await pour(short)
    await expect(short.finish()).rejects.toMatchObject({ kind: 'unavailable' })
    short.abandon()
    const long = await begun(message.length - 1)
    await expect(pour(long)).rejects.toMatchObject({ kind: 'unavailable' })
    long.abandon()
    expect(await stored()).toHaveLength(1)
  })

  it('is one octet as well', async () => {
    const appending = await begun(1)
    await appending.write(Buffer.from('x'))
    await appending.finish()
    expect((await stored()).at(-1)!.source.toString()).toBe('x')
  })

  it('fails when the server breaks off, or falls silent', async () => {
    const cut = await begun()
    await cut.write(message.subarray(0, 100_000))
    proxy.cut()
    await expect(pour(cut)).rejects.toMatchObject({ kind: 'unavailable' })

    const silent = await begun()
    proxy.link.stalled = true
    const large = Buffer.alloc(40 * 1024 * 1024)
    await expect(pour(silent).then(() => silent.write(large)).then(() => silent.finish())).rejects.toMatchObject({ kind: 'unavailable' })
    proxy.link.stalled = false
    proxy.cut()
    expect(await stored()).toHaveLength(2)
  })

  it('is refused before its first octet where the folder or the quota does not take it', async () => {
    await expect(store.mail.appending('nowhere' as FolderId, 5, [])).rejects.toMatchObject({ kind: 'not-found' })
    await expect(store.mail.appending(sent, 5, ['a b'])).rejects.toMatchObject({ kind: 'malformed' })
    const full = await openStore(house.imap, house.user('full'))
    const { id } = await full.mail.folderByRole('sent')
    await expect(full.mail.appending(id, message.length, [])).rejects.toMatchObject({ kind: 'quota' })
    full.close()
  })
})
