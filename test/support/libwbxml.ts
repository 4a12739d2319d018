// The two programs of libwbxml 0.11.8 (Debian's libwbxml2-utils) as witnesses: they share nothing with Postern but the documents.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { octets, type Element, type Tag } from '../../src/wire/wbxml.ts'
import { codes } from '../../src/wire/wbxml-pages.ts'
import { parseElements, type XmlElement } from './xml.ts'

/** Tags of protocol 16.1, which libwbxml 0.11.8 lacks; the list of code pages is their only witness. */
const isNewer = (tag: Element['tag']): boolean => tag.startsWith('Find:') ||
  ['MeetingResponse:ProposedStartTime', 'MeetingResponse:ProposedEndTime', 'Provision:AccountOnlyRemoteWipe'].includes(tag)

export const isKnown = (tag: Element['tag']): boolean => codes.has(tag) && !isNewer(tag)

/** What libwbxml carries as base64 in XML and as opaque data in WBXML, whatever its form. */
const binary: readonly Tag[] = ['ResolveRecipients:Data', 'Search:ConversationId', 'Gal:Data', 'AirSyncBase:Content',
  'ItemOperations:ConversationId', 'ComposeMail:Mime', 'Email2:ConversationId', 'Email2:ConversationIndex']

export const isBinary = (tag: Element['tag']): boolean => (binary as readonly string[]).includes(tag)

const recurrence = 'Type Until Occurrences Interval DayOfWeek DayOfMonth WeekOfMonth MonthOfYear'.split(' ')
const address = ['City', 'Country', 'PostalCode', 'State', 'Street']

/** Names libwbxml took from other sources than MS-ASWBXML. */
const otherNames = new Map<string, string>([
  ...['Email', 'Calendar', 'Tasks'].flatMap(page =>
    recurrence.map(name => [`${page}:${name}`, `${page}:Recurrence_${name}`] as const)),
  ...['Business', 'Home', 'Other'].flatMap(kind =>
    address.map(name => [`Contacts:${kind}Address${name}`, `Contacts:${kind}${name}`] as const)),
  ['Contacts:AssistantPhoneNumber', 'Contacts:AssistantTelephoneNumber'],
  ['Email:Att0Id', 'Email:AttOId'],
  ['Email:ReplyTo', 'Email:Reply-To'],
  ['Email:DtStamp', 'Email:DTStamp'],
  ['Email:Status', 'Email:FlagStatus'],
  ['Calendar:Timezone', 'Calendar:TimeZone'],
  ['Calendar:Email', 'Calendar:Attendee_Email'],
  ['Calendar:Name', 'Calendar:Attendee_Name'],
  ['Calendar:CompressedRTF', 'Calendar:Compressed_RTF'],
  ['Calendar:DtStamp', 'Calendar:DTStamp'],
  ['Calendar:Deleted', 'Calendar:Exception_Deleted'],
  ['Calendar:ExceptionStartTime', 'Calendar:Exception_StartTime'],
  ['Calendar:OrganizerEmail', 'Calendar:Organizer_Email'],
  ['Calendar:OrganizerName', 'Calendar:Organizer_Name'],
  ['Calendar:AttendeeStatus', 'Calendar:Attendee_Status'],
  ['Calendar:AttendeeType', 'Calendar:Attendee_Type'],
  ['Tasks:UtcDueDate', 'Tasks:UTCDueDate'],
  ['Tasks:UtcStartDate', 'Tasks:UTCStartDate'],
  ['Tasks:Start', 'Tasks:Recurrence_Start'],
  ['Tasks:Regenerate', 'Tasks:Recurrence_Regenerate'],
  ['Tasks:DeadOccur', 'Tasks:Recurrence_DeadOccur'],
  ['Provision:RequireStorageCardEncryption', 'Provision:DeviceEncryptionEnabled'],
  ['Settings:SMTPAddress', 'Settings:SmtpAddress'],
  ['Settings:RightsManagementInformation', 'Settings:ihsManagementInformation'],
  ['ComposeMail:Mime', 'ComposeMail:MIME'],
  ['ComposeMail:Name', 'ComposeMail:ForwardeeName'],
  ['ComposeMail:Email', 'ComposeMail:ForwardeeEmail'],
  ['RightsManagement:Owner', 'RightsManagement:RMOwner'],
  ['RightsManagement:RemoveRightsManagementProtection', 'RightsManagement:RemoveRightsManagementDistribution'],
])

/**
 * Both sides in one form: libwbxml's name, and the octets of a leaf as text or base64. Below a tag unknown to it libwbxml
 * loses the namespaces, so the local names must do.
 */
export type Canonical = { readonly name: string; readonly value: string; readonly children: readonly Canonical[] }

const local = (name: string): string => name.slice(name.indexOf(':') + 1)

export function canonical(element: Element, lost = false): Canonical {
  const name = isKnown(element.tag) ? otherNames.get(element.tag) ?? element.tag : 'unknown'
  return {
    name: lost ? local(name) : name,
    value: Buffer.from(octets(element)).toString(isBinary(element.tag) ? 'base64' : 'utf8'),
    children: element.children.map(one => canonical(one, lost || name === 'unknown')),
  }
}

function canonicalXml({ space, name, children, text }: XmlElement, lost = false): Canonical {
  return {
    name: lost || name === 'unknown' ? name : `${space}${name}`,
    value: text,
    children: children.map(one => canonicalXml(one, lost || name === 'unknown')),
  }
}

const escape = (text: string): string => text.replaceAll(/[&<>"\r\n\t]/g, one => `&#${one.charCodeAt(0)};`)

const printCanonical = ({ name, value, children }: Canonical): string => {
  const [space, local] = name.split(':')
  return `<${local} xmlns="${space}:">${escape(value)}${children.map(printCanonical).join('')}</${local}>`
}

const head = '<?xml version="1.0"?><!DOCTYPE ActiveSync PUBLIC "-//MICROSOFT//DTD ActiveSync//EN" "http://www.microsoft.com/">'

async function run(program: string, options: string[], input: Uint8Array | string): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'libwbxml-'))
  const [from, to] = [join(folder, 'in'), join(folder, 'out')]
  try {
    await writeFile(from, input)
    await promisify(execFile)(program, [...options, '-o', to, from])
    return await readFile(to)
  } catch (cause) {
    throw new Error(`${program} of Debian's libwbxml2-utils is needed and failed`, { cause })
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** What libwbxml reads in a document. */
export async function wbxml2xml(bytes: Uint8Array): Promise<Canonical> {
  const xml = await run('wbxml2xml', ['-l', 'ACTIVESYNC', '-m', '2', '-k'], bytes)
  return canonicalXml(parseElements(xml.toString('utf8')))
}

/** The document libwbxml writes, with a string table unless told otherwise by `-n`. */
export const xml2wbxml = (tree: Canonical, options: string[]): Promise<Buffer> =>
  run('xml2wbxml', ['-k', ...options], head + printCanonical(tree))
