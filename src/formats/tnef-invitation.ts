import { string, type Tnef } from './tnef.ts'
import type { Invitation, Method } from './invitation.ts'
import { utcZone } from './timezone.ts'
import { zoneRules } from './zone-rules.ts'

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
 * The pattern of a series is in a form of its own and left out. Undefined where it is no meeting or has no times.
 */
export function tnefInvitation({ messageClass, properties }: Tnef): Invitation | undefined {
  const method = methods.find(([pattern]) => pattern.test(messageClass))?.[1]
  const octets = (name: string): Buffer | undefined => {
    const value = properties.get(name)?.value
    return Buffer.isBuffer(value) ? value : undefined
  }
  const number = (name: string | number): number | undefined => {
    const value = properties.get(name)?.value
    return typeof value === 'number' ? value : undefined
  }
  const start = fileTime(octets('62002-820d') ?? octets('62008-8516'))
  const end = fileTime(octets('62002-820e') ?? octets('62008-8517'))
  const id = octets('6ed8da90-3') ?? octets('6ed8da90-23')
  if (!method || !start || !end || !id) return undefined
  const answer = /\.Resp\.(\w+)/i.exec(messageClass)?.[1]?.toLowerCase() ?? ''
  return {
    method, uid: uidOf(id), sequence: number('62002-8201') ?? 0, stamp: fileTime(octets('6ed8da90-1a')) ?? start, start, end,
    allDay: number('62002-8215') === 1,
    // Times are in UTC; the zone beside them is Windows' own structure, of use to a series only.
    zone: zoneRules(utcZone, start.getTime()),
    instance: undefined, recurrence: undefined, summary: '', description: '',
    location: (string(properties.get('62002-8208')) ?? '').slice(0, 32_768), organizer: undefined,
    attendees: method === 'REPLY' ? [{ address: '', status: answers[answer] ?? '', responseRequested: false }] : [],
    reminder: number('62008-8501') === undefined ? undefined : Math.max(0, number('62008-8501')!) * 60,
    sensitivity: sensitivities[number(0x0036) ?? 0] ?? '',
    busy: busy[number('62002-8224') ?? number('62002-8205') ?? 2] ?? 'BUSY',
    counterDisallowed: number('62002-825a') === 1, proposed: undefined,
  }
}

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
  return wrapped ? id.subarray(52).toString('utf8').replace(/\0[^]*$/, '') : id.subarray(0, 500).toString('hex').toUpperCase()
}
