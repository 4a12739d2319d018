/** [MS-ASHTTP] MS-ASProtocolVersion. Oldest first; 2.5 and 12.0 will be put in front. */
export const versions = ['12.1', '14.0', '14.1', '16.0', '16.1'] as const
export type Version = (typeof versions)[number]

/** Whether `version` is `least` or newer. */
export const since = (version: Version, least: Version): boolean => versions.indexOf(version) >= versions.indexOf(least)
