import type { Place } from '../model/event.ts'
import { cleanText } from './charset.ts'
import { property, textValue, type Component } from './icalendar.ts'

/** [MS-OXCICAL] X-MICROSOFT-LOCATIONS: what it calls the parts of a place; those without "Location" are our own. */
const jsonNames = {
  annotation: 'LocationAnnotation', street: 'LocationStreet', city: 'LocationCity', state: 'LocationState', country: 'LocationCountry',
  postalCode: 'LocationPostalCode', uri: 'LocationUri', accuracy: 'Accuracy', altitude: 'Altitude', altitudeAccuracy: 'AltitudeAccuracy',
} as const

const measures: ReadonlySet<string> = new Set(['accuracy', 'altitude', 'altitudeAccuracy'])
const number = /^-?\d{1,9}(\.\d{1,17})?$/

const longest = 32_768
const clean = (text: string): string => cleanText(text).replace(/\s+/g, ' ').trim().slice(0, longest)

/**
 * RFC 5545, Location and Geographic Position, with what Outlook and Apple add. Undefined where nothing is said.
 */
export function placeOf(event: Component): Place | undefined {
  const name = clean(textValue(event, 'LOCATION') ?? '')
  const place = { name, ...partsOf(event, name), ...positionOf(event) }
  return name !== '' || Object.keys(place).length > 1 ? place : undefined
}

/** Those of a place that is called so: somebody may have moved the event since. */
function partsOf(event: Component, name: string): Partial<Place> {
  const text = textValue(event, 'X-MICROSOFT-LOCATIONS')
  if (!text || text.length > longest) return {}
  try {
    const [first] = JSON.parse(text) as { readonly [key: string]: unknown }[]
    if (clean(String(first?.['DisplayName'] ?? '')) !== name) return {}
    return Object.fromEntries(Object.entries(jsonNames).flatMap(([part, key]) => {
      const value = first?.[key]
      return typeof value === 'string' && value !== '' && (!measures.has(part) || number.test(value)) ? [[part, clean(value)]] : []
    }))
  } catch {
    return {}
  }
}

function positionOf(event: Component): Partial<Place> {
  const apple = property(event, 'X-APPLE-STRUCTURED-LOCATION')?.value
  const match = /^\s*(-?\d{1,3}(?:\.\d{1,17})?)\s*;\s*(-?\d{1,3}(?:\.\d{1,17})?)\s*$/.exec(property(event, 'GEO')?.value ?? '')
    ?? /^\s*geo:(-?\d{1,3}(?:\.\d{1,17})?),(-?\d{1,3}(?:\.\d{1,17})?)/i.exec(apple ?? '')
  return match ? { latitude: match[1]!, longitude: match[2]! } : {}
}

/** The value of X-MICROSOFT-LOCATIONS; undefined where LOCATION says all. */
export function locationsValue(place: Place): string | undefined {
  const parts = Object.entries(jsonNames).flatMap(([part, key]) => {
    const value = place[part as keyof typeof jsonNames]
    return value ? [[key, value]] : []
  })
  return parts.length > 0 ? JSON.stringify([{ DisplayName: place.name, ...Object.fromEntries(parts) }]) : undefined
}
