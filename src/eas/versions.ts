/** [MS-ASHTTP] MS-ASProtocolVersion. Oldest first. 2.5 is Windows Mobile 5 and what was made to its likeness. */
export const versions = ['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const
export type Version = (typeof versions)[number]

/** Whether `version` is `least` or newer. */
export const since = (version: Version, least: Version): boolean => versions.indexOf(version) >= versions.indexOf(least)

/** The older of two. */
export const lower = (one: Version, other: Version): Version => since(one, other) ? other : one
