import { Failure } from '../../base/failure.ts'
import { match } from '../../formats/series.ts'
import type { Event, EventPatch, ExceptionPatch, Occasion, OccasionPatch } from '../../model/event.ts'
import { text, type Element } from '../../wire/wbxml.ts'
import type { CalendarContext } from './calendar-say.ts'
import { hearInstant } from './calendar-series.ts'
import { dayOf, originalOf, shownFrom, shownNow } from './calendar-shown.ts'

/** What a client was told of a series EAS has no words for: up to 14.1 it says itself from which day on. */
export function shownTo(data: Element, event: Event, context: CalendarContext): Event | undefined {
  const start = text(data, 'Calendar:StartTime')?.trim()
  return start ? shownFrom(event, dayOf(event, hearInstant(start, event, context))) : shownNow(event, context.now.getTime())
}

/** What is said of the series that is shown, of the one that is stored. Throws `denied` where that cannot be said of it. */
export function patchOfShown({ when, rule, dropExceptions, exceptions, ...patch }: EventPatch, event: Event): EventPatch {
  if (when || rule !== undefined || dropExceptions) throw new Failure('denied', 'a series that EAS has no words for')
  const own = exceptions?.map((one): ExceptionPatch => ({ ...one, original: originalOf(event, one.original) })) ?? []
  if (event.partial) return { exceptions: ofEach(event, patch, own) }
  return { ...patch, exceptions: own.length > 0 ? own : undefined }
}

/** Exceptions without their series have nothing in common but what each of them says: what was the same is changed in each. */
function ofEach(event: Event, patch: OccasionPatch, own: readonly ExceptionPatch[]): readonly ExceptionPatch[] {
  const all = event.exceptions.map((one): ExceptionPatch => {
    const original = match(one.original, event.start)
    const said = own.findLast(other => other.original === original)?.change
    const like = Object.entries(patch).filter(([key]) => isSame(one[key as keyof Occasion], event[key as keyof Occasion]))
    return { original, change: said === 'remove' ? said : { ...Object.fromEntries(like), ...defined(said ?? {}) } }
  })
  if (all.every(({ change }) => change === 'remove')) throw new Failure('denied', 'an event without any occurrence')
  return all.filter(({ change }) => change === 'remove' || Object.keys(defined(change)).length > 0)
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

const defined = (patch: OccasionPatch): OccasionPatch =>
  Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
