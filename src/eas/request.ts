import { canonicalDeviceId } from '../base/devices.ts'
import { Failure } from '../base/failure.ts'
import type { FrontRequest } from '../base/front.ts'
import { knownClient, type Client } from './quirks.ts'
import { since, versions, type Version } from './versions.ts'

/** What the URL and the headers of an EAS request say: [MS-ASHTTP] Request. */
export type EasRequest = {
  /** As the command table spells it: `FolderSync`. A name that is in no table stays as it came. */
  readonly command: string
  readonly user: string
  /** Empty when missing. */
  readonly deviceId: string
  readonly deviceType: string
  /** See `deviceFault`. */
  readonly deviceFault: '108' | '109' | undefined
  /** What the device is called here: see `canonicalDeviceId`. */
  readonly device: string
  /** What is known of the client that it seems to be. */
  readonly client: Client | undefined
  readonly version: Version
  readonly policyKey: string | undefined
  readonly userAgent: string | undefined
  /** Whether the client takes multipart ItemOperations answers. */
  readonly multipart: boolean
  /** Up to 12.1 in the query: GetAttachment's AttachmentName, SendMail's SaveInSent, SmartReply's CollectionId, ItemId, LongId. */
  readonly attachmentName: string | undefined
  readonly saveInSent: boolean
  readonly collectionId: string | undefined
  readonly itemId: string | undefined
  /** The same for CreateCollection and MoveCollection. */
  readonly collectionName: string | undefined
  readonly parentId: string | undefined
  readonly longId: string | undefined
}

/** [MS-ASHTTP] Command Codes. */
const commandNames: Readonly<Record<number, string>> = {
  0: 'Sync', 1: 'SendMail', 2: 'SmartForward', 3: 'SmartReply', 4: 'GetAttachment', 5: 'GetHierarchy', 6: 'CreateCollection',
  7: 'DeleteCollection', 8: 'MoveCollection', 9: 'FolderSync', 10: 'FolderCreate', 11: 'FolderDelete', 12: 'FolderUpdate',
  13: 'MoveItems', 14: 'GetItemEstimate', 15: 'MeetingResponse', 16: 'Search', 17: 'Settings', 18: 'Ping', 19: 'ItemOperations',
  20: 'Provision', 21: 'ResolveRecipients', 22: 'ValidateCert', 23: 'Find',
}

/** [MS-ASHTTP] Command Parameters: tag numbers of the base64 form, as the plain form names them. */
const parameterNames: Readonly<Record<number, string>> = {
  0: 'attachmentname', 1: 'collectionid', 2: 'collectionname', 3: 'itemid', 4: 'longid', 5: 'parentid', 6: 'occurrence',
  7: 'options', 8: 'user',
}

const spelling = new Map(Object.values(commandNames).map(name => [name.toLowerCase(), name]))

/** Names in lower case; what either form of the query says. */
type Query = ReadonlyMap<string, string>

/**
 * Reads the query, plain or base64, and the headers. A header wins over the query where both speak, as the base64 form always
 * carries a version. Throws `malformed` for a query that is neither form or names no command and for a version this program does
 * not speak, `unsupported` for none.
 */
export function parseRequest(url: URL, headers: FrontRequest['headers']): EasRequest {
  const raw = url.search.slice(1)
  const query = isBase64(raw) ? parseBase64Query(raw) : parsePlainQuery(raw)
  const command = query.get('cmd')
  if (!command) throw new Failure('malformed', 'no command in the query')
  const version = parseVersion(headers.get('ms-asprotocolversion') ?? query.get('version'))
  const compact = since(version, '12.1') // base64 queries and multipart answers came with it
  if (isBase64(raw) && !compact) throw new Failure('malformed', `a base64 query in version ${version}`)
  const deviceId = query.get('deviceid') ?? '', deviceType = query.get('devicetype') ?? '', userAgent = headers.get('user-agent') ?? undefined
  return {
    command: spelling.get(command.toLowerCase()) ?? command,
    user: query.get('user') ?? '',
    deviceId, deviceType, deviceFault: deviceFault({ deviceId, deviceType }), userAgent, version,
    device: canonicalDeviceId(deviceId), client: knownClient(userAgent, deviceType),
    policyKey: headers.get('x-ms-policykey') ?? query.get('policykey'),
    multipart: compact && (headers.get('ms-asacceptmultipart')?.toUpperCase() === 'T' || query.get('acceptmultipart') === 'T'),
    attachmentName: query.get('attachmentname'),
    saveInSent: query.get('saveinsent')?.toUpperCase() === 'T',
    collectionId: query.get('collectionid'),
    itemId: query.get('itemid'),
    collectionName: query.get('collectionname'),
    parentId: query.get('parentid'),
    longId: query.get('longid'),
  }
}

