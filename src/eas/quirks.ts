import type { ObjectContent } from '../model/folder.ts'

/** Something a client does that the documents do not tell, or that they do not allow. */
export type Quirk = {
  /** Its name in tests and in CONTRIBUTING. */
  readonly id: string
  /** What it does or needs. */
  readonly does: string
  /** What is done about it. */
  readonly here: string
}

export type Client = {
  readonly name: string
  /** How to know it by its User-Agent or DeviceType. */
  readonly agent: RegExp
  /** When what is written here was last looked at, in public reports and code. */
  readonly seen: string
  readonly quirks: readonly Quirk[]
  /** Of what it shows one folder alone, so that several are merged: the first row whose pattern fits, or which has none. */
  readonly merged?: readonly Merged[]
}

export type Merged = { readonly agent?: RegExp; readonly contents: readonly ObjectContent[] }

const all: readonly ObjectContent[] = ['calendar', 'contacts', 'tasks', 'notes']

/**
 * Clients that need to be allowed for. The first that fits is the one. Where all clients can be served in the way
 * that one of them needs, they are: what a client calls itself is a guess, and the next version calls itself otherwise.
 *
 * `merged` is what Horde knows (wiki.horde.org, ActiveSync/BrokenClientBehavior, June 2026; Horde_ActiveSync_Device 3.0), and of address books
 * in Windows and Outlook tine (github.com/tine20/tine20, issues 5693 and 4611). Those of iOS, Gmail, Nine and TouchDown show several of each.
 */
