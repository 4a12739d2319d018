import type { Change, ZoneRules } from './zone-rules.ts'

const minute = 60_000, hour = 3_600_000

/** [MS-ASDTYPE] TimeZone: octets; where its fields begin. */
const size = 172
const at = { bias: 0, standardName: 4, ends: 68, standardBias: 84, daylightName: 88, begins: 152, daylightBias: 168 }

/** [MS-ASDTYPE] TimeZone: numbers in little-endian order, a SYSTEMTIME without a year for each change. */
export function zoneBlob({ name, bias, daylight }: ZoneRules): Uint8Array {
  const blob = Buffer.alloc(size)
  const named = (at: number): void => void blob.write(name.slice(0, 31), at, 'utf16le')
  const change = (at: number, { month, week, weekday, milliseconds }: Change): void => {
    const fields = [
      0, month, weekday, week, Math.floor(milliseconds / hour), Math.floor(milliseconds / minute) % 60,
      Math.floor(milliseconds / 1000) % 60, milliseconds % 1000,
    ]
    for (const [index, value] of fields.entries()) blob.writeUInt16LE(value, at + 2 * index)
  }
  blob.writeInt32LE(bias, at.bias)
  named(at.standardName)
  named(at.daylightName)
  if (daylight) {
    change(at.ends, daylight.ends)
    change(at.begins, daylight.begins)
    blob.writeInt32LE(daylight.bias, at.daylightBias)
  }
  return blob
}

/** What a client says about its zone: the rules, and what it calls them. */
export type ZoneClaim = { readonly rules: ZoneRules; readonly names: readonly string[] }

/** A base64 text of a blob. Undefined for what says nothing: all zeros (of clients that know no zone), or no blob at all. */
export function readZoneBlob(text: string): ZoneClaim | undefined {
  const blob = Buffer.from(text.slice(0, 1000), 'base64')
  if (blob.length < size || blob.subarray(0, size).every(octet => octet === 0)) return undefined
  const name = (from: number): string => blob.toString('utf16le', from, from + 64).replace(/\0.*/s, '').trim()
  const standard = blob.readInt32LE(at.standardBias)
  const bias = blob.readInt32LE(at.bias) + standard, extra = blob.readInt32LE(at.daylightBias) - standard
  if (Math.abs(bias) > 16 * 60 || Math.abs(extra) > 6 * 60) return undefined
  const begins = readChange(blob, at.begins), ends = readChange(blob, at.ends)
  const names = [name(at.standardName), name(at.daylightName)].filter(one => one !== '')
  return {
    names,
    rules: { name: names[0] ?? '', bias, daylight: begins && ends && extra !== 0 ? { bias: extra, begins, ends } : undefined },
  }
}

/** [MS-OXOCAL] PidLidTimeZoneStruct: the same numbers in another order, without names. */
export function readZoneStruct(blob: Buffer, name: string): ZoneClaim | undefined {
  if (blob.length < 48) return undefined
  const standard = blob.readInt32LE(4), bias = blob.readInt32LE(0) + standard, extra = blob.readInt32LE(8) - standard
  if (Math.abs(bias) > 16 * 60 || Math.abs(extra) > 6 * 60) return undefined
  const ends = readChange(blob, 14), begins = readChange(blob, 32)
  return { names: name ? [name] : [], rules: { name, bias, daylight: begins && ends && extra !== 0 ? { bias: extra, begins, ends } : undefined } }
}

/** [MS-DTYP] SYSTEMTIME of a change. With a year it is one day, which then is taken for the rule. */
function readChange(blob: Buffer, from: number): Change | undefined {
  const field = (index: number): number => blob.readUInt16LE(from + 2 * index)
  const [year, month, weekday, day] = [field(0), field(1), field(2), field(3)]
  const [hours, minutes, seconds, rest] = [field(4), field(5), field(6), field(7)]
  const milliseconds = hours * hour + minutes * minute + seconds * 1000 + rest
  if (month < 1 || month > 12 || weekday > 6 || day < 1 || day > 31 || milliseconds >= 24 * hour) return undefined
  if (year === 0) return day > 5 ? undefined : { month, week: day, weekday, milliseconds }
  return { month, week: Math.ceil(day / 7), weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay(), milliseconds }
}
