import { child, text, type Element, type Tag } from '../../src/wire/wbxml.ts'
import type { Answered, CollectionWish } from './eas-sync.ts'

/** A message as the phone shows it. */
export type HeldItem = {
  readonly id: string
  subject: string
  read: boolean
  flagged: boolean
  /** Undefined when the item came without data. */
  body: string | undefined
  /** Everything the item came with, the newest Add or Fetch. */
  data: Element | undefined
}

/** One collection in the phone. */
export type Held = {
  key: string
  readonly items: Map<string, HeldItem>
  /** Adds for items that were there already: legal, but a server that keeps its word sends none. */
  readonly duplicates: string[]
  /** The phone's own changes, made when they are sent. */
  sent(wish: CollectionWish): void
  take(answer: Answered): void
  moveTo(other: Held, id: string, newId: string): void
}

export function hold(): Held {
  const items = new Map<string, HeldItem>()
  const duplicates: string[] = []
  const held: Held = {
    key: '0', items, duplicates,
    sent({ commands = [], key }) {
      if (key === '0') items.clear()
      for (const command of commands) {
        if (command.kind === 'Delete') items.delete(command.id)
        const item = command.kind === 'Change' && items.get(command.id)
        if (item) Object.assign(item, { read: command.read ?? item.read, flagged: command.flagged ?? item.flagged })
      }
    },
    take(answer) {
      if (answer.status === '3') {
        held.key = '0'
        items.clear()
      }
      if (answer.status !== '1') return
      held.key = answer.key
      // Responses stand before Commands. What the phone made itself is there, under the id it has from now on.
      for (const { kind, id, status } of answer.responses) if (kind === 'Add' && status === '1' && id && !items.has(id)) put(id, undefined)
      for (const command of child(answer.element, 'AirSync:Commands')?.children ?? []) apply(command)
      for (const { kind, id, data } of answer.responses) if (kind === 'Fetch' && data) put(id, data)
    },
    moveTo(other, id, newId) {
      const item = items.get(id)
      items.delete(id)
      if (item) other.items.set(newId, { ...item, id: newId })
    },
  }
  return held

  function apply(change: Element): void {
    const id = text(change, 'AirSync:ServerId') ?? ''
    const data = child(change, 'AirSync:ApplicationData')
    if (change.tag === 'AirSync:Add') {
      if (items.has(id)) duplicates.push(id)
      put(id, data)
    } else if (change.tag === 'AirSync:Change') {
      const item = items.get(id)
      // Of a message flags are told, of anything else all of it.
      if (item && data) Object.assign(item, flagsOf(data, item), data.children.every(({ tag }) => /^(Email2?|Tasks):/.test(tag)) ? {} : { data })
    } else items.delete(id)
  }

  function put(id: string, data: Element | undefined): void {
    const said = (tag: Tag): string | undefined => data && text(data, tag)
    const body = data && child(data, 'AirSyncBase:Body')
    items.set(id, {
      id, subject: said('Email:Subject') ?? '', body: (body && text(body, 'AirSyncBase:Data')) ?? said('Email:Body') ?? said('Email:MIMEData'), data,
      ...flagsOf(data, { read: false, flagged: false }),
    })
  }
}

function flagsOf(data: Element | undefined, before: { read: boolean; flagged: boolean }): { read: boolean; flagged: boolean } {
  const read = data && text(data, 'Email:Read'), flag = data && child(data, 'Email:Flag')
  return {
    read: read === undefined ? before.read : read === '1',
    flagged: flag ? text(flag, 'Email:Status') === '2' : before.flagged,
  }
}
