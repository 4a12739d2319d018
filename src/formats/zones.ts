import { remembered, zoneOfName, type Zone } from './timezone.ts'
import type { ZoneClaim } from './zone-blob.ts'
import { followsRules, zoneOfRules } from './zone-rules.ts'
import { windowsZones } from './windows-zones.ts'

/** Zones as they are asked for again and again: each is made but once, and remembers its years. */
export type Zones = {
  /** As `zoneOfName`. */
  named(name: string): Zone | undefined
  /**
   * The zone a client means by a blob: one of the `likely` ones, else by its names, else the best known of those with the same
   * rules in the year of `instant`, or in that of `now`. A zone of the client's own where nobody has such rules.
   */
  claimed(claim: ZoneClaim, instant: number, now: number, likely: readonly Zone[]): Zone
}

/** Names that are remembered; a tz database has 600. */
const mostNames = 2000

export function createZones(): Zones {
  const known = new Map<string, Zone | undefined>()
  const named = (name: string): Zone | undefined => {
    if (known.has(name)) return known.get(name)
    if (known.size >= mostNames) known.clear()
    const found = zoneOfName(name)
    const zone = found && remembered(found)
    known.set(name, zone)
    return zone
  }
  return {
    named,
    claimed({ rules, names }, instant, now, likely) {
      const years = [...new Set([instant, now].map(one => new Date(one).getUTCFullYear()))]
      const hinted = [...likely, ...names.flatMap(name => named(name) ?? [])]
      const agreed = hinted.find(zone => years.some(year => followsRules(zone, rules, year)))
      if (agreed) return agreed
      for (const year of years) {
        const other = allZones().find(name => {
          const zone = named(name)
          return zone && followsRules(zone, rules, year)
        })
        if (other) return named(other)!
      }
      // Somebody's tables are out of date: what matters is that this event is right.
      const ruled = zoneOfRules(rules)
      const near = names.flatMap(name => named(name) ?? []).find(zone => zone.offset(instant) === ruled.offset(instant))
      return near ?? zoneOfRules({ ...rules, name: ownName(rules) })
    },
  }
}

/** Those Windows has a name for come first, and of these the plain ones: they are what most people mean. */
function allZones(): string[] {
  const [plain, others] = [...windowsZones].reduce<[string[], string[]]>((lists, [name, zone]) => {
    lists[name.includes('(') ? 1 : 0].push(zone)
    return lists
  }, [[], []])
  return [...new Set([...plain, ...others, ...Intl.supportedValuesOf('timeZone')])]
}

/** `Custom +0130`, `Custom -0330/-0230` */
function ownName({ bias, daylight }: ZoneClaim['rules']): string {
  const offsets = daylight ? [-bias, -bias - daylight.bias] : [-bias]
  return `Custom ${offsets.map(printOffset).join('/')}`
}

/** RFC 5545, UTC Offset, of minutes. */
export function printOffset(minutes: number): string {
  const size = Math.round(Math.abs(minutes) * 60)
  const [hours, rest, seconds] = [Math.floor(size / 3600), Math.floor(size / 60) % 60, size % 60].map(n => String(n).padStart(2, '0'))
  return `${minutes < 0 ? '-' : '+'}${hours}${rest}${seconds === '00' ? '' : seconds}`
}
