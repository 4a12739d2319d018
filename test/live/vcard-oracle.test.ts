// vobject reads what we write, and sees no change but the one that was made.
import { expect, it } from 'vitest'
import { hear, say, type ContactContext } from '../../src/eas/map/contact.ts'
import { el, type Node, type Tag } from '../../src/wire/wbxml.ts'
import { dataOf, storedCards, withElement } from '../support/cards.ts'
import { witness } from '../support/vobject.ts'

const context: ContactContext = { version: '14.1', userAgent: undefined, bodies: [], supported: undefined }

const edits: readonly (readonly [tag: Tag, value: Node['children'], names: readonly string[], read: string])[] = [
  ['Contacts:LastName', 'Neu, Ünal;\\x', ['N', 'FN', 'ORG'], "('family', 'Neu, Ünal;\\\\x')"],
  ['Contacts:JobTitle', `${'ä'.repeat(90)}, ;\\`, ['TITLE'], `${'ä'.repeat(90)}, ;\\`],
  ['AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', 'One\r\ntwo, three')], ['NOTE'], 'One\ntwo, three'],
  ['Contacts:MobilePhoneNumber', '+49 1', ['TEL'], '+49 1'],
  ['Contacts:HomeAddressCity', 'New; City', ['ADR', 'LABEL'], "('city', 'New; City')"],
  ['Contacts:Email1Address', 'new@example.org', ['EMAIL', 'FN'], 'new@example.org'],
]

it.each(edits)('%s is read by vobject, and all else as before', async (tag, children, names, read) => {
  // vobject knows no escapes of vCard 2.1, and takes what it shows of N and ADR apart by those of 3.0.
  const cards = storedCards().filter(({ octets }) => !octets.includes('VERSION:2.1') && say(octets, context) !== undefined)
  const changed = cards.map(({ octets }) => hear(octets, dataOf(withElement(say(octets, context)!, tag, children)), context))
  const before = await witness(cards.map(({ octets }) => octets)), after = await witness(changed)
  expect(before.filter(one => one !== null).length).toBeGreaterThan(70)
  for (const [index, card] of cards.entries()) {
    if (!before[index]) continue
    const others = (list: typeof after[number]): unknown => list?.filter(([, name]) => !names.includes(name))
    expect(others(after[index]!), card.title).toEqual(others(before[index]))
    const values = after[index]!.filter(([, name]) => names.includes(name)).map(([, , , value]) => value)
    expect(values.filter(value => value.includes(read)), `${card.title}: ${values.join('; ')}`).not.toEqual([])
  }
})

it('new contacts are read by vobject', async () => {
  const data = [
    el('Contacts:FirstName', 'Anna'), el('Contacts:LastName', 'Røe'), el('Contacts:HomeAddressStreet', 'a\nb'),
    el('Contacts:Birthday', '1980-02-29T11:59:00.000Z'),
  ]
  const [card] = await witness([hear(undefined, dataOf(data), context)])
  expect(card!.map(([, name]) => name)).toEqual(['ADR', 'BDAY', 'FN', 'N', 'PRODID', 'UID', 'VERSION'])
  expect(card!.find(([, name]) => name === 'BDAY')?.[3]).toBe('1980-02-29')
})
