import type { Element } from '../wire/wbxml.ts'
import { printXml } from '../wire/xml.ts'

/** Pages whose text is the protocol's own: keys, ids, numbers, states. */
const plain: ReadonlySet<string> = new Set(['AirSync', 'FolderHierarchy', 'Move', 'GetItemEstimate', 'Ping', 'Provision'])
/** Of other pages. */
const known: ReadonlySet<string> = new Set([
  'Status', 'Class', 'CollectionId', 'ServerId', 'FolderId', 'ItemId', 'ClientId', 'RequestId', 'Type', 'TruncationSize', 'AllOrNone', 'EstimatedDataSize',
  'Truncated', 'NativeBodyType', 'Method', 'IsInline', 'FileReference', 'Read', 'Importance', 'MessageClass', 'DateReceived', 'StartTime', 'EndTime',
  'DtStamp', 'AllDayEvent', 'BusyStatus', 'Sensitivity', 'Reminder', 'MeetingStatus', 'UserResponse', 'Range', 'Total', 'Store', 'MIMESupport',
  'InternetCPID', 'ContentClass', 'LastVerbExecuted', 'IsDraft', 'Complete', 'OofState', 'Model', 'OS', 'UserAgent', 'SaveInSentItems',
])
/** Of the plain ones, those with words of the user. */
const words: ReadonlySet<string> = new Set(['FolderHierarchy:DisplayName'])
const addresses: ReadonlySet<string> = new Set(['To', 'From', 'Cc', 'Bcc', 'ReplyTo', 'Sender', 'Email', 'SMTPAddress', 'PrimarySmtpAddress', 'OrganizerEmail', 'EmailAddress'])

/** A document for people who look for a fault: what the protocol says, nothing that the user wrote or received; of addresses the host. */
export const redacted = (root: Element): string => printXml(redact(root))

function redact(element: Element): Element {
  const { tag, children, text, opaque } = element
  if (children.length) return { ...element, children: children.map(redact), text: '' }
  const [page = '', name = ''] = tag.split(':')
  if ((plain.has(page) && !words.has(tag) || known.has(name)) && !opaque && text.length <= 256) return element
  if (text === '' && !opaque) return element
  const { opaque: _, ...rest } = element
  return { ...rest, text: addresses.has(name) ? masked(text) : `(${opaque ? `${opaque.length} octets` : `${text.length} characters`})` }
}

/** Of each address its first character and its host. */
const masked = (text: string): string =>
  [...text.slice(0, 10_000).matchAll(/([^\s<>@",;:])[^\s<>@",;:]*@([\w.-]{1,255})/g)].slice(0, 50).map(([, first, host]) => `${first}***@${host}`).join(', ') || `(${text.length} characters)`
