import { readFileSync } from 'node:fs'

export type Sample = { readonly title: string; readonly octets: Uint8Array }

const zones: Readonly<Record<string, string>> = {
  'Europe/Berlin': 'BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nX-LIC-LOCATION:Europe/Berlin\nBEGIN:DAYLIGHT\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nTZNAME:CEST\n' +
    'DTSTART:19700329T020000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\nBEGIN:STANDARD\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n' +
    'TZNAME:CET\nDTSTART:19701025T030000\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nEND:VTIMEZONE\n',
}

/** An object of the lines of one event; lines end as `end` says. */
export function calendarOf(lines: string, end = '\r\n', uid = 'sample@postern.test'): Uint8Array {
  const text = lines.replaceAll('{uid}', uid)
  const zone = Object.keys(zones).filter(name => text.includes(`TZID=${name}:`)).map(name => zones[name]).join('')
  const whole = text.startsWith('BEGIN:') && /^BEGIN:V(?:CALENDAR|EVENT)/.test(text) ? `${text}\n`
    : `BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Test//EN\n${zone}BEGIN:VEVENT\nUID:${uid}\nDTSTAMP:20260101T000000Z\n${text}\nEND:VEVENT\nEND:VCALENDAR\n`
  return Buffer.from(whole.replaceAll('\n', end))
}

const path = new URL('events.txt', import.meta.url)

/** Events written for these tests: every property of RFC 5545, 7986, 9073, 9074 is in one, and what the big programs add. */
export const samples: readonly Sample[] = readFileSync(path, 'utf8').split(/^--- /m).slice(1).map((block, index) => {
  const at = block.indexOf('\n')
  return { title: block.slice(0, at), octets: calendarOf(block.slice(at + 1).trimEnd(), index % 5 === 4 ? '\n' : '\r\n', `${index}@postern.test`) }
})
