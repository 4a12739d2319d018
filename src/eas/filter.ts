import type { Content } from '../model/folder.ts'

/** [MS-ASCMD] FilterType (Sync): days a client looks back, by its number; 0 and what is no time shows all. */
const days: Readonly<Record<number, number>> = { 1: 1, 2: 3, 3: 7, 4: 14, 5: 31, 6: 93, 7: 186 }

const dayLength = 24 * 60 * 60 * 1000

/** The day (since 1970-01-01, UTC) a view with this filter begins; 0 shows all. */
export function filterDay(filter: number, now: Date): number {
  const back = days[filter]
  return back === undefined ? 0 : Math.floor(now.getTime() / dayLength) - back
}

/** [MS-ASCMD] FilterType (GetItemEstimate, Sync): which numbers a class has. Contacts have none, and take any; so do notes, of which nothing is said. */
const filters: Partial<Record<Content, readonly number[]>> = { mail: [0, 1, 2, 3, 4, 5], calendar: [0, 4, 5, 6, 7], tasks: [0, 8] }

export const isFilterOf = (content: Content, filter: number): boolean => filters[content]?.includes(filter) ?? filter <= 8
