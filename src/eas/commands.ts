import { el, type Node, type Tag } from '../wire/wbxml.ts'
import type { Command } from './command.ts'
import { createCollection, deleteCollection, moveCollection } from './commands/collections.ts'
import { find } from './commands/find.ts'
import { folderCreate, folderDelete, folderUpdate } from './commands/folder-edit.ts'
import { folderSync } from './commands/folder-sync.ts'
import { getAttachment } from './commands/get-attachment.ts'
import { getHierarchy } from './commands/get-hierarchy.ts'
import { getItemEstimate } from './commands/get-item-estimate.ts'
import { itemOperations } from './commands/item-operations.ts'
import { meetingResponse } from './commands/meeting-response.ts'
import { moveItems } from './commands/move-items.ts'
import { ping } from './commands/ping.ts'
import { provision } from './commands/provision.ts'
import { resolveRecipients } from './commands/resolve-recipients.ts'
import { search } from './commands/search.ts'
import { sendMail } from './commands/send-mail.ts'
import { smartForward, smartReply } from './commands/smart.ts'
import { settings } from './commands/settings.ts'
import { sync } from './commands/sync.ts'
import { validateCert } from './commands/validate-cert.ts'
import { httpStatus } from './respond.ts'
import { since, versions, type Version } from './versions.ts'

/** What the front must know of a command before it runs. */
export type Entry = {
  readonly command: Command
  /** Root of the request and of the answer; undefined for a command that speaks HTTP alone. */
  readonly root: Tag | undefined
  readonly status: Tag | undefined
  readonly first: Version
  readonly last: Version
  /** Whether OPTIONS names it. */
  readonly offered: boolean
  /** The body is a bare message up to this version. */
  readonly rfc822Until?: Version
}

const served = (command: Command, root: Tag, status: Tag, more: Partial<Entry> = {}): Entry =>
  ({ command, root, status, first: '2.5', last: '16.1', offered: true, ...more })
const http = (command: Command): Entry =>
  ({ command, root: undefined, status: undefined, first: '2.5', last: '12.1', offered: true })

/** [MS-ASCMD] Commands, in the order OPTIONS lists them. */
const commands: Readonly<Record<string, Entry>> = {
  Sync: served(sync, 'AirSync:Sync', 'AirSync:Status'),
  SendMail: served(sendMail, 'ComposeMail:SendMail', 'ComposeMail:Status', { rfc822Until: '12.1' }),
  SmartForward: served(smartForward, 'ComposeMail:SmartForward', 'ComposeMail:Status', { rfc822Until: '12.1' }),
  SmartReply: served(smartReply, 'ComposeMail:SmartReply', 'ComposeMail:Status', { rfc822Until: '12.1' }),
  GetAttachment: http(getAttachment),
  GetHierarchy: http(getHierarchy),
  CreateCollection: http(createCollection),
  DeleteCollection: http(deleteCollection),
  MoveCollection: http(moveCollection),
  FolderSync: served(folderSync, 'FolderHierarchy:FolderSync', 'FolderHierarchy:Status'),
  FolderCreate: served(folderCreate, 'FolderHierarchy:FolderCreate', 'FolderHierarchy:Status'),
  FolderDelete: served(folderDelete, 'FolderHierarchy:FolderDelete', 'FolderHierarchy:Status'),
  FolderUpdate: served(folderUpdate, 'FolderHierarchy:FolderUpdate', 'FolderHierarchy:Status'),
  MoveItems: served(moveItems, 'Move:MoveItems', 'Move:Status'),
  GetItemEstimate: served(getItemEstimate, 'GetItemEstimate:GetItemEstimate', 'GetItemEstimate:Status'),
  MeetingResponse: served(meetingResponse, 'MeetingResponse:MeetingResponse', 'MeetingResponse:Status'),
  Search: served(search, 'Search:Search', 'Search:Status'),
  Settings: served(settings, 'Settings:Settings', 'Settings:Status', { first: '12.0' }),
  Ping: served(ping, 'Ping:Ping', 'Ping:Status'),
  ItemOperations: served(itemOperations, 'ItemOperations:ItemOperations', 'ItemOperations:Status', { first: '12.0' }),
  Provision: served(provision, 'Provision:Provision', 'Provision:Status'),
  ResolveRecipients: served(resolveRecipients, 'ResolveRecipients:ResolveRecipients', 'ResolveRecipients:Status'),
  ValidateCert: served(validateCert, 'ValidateCert:ValidateCert', 'ValidateCert:Status'),
  Find: served(find, 'Find:Find', 'Find:Status', { first: '16.1' }),
}

export const entryOf = (name: string): Entry | undefined => Object.hasOwn(commands, name) ? commands[name] : undefined

/** An answer of the command that is nothing but a Status; an HTTP status where the request has no tree of its own. */
export const bare = (entry: Entry, status: string): Node | number =>
  entry.root && entry.status ? el(entry.root, [el(entry.status, status)]) : status === '138' ? 501 : httpStatus(status)

export const speaks = (entry: Entry, version: Version): boolean => since(version, entry.first) && since(entry.last, version)

/** [MS-ASHTTP] MS-ASProtocolVersions and MS-ASProtocolCommands. */
export function offer(ceiling: Version): { 'ms-asprotocolversions': string; 'ms-asprotocolcommands': string } {
  const names = Object.entries(commands).filter(([, entry]) => entry.offered && since(ceiling, entry.first))
  return {
    'ms-asprotocolversions': versions.filter(version => since(ceiling, version)).join(','),
    'ms-asprotocolcommands': names.map(([name]) => name).join(','),
  }
}
