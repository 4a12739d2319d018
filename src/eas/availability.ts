import type { Call } from './command.ts'

/** A span of time, in which free and busy are told by half an hour. */
export type Span = { readonly start: Date; readonly end: Date }

/**
 * [MS-ASCMD] MergedFreeBusy: a digit for each half of an hour. Undefined where nobody knows, as now for everybody: there are no calendars
 * to look into yet.
 */
export async function freeBusy(_call: Call, _address: string, _span: Span): Promise<string | undefined> {
  return undefined
}
