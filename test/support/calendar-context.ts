import { createZones } from '../../src/formats/zones.ts'
import type { CalendarContext } from '../../src/eas/map/calendar.ts'
import type { Version } from '../../src/eas/versions.ts'
import { decode, el, encodeSync, type Element, type Node } from '../../src/wire/wbxml.ts'

const zones = createZones()

/** Anna, in Berlin, on 25 November 2026. */
export const contextOf = (version: Version, more: Partial<CalendarContext> = {}): CalendarContext => ({
  version, bodies: [{ type: 1 }], addresses: ['anna@x.example', 'a.roe@x.example'], displayName: 'Anna', zone: zones.named('Europe/Berlin')!, zones,
  now: new Date('2026-11-25T10:12:00Z'), reference: id => `file:${id}`, ...more,
})

/** As it arrives on the other side. */
export const arrived = (nodes: readonly Node[]): Element => decode(encodeSync(el('AirSync:ApplicationData', nodes)))
