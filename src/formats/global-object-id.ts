// [MS-ASEMAIL] GlobalObjId: CLASSID
const classId = '040000008200e00074c5b7101a82e008'
const marker = Buffer.from('vCal-Uid\x01\0\0\0', 'latin1')

/**
 * [MS-ASEMAIL] GlobalObjId of an iCalendar UID: the octets that Outlook's own UIDs spell in hexadecimal, the day of an instance
 * zeroed; any other UID wrapped, so that clients find it again.
 */
export function globalObjectId(uid: string): Uint8Array {
  const hex = uid.trim().toLowerCase()
  if (hex.startsWith(classId) && /^(?:[0-9a-f]{2}){40,}$/.test(hex)) return Buffer.from(hex, 'hex').fill(0, 16, 20)
  const data = Buffer.concat([marker, Buffer.from(uid, 'utf8'), Buffer.alloc(1)])
  const head = Buffer.alloc(40)
  head.write(classId, 'hex')
  head.writeUInt32LE(data.length, 36)
  return Buffer.concat([head, data])
}