/** `parseRequest`, once for as long as url and headers are the same objects. */
export function requestReader(): typeof parseRequest {
  const kept = new WeakMap<FrontRequest['headers'], { readonly url: URL; readonly request: EasRequest }>()
  return (url, headers) => {
    const before = kept.get(headers)
    if (before?.url === url) return before.request
    const request = parseRequest(url, headers)
    kept.set(headers, { url, request })
    return request
  }
}

/** [MS-ASCMD] Common Status Codes, 108 and 109: the status for a device that does not name itself, else undefined. */
export function deviceFault({ deviceId, deviceType }: Pick<EasRequest, 'deviceId' | 'deviceType'>): EasRequest['deviceFault'] {
  if (!/^[\w.{}:-]{1,64}$/.test(deviceId)) return '108'
  if (!/^[^\p{C},]{1,64}$/u.test(deviceType)) return '109'
  return undefined
}

function parseVersion(text: string | undefined): Version {
  const version = versions.find(v => v === text?.trim())
  if (version) return version
  // [MS-ASCMD] VersionNotSupported: HTTP 505 for devices of version 1.0, which send no header, else 400
  const kind = text === undefined || text === '1.0' ? 'unsupported' : 'malformed'
  throw new Failure(kind, `protocol version ${JSON.stringify(text?.slice(0, 16) ?? 'missing')}`)
}

/** A base64 query has no `=` but for its padding. */
const isBase64 = (raw: string): boolean => /^(?:[A-Za-z0-9+/_-]|%2[BbFf]){4,}(?:=|%3[Dd]){0,2}$/.test(raw)

// [MS-ASHTTP] Plain Text Query Value. Not URLSearchParams: it turns the + of an id into a space.
function parsePlainQuery(raw: string): Query {
  const query = new Map<string, string>()
  for (const pair of raw.split('&', 64)) {
    const at = pair.indexOf('=')
    if (at > 0) query.set(unescape(pair.slice(0, at)).toLowerCase(), unescape(pair.slice(at + 1)))
  }
  return query
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // a stray % is taken as it stands
  }
}

// [MS-ASHTTP] Base64 Encoded Query Value
function parseBase64Query(raw: string): Query {
  const bytes = Buffer.from(unescape(raw), 'base64')
  let at = 0
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new Failure('malformed', 'the base64 query ends too early')
    return bytes.subarray(at, at += length)
  }
  const sized = (): Buffer => take(take(1)[0]!)

  const version = take(1)[0]!
  const code = take(1)[0]!
  take(2) // locale: answers carry no text of ours
  const deviceId = sized()
  const policyKey = sized()
  const deviceType = sized()
  const command = commandNames[code]
  if (!command) throw new Failure('malformed', `command code ${code}`)
  if (policyKey.length !== 0 && policyKey.length !== 4) throw new Failure('malformed', 'length of the policy key')
  const query = new Map<string, string>([
    ['cmd', command],
    ['version', (version / 10).toFixed(1)],
    ['deviceid', printable(deviceId)],
    ['devicetype', printable(deviceType)],
    ...(policyKey.length ? [['policykey', String(policyKey.readUInt32LE())] as const] : []),
  ])
  while (at < bytes.length) parameter(query, take(1)[0]!, sized())
  return query
}

function parameter(query: Map<string, string>, tag: number, value: Buffer): void {
  const name = parameterNames[tag]
  if (name === 'options') {
    query.set('saveinsent', value[0]! & 0x01 ? 'T' : 'F')
    query.set('acceptmultipart', value[0]! & 0x02 ? 'T' : 'F')
  } else if (name) query.set(name, value.toString('utf8'))
}

/** A device id may be octets of a GUID: these are shown as hexadecimal. */
const printable = (bytes: Buffer): string => {
  const text = bytes.toString('latin1')
  return /^[\x21-\x7e ]*$/.test(text) ? text : bytes.toString('hex')
}
