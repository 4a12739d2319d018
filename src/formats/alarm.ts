import type { Time } from '../model/zone.ts'
import type { View } from './calendar-object.ts'
import { parseDateTime, parseDuration, property } from './icalendar.ts'

const minute = 60_000

/** An alarm that is shown, and how long before the start, in minutes. */
export type Alarm = { readonly component: View; readonly before: number }

/**
 * RFC 5545, Alarm Component; RFC 9074. Those that are shown or heard before the start or at it, the nearest first; neither what
 * sends mail nor what somebody put off. `series`: a fixed day is none of all occurrences.
 */
export function alarmsOf(event: View, start: Time, end: Time, series: boolean): Alarm[] {
  const alarms = event.components.filter(({ name }) => name === 'VALARM').flatMap(component => {
    const action = property(component, 'ACTION')?.value.trim().toUpperCase() ?? 'DISPLAY'
    if ((action !== 'DISPLAY' && action !== 'AUDIO') || property(component, 'RELATED-TO')) return []
    const before = leadOf(component, start, end, series)
    return before === undefined || before < 0 ? [] : [{ component, before: Math.round(before / minute) }]
  })
  return alarms.sort((one, other) => one.before - other.before)
}

/** Milliseconds before the start. */
export function leadOf(alarm: View, start: Time, end: Time, series: boolean): number | undefined {
  const trigger = property(alarm, 'TRIGGER')
  if (!trigger) return undefined
  const duration = parseDuration(trigger.value)
  if (duration !== undefined) return (trigger.parameters['RELATED']?.toUpperCase() === 'END' ? start.at - end.at : 0) - duration
  const fixed = parseDateTime(trigger.value)
  return fixed && !series ? start.at - fixed.local : undefined
}