export const clients: readonly Client[] = [
  {
    name: 'Outlook (iOS, Android)', agent: /^Outlook-(iOS|Android)|^Outlook$/i, seen: '2026-11',
    quirks: [{
      id: 'cloud', does: 'asks from the addresses of its maker, many users from one',
      here: 'wrong passwords are counted by user and by address',
    }],
  },
  {
    name: 'Outlook', agent: /^(Microsoft\.)?Outlook\/|^WindowsOutlook/i, seen: '2026-11',
    merged: [{ contents: ['contacts'] }],
    quirks: [
      { id: 'latin-1', does: 'sends names and passwords in ISO-8859-1', here: 'what is no UTF-8 is read as ISO-8859-1' },
      {
        id: 'moved-ids', does: 'has an item under its new id already when it is added, and shows it twice',
        here: 'an item that MoveItems gave is told as a change',
      },
      {
        id: 'old-ids', does: 'goes on using ids that MoveItems has replaced',
        here: 'they are refused one by one, and the rest goes on',
      },
      { id: 'window-512', does: 'asks for 512 items at once', here: 'items are written as they come, none is kept' },
      { id: 'own-tnef', does: 'opens winmail.dat itself', here: 'it gets the file as it is' },
      {
        id: 'guests-without-address', does: 'leaves out the addresses of attendees when it changes a meeting',
        here: 'who is named as before stays invited',
      },
      { id: 'answers-in-calendar', does: 'answers a meeting in the calendar, not its mail', here: 'either is answered' },
      { id: 'one-book', does: 'shows one address book', here: 'several are merged into it' },
    ],
  },
  {
    name: 'Windows Mail', agent: /^MSFT-WIN-|^WindowsMail|^Windows ?8|^UniversalOutlook/i, seen: '2026-11',
    merged: [{ contents: ['contacts'] }],
    quirks: [
      { id: 'no-provision', does: 'does not begin with Provision', here: 'it is asked for a policy only where there is one' },
      { id: 'moved-twice', does: 'shows an item twice that was moved', here: 'an item that MoveItems gave is told as a change' },
      { id: 'one-book-people', does: 'shows one address book', here: 'several are merged into it' },
    ],
  },
  {
    name: 'Windows Phone', agent: /^(MSFT-WP|WP8|WP\/|WindowsPhone)/i, seen: '2026-11',
    merged: [{ agent: /^MSFT-WP\/(8\.1|10)/i, contents: ['contacts'] }, { contents: ['calendar', 'contacts'] }],
    quirks: [
      { id: 'no-empty-responses', does: 'gives up an answer with an empty Responses', here: 'what would be empty is left out' },
      {
        id: 'folder-delete-once', does: 'sends FolderDelete once, whatever it hears',
        here: 'a repeated one gets the answer that was lost',
      },
      { id: 'empty-attendees', does: 'sends Attendees with nobody in it', here: 'it invites nobody' },
      { id: 'one-calendar', does: 'shows one address book, 8.0 one calendar too', here: 'several are merged into it' },
    ],
  },
  {
    name: 'Windows Mobile', agent: /^(MSFT-(PPC|SPhone)|Microsoft-PocketPC|PocketPC|SmartPhone)/i, seen: '2026-11',
    merged: [{ contents: all }],
    quirks: [
      { id: 'more-available', does: 'fails where MoreAvailable follows Commands', here: 'it stands before them' },
      { id: 'version-2.5', does: 'knows neither empty answers nor AirSyncBase', here: 'what is told follows the version' },
      { id: 'one-of-each', does: 'shows the default folder of each class', here: 'several are merged into it' },
    ],
  },
  {
    name: 'iOS', agent: /^Apple-(iPhone|iPad|iPod)|^(iPhone|iPad|iPod)/i, seen: '2026-11',
    quirks: [
      { id: 'no-empty-collections', does: 'crashes on a Sync with empty Collections', here: 'what would be empty is left out' },
      { id: 'range-unasked', does: 'breaks on a Range it did not ask for', here: 'a Range is told to who asked for one' },
      { id: 'fetch-by-long-id', does: 'fetches by LongId, without CollectionId', here: 'an id names its folder' },
      {
        id: 'preview-then-all', does: 'takes some hundred octets of each body and fetches the rest',
        here: 'a body is cut exactly, and fetched whole',
      },
      { id: 'policy-key-0', does: 'dislikes a policy key of 0', here: 'none is 0' },
      { id: 'empty-picture', does: 'sends an empty Picture along with other changes', here: 'the picture stays' },
      { id: 'no-organizer', does: 'invites without an Organizer', here: 'it is the user' },
      { id: 'uid-nul', does: 'ends a UID with a NUL', here: 'it is left out' },
      {
        id: 'exception-of-a-day', does: 'names an all-day exception of a timed series by its day',
        here: 'the occurrence of that day is meant',
      },
      { id: 'birthday-midnight', does: 'sends the midnight before a day where it is', here: 'the day after is meant' },
    ],
  },
  {
    name: 'Gmail', agent: /^Android-Mail\//i, seen: '2026-11',
    quirks: [
      { id: 'impatience', does: 'drops an answer after 30 seconds of silence', here: 'the first item is sent when it is there' },
      { id: 'never-refetches', does: 'keeps mail cut for ever', here: 'nothing is cut below the size asked for' },
      {
        id: 'hierarchy-0', does: 'asks for the hierarchy with key 0 at every pull-down',
        here: 'items and their keys stay as they are',
      },
      { id: 'ping-twice', does: 'sends two Pings within a second', here: 'the later one is waited with' },
      { id: 'whole-policy', does: 'takes a policy that lacks a setting for a stricter one', here: 'all settings are sent' },
    ],
  },
  {
    name: 'Samsung Email', agent: /^SAMSUNG/i, seen: '2026-11',
    merged: [{ contents: all }],
    quirks: [
      { id: 'sms-options', does: 'sends options for the SMS class beside those for mail', here: 'they are left aside' },
      { id: 'birthday-0', does: 'means a day by midnight of UTC', here: 'it is told and heard so' },
      { id: 'one-of-each-samsung', does: 'shows the default folder of each class', here: 'several are merged into it' },
    ],
  },
  {
    name: 'Nine', agent: /^Nine|^9Folders/i, seen: '2026-11',
    quirks: [{ id: 'hex-device-id', does: 'sends its id as text here, as octets there', here: 'both are one device' }],
  },
  {
    name: 'BlackBerry', agent: /^(BB10|RIM|BlackBerry)/i, seen: '2026-11',
    quirks: [
      {
        id: 'broken-wbxml', does: 'sends WBXML that breaks off',
        here: 'it is refused by a status, and nothing is done by halves',
      },
      { id: 'conversation-id', does: 'needs a ConversationId', here: 'every item has one' },
      { id: 'birthday-11', does: 'means a day by 11 o\'clock of UTC', here: 'it is told and heard so' },
    ],
  },
  {
    name: 'Nokia Mail for Exchange', agent: /^(Nokia|MailforExchange|Symbian)/i, seen: '2026-11',
    quirks: [{ id: 'special-folders', does: 'needs Sent, Drafts and Trash', here: 'they are made where they are missing' }],
  },
  {
    name: 'TouchDown', agent: /^(TouchDown|webOS|Palm|Maemo)/i, seen: '2026-11',
    quirks: [{
      id: 'ping-first', does: 'sends Ping before the first Sync',
      here: 'any event is news to who was told nothing yet',
    }],
  },
  {
    name: 'TbSync', agent: /TbSync/i, seen: '2026-11',
    quirks: [
      { id: 'options-each-time', does: 'states all options in each request', here: 'the same ones again are no news' },
      { id: 'instance-alone', does: 'names one occurrence in a request of its own, without options', here: 'those of before hold' },
      { id: 'exact-status', does: 'acts on 6 and 7 of an item as the documents have them', here: 'they are given as there' },
    ],
  },
  {
    name: 'Android', agent: /^(Android|LG|HTC|MOTO|SonyEricsson|Huawei)/i, seen: '2026-11',
    merged: [
      { agent: /^HTCOnemini2|^Android\/([0-3]\.|4\.[0-3])/i, contents: all },
      { agent: /^Android/i, contents: ['contacts', 'tasks', 'notes'] },
    ],
    quirks: [
      { id: 'validate', does: 'tries the account as a device named "validate"', here: 'it is a device like any other' },
      {
        id: 'drafts-and-outbox', does: 'resets the account where Drafts or Outbox is missing',
        here: 'the hierarchy always has them',
      },
      { id: 'outbox-ping', does: 'waits on Outbox', here: 'a folder that is never changed may be waited on' },
      { id: 'empty-supported', does: 'sends an empty Supported (LG)', here: 'it says nothing about mail' },
      { id: 'no-date', does: 'sends mail without a Date (HTC)', here: 'what is missing is added' },
      { id: 'birthday-8', does: 'means a day by 8 o\'clock of UTC', here: 'it is told and heard so' },
      { id: 'one-book-android', does: 'shows one of each but calendars, before 4.4 of these too', here: 'several are merged into it' },
    ],
  },
]

/** What is known of the client that this seems to be. */
export const knownClient = (userAgent: string | undefined, deviceType: string): Client | undefined =>
  clients.find(({ agent }) => fits(agent, userAgent, deviceType))

/** Which client this seems to be. */
export const clientOf = (userAgent: string | undefined, deviceType: string): string | undefined => knownClient(userAgent, deviceType)?.name

/** Of what a client that calls itself so seems to show one folder alone. */
export const mergedFor = (client: Client | undefined, userAgent: string | undefined, deviceType: string): readonly ObjectContent[] =>
  client?.merged?.find(({ agent }) => !agent || fits(agent, userAgent, deviceType))?.contents ?? []

const fits = (agent: RegExp, userAgent: string | undefined, deviceType: string): boolean =>
  [userAgent ?? '', deviceType].some(name => agent.test(name.slice(0, 256)))
