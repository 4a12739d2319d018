import { string, type Tnef } from './tnef.ts'
import type { Zone } from '../model/zone.ts'
import type { Invitation, Method } from './invitation.ts'
import { instantOf, localOf, utcZone } from './timezone.ts'
import { readTnefSeries, type TnefSeries } from './tnef-recurrence.ts'
import { readZoneStruct, type ZoneClaim } from './zone-blob.ts'
import { zoneOfRules, zoneRules } from './zone-rules.ts'

const methods: readonly (readonly [RegExp, Method])[] = [
  [/^IPM\.Schedule\.Meeting\.Request/i, 'REQUEST'], [/^IPM\.Schedule\.Meeting\.Canceled/i, 'CANCEL'],
  [/^IPM\.Schedule\.Meeting\.Resp/i, 'REPLY'],
]
const answers: Readonly<Record<string, string>> = { pos: 'ACCEPTED', neg: 'DECLINED', tent: 'TENTATIVE' }
// [MS-OXOCAL] PidLidBusyStatus; PidTagSensitivity
const busy = ['FREE', 'TENTATIVE', 'BUSY', 'OOF', 'WORKINGELSEWHERE']
const sensitivities = ['PUBLIC', 'PERSONAL', 'PRIVATE', 'CONFIDENTIAL']

/**
 * [MS-OXOCAL] Meeting Request Object, as a TNEF stream carries it: named properties of the sets for appointments and meetings.
 * Undefined where it is no meeting or has no times.
 */
export function tnefInvitation(tnef: Tnef): Invitation | undefined {
  const { messageClass, properties } = tnef
  const method = methods.find(([pattern]) => pattern.test(messageClass))?.[1]
  const octets = (name: string): Buffer | undefined => octetsOf(tnef, name)
  const number = (name: string | number): number | undefined => {
    const value = properties.get(name)?.value
    return typeof value === 'number' ? value : undefined
  }
  const start = fileTime(octets('62002-820d') ?? octets('62008-8516'))
  const end = fileTime(octets('62002-820e') ?? octets('62008-8517'))
  const id = octets('6ed8da90-23') ?? octets('6ed8da90-3')
  if (!method || !start || !end || !id) return undefined
  const answer = /\.Resp\.(\w+)/i.exec(messageClass)?.[1]?.toLowerCase() ?? ''
  const claim = zoneOfTnef(tnef), zone = claim ? zoneOfRules(claim.rules) : utcZone
  return {
    method, uid: uidOf(id), sequence: number('62002-8201') ?? 0, stamp: fileTime(octets('6ed8da90-1a')) ?? start, start, end,
    allDay: number('62002-8215') === 1,
    zone: claim?.rules ?? zoneRules(utcZone, start.getTime()),
    instance: fileTime(octets('62002-8228')) ?? instanceIn(octets('6ed8da90-3'), start, zone),
    recurrence: recurrenceOf(tnef, start, zone), summary: '', description: '',
    location: (string(properties.get('62002-8208')) ?? '').slice(0, 32_768), organizer: undefined,
    attendees: method === 'REPLY' ? [{ address: '', status: answers[answer] ?? '', responseRequested: false }] : [],
    reminder: number('62008-8501') === undefined ? undefined : Math.max(0, number('62008-8501')!) * 60,
    sensitivity: sensitivities[number(0x0036) ?? 0] ?? '',
    busy: busy[number('62002-8224') ?? number('62002-8205') ?? 2] ?? 'BUSY',
    counterDisallowed: number('62002-825a') === 1, proposed: undefined,
  }
}

const octetsOf = ({ properties }: Tnef, name: string): Buffer | undefined => {
  const value = properties.get(name)?.value
  return Buffer.isBuffer(value) ? value : undefined
}

/** [MS-OXOCAL] PidLidTimeZoneStruct, PidLidTimeZoneDescription. */
export function zoneOfTnef(tnef: Tnef): ZoneClaim | undefined {
  const zone = octetsOf(tnef, '62002-8233')
  return zone && readZoneStruct(zone, (string(tnef.properties.get('62002-8234')) ?? '').slice(0, 200))
}

/** [MS-OXOCAL] PidLidAppointmentRecur: undefined where there is none. */
export function seriesOfTnef(tnef: Tnef): TnefSeries | 'unknown' | undefined {
  const pattern = octetsOf(tnef, '62002-8216')
  return pattern && pattern.length > 0 ? readTnefSeries(pattern) ?? 'unknown' : undefined
}

function recurrenceOf(tnef: Tnef, start: Date, zone: Zone): Invitation['recurrence'] {
  const series = seriesOfTnef(tnef)
  if (!series || series === 'unknown') return undefined
  const until = series.last === undefined ? undefined : new Date(instantOf(series.last, zone))
  return { rule: series.rule, start: localOf(start.getTime(), zone), until }
}

/** [MS-OXOCAL] PidLidGlobalObjectId: the day of the one occurrence that is meant, which begins when this one does if nobody says otherwise. */
function instanceIn(id: Buffer | undefined, start: Date, zone: Zone): Date | undefined {
  if (!id || id.length < 20) return undefined
  const year = id.readUInt16BE(16), month = id[18]!, date = id[19]!
  if (year < 1601 || month < 1 || month > 12 || date < 1 || date > 31) return undefined
  const local = localOf(start.getTime(), zone)
  return new Date(instantOf(Date.UTC(year, month - 1, date) + local - Math.floor(local / day) * day, zone))
}

const day = 86_400_000

/** [MS-DTYP] FILETIME */
function fileTime(value: Buffer | undefined): Date | undefined {
  if (value?.length !== 8) return undefined
  const date = new Date(Number(value.readBigUInt64LE(0) / 10_000n) - 11_644_473_600_000)
  const year = date.getUTCFullYear()
  return year >= 1601 && year <= 9999 ? date : undefined
}

/** [MS-OXCICAL] UID: what iCalendar's wrapper holds, else the octets in hexadecimal. */
function uidOf(id: Buffer): string {
  const wrapped = id.subarray(40, 48).toString('latin1') === 'vCal-Uid'
  if (wrapped) return id.subarray(52).toString('utf8').replace(/\0[^]*$/, '')
  // All occurrences of a series are of one event.
  const clean = Buffer.from(id.subarray(0, 500)).fill(0, 16, Math.min(20, id.length))
  return clean.toString('hex').toUpperCase()
}
