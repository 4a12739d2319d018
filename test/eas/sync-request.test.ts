import { describe, expect, it } from 'vitest'
import { SyncRefused, readSync } from '../../src/eas/commands/sync-request.ts'
import { decode, el, encodeWhole, type Element, type Node } from '../../src/wire/wbxml.ts'

const limits = { heartbeat: { min: 60, max: 3540 }, collections: 3 }
const sent = async (...nodes: Node[]): Promise<Element> => decode(await encodeWhole(el('AirSync:Sync', nodes)))
const collection = (...nodes: Node[]): Node =>
  el('AirSync:Collections', [el('AirSync:Collection', [el('AirSync:SyncKey', 'key'), el('AirSync:CollectionId', 'inbox'), ...nodes])])
const read = async (...nodes: Node[]) => readSync(await sent(...nodes), { ...limits, version: '16.1' })
const options = async (...nodes: Node[]) => (await read(collection(...nodes))).collections[0]!.options
const preference = (type: string, ...nodes: Node[]): Node => el('AirSyncBase:BodyPreference', [el('AirSyncBase:Type', type), ...nodes])

describe('a Sync request', () => {
  it('leaves to the server what it does not say', async () => {
    expect(await read(collection())).toEqual({
      window: 512, wait: undefined, partial: false,
      collections: [{ id: 'inbox', key: 'key', conversations: false, getChanges: undefined, deletesAsMoves: true, window: 100, options: undefined, commands: [] }],
    })
  })

  it.each([['0', 512], ['1', 1], ['512', 512], ['513', 512], ['4294967295', 512]])('with WindowSize %s gets at most %i items', async (size, most) => {
    expect((await read(collection(el('AirSync:WindowSize', size)))).collections[0]!.window).toBe(most)
  })

  it.each([
    ['Wait', 'AirSync:Wait', '2', 120],
    ['HeartbeatInterval', 'AirSync:HeartbeatInterval', '470', 470],
  ] as const)('waits as long as %s says', async (_, tag, value, seconds) => {
    expect((await read(collection(), el(tag, value))).wait).toBe(seconds)
  })

  it.each([
    ['Wait of 0 minutes', 'AirSync:Wait', '0', '14', 1],
    ['Wait of 60 minutes', 'AirSync:Wait', '60', '14', 59],
    ['HeartbeatInterval of 59 seconds', 'AirSync:HeartbeatInterval', '59', '14', 60],
    ['HeartbeatInterval of an hour', 'AirSync:HeartbeatInterval', '3600', '14', 3540],
  ] as const)('with a %s is told the limit', async (_, tag, value, status, limit) => {
    const refused = await read(collection(), el(tag, value)).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(SyncRefused)
    expect(refused).toMatchObject({ status, limit })
  })

  it('with too many collections is told how many may be', async () => {
    const many = Array.from({ length: 4 }, (_, index) =>
      el('AirSync:Collection', [el('AirSync:SyncKey', 'key'), el('AirSync:CollectionId', `folder${index}`)]))
    await expect(read(el('AirSync:Collections', many))).rejects.toMatchObject({ status: '15', limit: 3 })
  })

  it.each<[string, Node[]]>([
    ['both Wait and HeartbeatInterval', [collection(), el('AirSync:Wait', '2'), el('AirSync:HeartbeatInterval', '120')]],
    ['a WindowSize that is no number', [collection(el('AirSync:WindowSize', '-1'))]],
    ['a FilterType that is none', [collection(el('AirSync:Options', [el('AirSync:FilterType', '9')]))]],
    ['a body of an unknown type', [collection(el('AirSync:Options', [preference('9')]))]],
    ['MIMESupport out of range', [collection(el('AirSync:Options', [el('AirSync:MIMESupport', '3')]))]],
    ['an Add without ClientId', [collection(el('AirSync:Commands', [el('AirSync:Add')]))]],
    ['a Delete without ServerId', [collection(el('AirSync:Commands', [el('AirSync:Delete')]))]],
    ['a command that is none', [collection(el('AirSync:Commands', [el('AirSync:SoftDelete', [el('AirSync:ServerId', 'x')])]))]],
    ['three Options', [collection(el('AirSync:Options'), el('AirSync:Options'), el('AirSync:Options'))]],
    ['the same collection twice', [el('AirSync:Collections', [1, 2].map(() =>
      el('AirSync:Collection', [el('AirSync:SyncKey', 'key'), el('AirSync:CollectionId', 'inbox')])))]],
    ['no SyncKey', [el('AirSync:Collections', [el('AirSync:Collection', [el('AirSync:CollectionId', 'inbox')])])]],
    ['a key of over 64 characters', [el('AirSync:Collections', [
      el('AirSync:Collection', [el('AirSync:SyncKey', 'k'.repeat(65)), el('AirSync:CollectionId', 'inbox')])])]],
    ['GetChanges with key 0', [el('AirSync:Collections', [el('AirSync:Collection', [
      el('AirSync:SyncKey', '0'), el('AirSync:CollectionId', 'inbox'), el('AirSync:GetChanges', '1')])])]],
  ])('with %s breaks the protocol', async (_, nodes) => {
    await expect(read(...nodes)).rejects.toMatchObject({ kind: 'malformed' })
  })
})

describe('the options of a collection', () => {
  it('are the defaults when the block is empty, and unknown when there is none', async () => {
    expect(await options(el('AirSync:Options'))).toEqual({ filter: 0, mimeSupport: 0, mimeTruncation: 8, conflict: 1, bodies: [] })
    expect(await options()).toBeUndefined()
  })

  it('are those for mail when a client sends a block for SMS as well, in either order', async () => {
    const mail = el('AirSync:Options', [el('AirSync:FilterType', '2'), preference('2')])
    const sms = el('AirSync:Options', [el('AirSync:Class', 'SMS'), preference('1')])
    expect(await options(mail, sms)).toMatchObject({ filter: 2, bodies: [{ type: 2 }] })
    expect(await options(sms, mail)).toMatchObject({ filter: 2, bodies: [{ type: 2 }] })
  })

  it('keep several body preferences in their order', async () => {
    const nodes = [
      preference('4', el('AirSyncBase:TruncationSize', '4096')),
      preference('1', el('AirSyncBase:TruncationSize', '0'), el('AirSyncBase:AllOrNone', '1'), el('AirSyncBase:Preview', '300')),
    ]
    expect(await options(el('AirSync:Options', [el('AirSync:MIMESupport', '2'), el('AirSync:Conflict', '0'), ...nodes]))).toEqual({
      filter: 0, mimeSupport: 2, mimeTruncation: 8, conflict: 0,
      bodies: [{ type: 4, truncationSize: 4096 }, { type: 1, truncationSize: 0, allOrNone: true, preview: 255 }],
    })
  })
})
