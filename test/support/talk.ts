import { expect } from 'vitest'
import { since, type Version } from '../../src/eas/versions.ts'
import { el, type Element, type Node } from '../../src/wire/wbxml.ts'
import type { Phone } from './eas-client.ts'
import type { EasServer } from './eas-server.ts'
import { isOld, readSync, type CollectionResult } from './eas-sync.ts'

/** Every Status of an answer, from the top down. */
export const statuses = (root: Element): string[] => [
  ...root.children.filter(({ tag }) => tag.endsWith(':Status')).map(one => one.text), ...root.children.flatMap(statuses),
]

/** A phone of one version that says all it can. */
export class Talk {
  readonly server: EasServer
  readonly phone: Phone
  readonly version: Version
  inbox = ''
  trash = ''

  constructor(server: EasServer, version: Version) {
    this.server = server
    this.version = version
    this.phone = server.phone({ version })
  }

  has(version: Version): boolean {
    return since(this.version, version)
  }

  /** What this version has and others have not. */
  from(version: Version, ...nodes: Node[]): Node[] {
    return this.has(version) ? nodes : []
  }

  /** Its answer carries the statuses of `expected`, from the top down. */
  async ask(command: string, body: Node | undefined, ...expected: string[]): Promise<Element> {
    const answer = (await this.phone.command(command, body))!
    expect(statuses(answer), `${command} in ${this.version}`).toEqual(expected)
    return answer
  }

  /** A Sync of the inbox that says these; the phone takes its answer in. */
  async sync(parts: readonly Node[], more: readonly Node[] = [], commands: readonly Node[] = []): Promise<CollectionResult | undefined> {
    const held = this.phone.held(this.inbox)
    const { status, found: [collection] } = readSync(await this.phone.raw('Sync', el('AirSync:Sync', [
      el('AirSync:Collections', [el('AirSync:Collection', [
        ...(isOld(this.version) ? [el('AirSync:Class', 'Email')] : []), el('AirSync:SyncKey', held.key), el('AirSync:CollectionId', this.inbox),
        ...parts, ...(commands.length ? [el('AirSync:Commands', commands)] : []),
      ])]), ...more,
    ])))
    expect([status, collection?.status ?? '1']).toEqual(['', '1'])
    if (collection) held.take(collection)
    return collection
  }

  get items(): string[] {
    return [...this.phone.held(this.inbox).items.keys()]
  }
}
