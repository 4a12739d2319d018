/** A TNEF stream, to be written by tests: [MS-OXTNEF]. */
export type TnefWish = {
  readonly messageClass?: string
  readonly properties?: readonly TnefProperty[]
  readonly body?: string
  readonly files?: readonly { readonly title: string; readonly data?: Uint8Array; readonly properties?: readonly TnefProperty[] }[]
}

/** The id, or set and number of a named property; texts are written in Unicode, octets as binary, numbers as 32 bits, dates as FILETIME. */
export type TnefProperty = { readonly id: number | readonly [set: string, number: number]; readonly value: string | number | Uint8Array | Date; readonly type?: number }

const long = (value: number): Buffer => {
  const octets = Buffer.alloc(4)
  octets.writeUInt32LE(value >>> 0)
  return octets
}
const padded = (octets: Uint8Array): Buffer => Buffer.concat([octets, Buffer.alloc(-octets.length & 3)])

function attribute(level: 1 | 2, id: number, data: Uint8Array): Buffer {
  const sum = data.reduce((total, octet) => total + octet & 0xffff, 0)
  return Buffer.concat([Buffer.of(level), long(id), long(data.length), data, Buffer.of(sum & 255, sum >> 8)])
}

function guid(text: string): Buffer {
  const hex = Buffer.from(text.replaceAll('-', ''), 'hex')
  return Buffer.concat([hex.subarray(0, 4).reverse(), hex.subarray(4, 6).reverse(), hex.subarray(6, 8).reverse(), hex.subarray(8)])
}

function property({ id, value, type }: TnefProperty): Buffer {
  const head = (kind: number): Buffer => {
    const number = typeof id === 'number' ? id : 0x8000
    const octets = Buffer.alloc(4)
    octets.writeUInt16LE(type ?? kind)
    octets.writeUInt16LE(number, 2)
    return typeof id === 'number' ? octets : Buffer.concat([octets, guid(id[0]), long(0), long(id[1])])
  }
  if (typeof value === 'number') return Buffer.concat([head(0x03), long(value)])
  if (value instanceof Date) {
    const time = Buffer.alloc(8)
    time.writeBigUInt64LE((BigInt(value.getTime()) + 11_644_473_600_000n) * 10_000n)
    return Buffer.concat([head(0x40), time])
  }
  const octets = typeof value === 'string' ? Buffer.from(`${value}\0`, 'utf16le') : value
  return Buffer.concat([head(typeof value === 'string' ? 0x1f : 0x102), long(1), long(octets.length), padded(octets)])
}

const list = (properties: readonly TnefProperty[]): Buffer => Buffer.concat([long(properties.length), ...properties.map(property)])
const text = (value: string): Buffer => Buffer.from(`${value}\0`, 'latin1')

export function writeTnef({ messageClass, properties, body, files = [] }: TnefWish): Buffer {
  return Buffer.concat([
    Buffer.of(0x78, 0x9f, 0x3e, 0x22, 1, 0),
    attribute(1, 0x00069007, Buffer.concat([long(1252), long(0)])),
    ...(messageClass === undefined ? [] : [attribute(1, 0x00078008, text(messageClass))]),
    ...(body === undefined ? [] : [attribute(1, 0x0002800c, text(body))]),
    ...(properties ? [attribute(1, 0x00069003, list(properties))] : []),
    ...files.flatMap(file => [
      attribute(2, 0x00069002, Buffer.alloc(14)), attribute(2, 0x00018010, text(file.title)),
      ...(file.data ? [attribute(2, 0x0006800f, file.data)] : []),
      ...(file.properties ? [attribute(2, 0x00069005, list(file.properties))] : []),
    ]),
  ])
}

/** A message that is nothing but a winmail.dat, as some gateways leave it; with a text of its own where there is one. */
export function winmail(tnef: Uint8Array, plain?: string): string {
  const file = 'Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n' +
    `Content-Disposition: attachment; filename=winmail.dat\r\n\r\n${Buffer.from(tnef).toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n`
  const head = 'From: bob@postern.test\r\nTo: anna@postern.test\r\nSubject: winmail\r\nMIME-Version: 1.0\r\n'
  if (plain === undefined) return head + file
  return `${head}Content-Type: multipart/mixed; boundary=w\r\n\r\n--w\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${plain}\r\n--w\r\n${file}--w--\r\n`
}

export const appointmentSet = '00062002-0000-0000-c000-000000000046'
export const meetingSet = '6ed8da90-450b-101b-98da-00aa003f1305'

/** [MS-OXOCAL] PidLidTimeZoneStruct of central Europe. */
export const berlinStruct = ((): Buffer => {
  const blob = Buffer.alloc(48)
  blob.writeInt32LE(-60, 0)
  blob.writeInt32LE(-60, 8)
  for (const [at, month, hour] of [[14, 10, 3], [32, 3, 2]] as const) {
    blob.writeUInt16LE(month, at + 2)
    blob.writeUInt16LE(5, at + 6)
    blob.writeUInt16LE(hour, at + 8)
  }
  return blob
})()

export type Pattern = {
  readonly frequency: number; readonly type: number; readonly period: number; readonly specific?: readonly number[]
  readonly end?: 'count' | 'date'; readonly count?: number; readonly calendar?: number
  /** Days as `2026-12-07`, times with it as `2026-12-07T10:00`. */
  readonly first: string; readonly last?: string; readonly deleted?: readonly string[]
  readonly moved?: readonly { readonly start: string; readonly end: string; readonly original: string; readonly subject?: string }[]
  /** Minutes of the day. */
  readonly time: number
}

const minutes = (text: string): number => (Date.parse(text.length > 10 ? `${text}:00Z` : `${text}T00:00:00Z`) - Date.UTC(1601, 0, 1)) / 60_000
const short = (value: number): Buffer => Buffer.of(value & 255, value >> 8)

/** [MS-OXOCAL] AppointmentRecurrencePattern. */
export function writePattern({ frequency, type, period, specific = [], end, count = 0, calendar = 0, first, last, deleted = [], moved = [], time }: Pattern): Buffer {
  const days = (list: readonly string[]): Buffer => Buffer.concat([long(list.length), ...list.map(one => long(minutes(one)))])
  return Buffer.concat([
    short(0x3004), short(0x3004), short(frequency), short(type), short(calendar), long(0), long(period), long(0), ...specific.map(long),
    long(end === 'date' ? 0x2021 : end === 'count' ? 0x2022 : 0x2023), long(count), long(1),
    days([...deleted, ...moved.map(({ original }) => original.slice(0, 10))].sort()), days(moved.map(({ start }) => start.slice(0, 10))),
    long(minutes(first)), long(last ? minutes(last) : 0x5ae980df), long(0x3006), long(0x3009), long(time), long(time + 60), short(moved.length),
    ...moved.flatMap(({ start, end, original, subject }) => [
      ...[start, end, original].map(one => long(minutes(one))), short(subject === undefined ? 0x04 : 0x05),
      ...(subject === undefined ? [] : [short(subject.length + 1), short(subject.length), Buffer.from(subject, 'latin1')]), long(15),
    ]),
    long(0), long(0),
  ])
}
