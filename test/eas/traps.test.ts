// What goes wrong between Exchange ActiveSync and mail as it is (traps F1 of the notes this was built by), and the limits of the documents
// (D2): the tests that show what is right here. A row that says why has none.
import { describe, expect, it } from 'vitest'
import { isThere, type NamedTest } from '../support/named-tests.ts'

type Row = readonly [number: number, what: string, tests: readonly NamedTest[]]

const traps: readonly Row[] = [
  [1, 'HTML alone, and plain text is wished', [['eas/map/body.test.ts', 'plain text made of HTML'], ['eas/map/body.test.ts', 'is told as it is stored, too']]],
  [2, 'MIME is the original', [['eas/map/body.test.ts', 'is the message as it is, to the octet'], ['live/item-operations.test.ts', 'brings messages and files as the octets they are']]],
  [3, 'a cut inside a character or a line end', [
    ['eas/map/body.test.ts', 'before a character it would split'], ['eas/map/body.test.ts', 'before CR LF it would split'], ['formats/charset.test.ts', 'inside a character of two octets'],
  ]],
  [4, 'a size above that of the body', [['eas/map/body.test.ts', 'nowhere when it is shorter'], ['eas/map/body.test.ts', 'nowhere when it just fits'], ['eas/map/body.test.ts', 'a whole body']]],
  [5, 'S/MIME', [['eas/map/email.test.ts', 'a signed message'], ['eas/map/email.test.ts', 'an encrypted message'], ['eas/map/email.test.ts', 'an opaque signature']]],
  [6, 'winmail.dat', [['eas/map/email.test.ts', 'with a text beside it'], ['eas/content.test.ts', 'is opened: its files are listed, fetched whole and in part'], ['eas/content.test.ts', 'one that says it is Outlook']]],
  [7, 'a calendar whose method stands in one place or another, or nowhere', [['formats/invitation.test.ts', 'of the header']]],
  [8, 'an invitation to a series or an instance', [['eas/map/email.test.ts', 'an invitation to a series'], ['eas/map/email.test.ts', 'an invitation to an instance, without a text']]],
  [9, 'GlobalObjId', [['formats/invitation.test.ts', 'a GlobalObjId']]],
  [10, 'a charset that is missing or lies', [
    ['formats/charset.test.ts', 'UTF-8 that says ASCII'], ['formats/charset.test.ts', 'Windows-1252 that says ISO-8859-1'], ['eas/map/email.test.ts', 'a message whose charset lies'],
  ]],
  [11, 'header fields of all kinds', [
    ['formats/encoded-words.test.ts', 'words split inside a character'], ['formats/encoded-words.test.ts', 'raw UTF-8'], ['formats/header.test.ts', 'continuations of RFC 2231'],
    ['formats/header.test.ts', 'encoded words in continuations'], ['formats/header.test.ts', 'folded fields'],
  ]],
  [12, 'characters that XML does not have', [['formats/charset.test.ts', 'leaves only what XML 1.0 can hold'], ['eas/map/email.test.ts', 'every message whatsoever becomes an item that can be written and read']]],
  [13, 'names with commas, and groups', [['formats/header.test.ts', 'a name in quotes'], ['formats/header.test.ts', 'groups'], ['eas/map/email.test.ts', 'names to show, semicolons between']]],
  [14, 'a Date that is missing or in the future', [['eas/map/email.test.ts', 'a date in the future'], ['eas/map/email.test.ts', 'no date'], ['eas/map/email.test.ts', 'an unreadable INTERNALDATE gives way to the Date field']]],
  [15, 'conversations', [
    ['eas/map/conversation.test.ts', 'has one id for all of its messages'], ['eas/map/conversation.test.ts', 'has five octets more for each answer, at most twenty times'], ['eas/map/conversation.test.ts', '回复：转发: Plan'],
  ]],
  [16, 'follow-up flags', [['eas/map/flags.test.ts', 'a flag (trap 16)'], ['live/versions.test.ts', 'are keywords of the mailbox, with all their dates, and come back to every phone']]],
  [17, 'answered and forwarded', [
    ['eas/smart.test.ts', 'SmartReply'], ['eas/verbs.test.ts', 'to all, the user among them'], ['eas/verbs.test.ts', 'tells the other phones of the verb and its time, as a change and as a new item'],
    ['live/compose.test.ts', 'a phone is told what was done to a message and when, by another phone or a desktop'],
  ]],
  [18, 'categories', [['eas/map/flags.test.ts', 'categories (trap 18)'], ['live/versions.test.ts', 'a keyword of the greatest length is one that Dovecot takes']]],
  [19, 'only what was deleted is expunged', [['backend/imap-mail.test.ts', 'removes for good, and nothing but what it was told to'], ['live/item-operations.test.ts', 'empties Trash with its folders, and no other']]],
  [20, 'a move without MOVE or UIDPLUS', [['backend/imap-mail.test.ts', 'moves messages and knows their new UIDs'], ['backend/imap-mail.test.ts', 'a server with neither MOVE nor UIDPLUS']]],
  [21, 'another UIDVALIDITY', [['eas/sync.test.ts', 'whose mailbox was made anew starts again, and never takes one message for another'], ['backend/imap-mail.test.ts', 'refuses another UIDVALIDITY']]],
  [22, 'what is forwarded stays as it is', [['live/forwarded.test.ts', '200 forwarded originals come out identical, octet for octet'], ['eas/smart.test.ts', 'forward-html-of-files']]],
  [23, 'an answer in HTML to a plain text', [['eas/smart.test.ts', 'reply-html-onto-plain'], ['formats/quote.test.ts', 'comes to an end whatever is opened in it and never closed']]],
  [24, 'Bcc', [['eas/send-mail.test.ts', 'sends to To, Cc and Bcc, and keeps Bcc in Sent alone']]],
  [25, 'a sender that is not the own one', [['eas/send-mail.test.ts', 'the address of another'], ['formats/mime-write.test.ts', 'no octet of the body changes']]],
  [26, 'fields a phone leaves out', [['eas/send-mail.test.ts', 'adds what a phone left out'], ['formats/mime-write.test.ts', 'what a phone left out is told, in English and by the standards']]],
  [27, 'a submission server that files', [['eas/send-mail.test.ts', 'files nothing where the submission server does'], ['eas/send-mail.test.ts', 'sends and files a message octet by octet']]],
  [28, 'the same ClientId again', [['eas/send-mail.test.ts', 'for one ClientId, whatever is repeated'], ['eas/smart.test.ts', 'send once whatever is repeated, and mark it again (trap 28)']]],
  [29, 'pictures by Content-Location or Content-ID', [['eas/map/attachments.test.ts', 'an inline picture'], ['eas/map/attachments.test.ts', 'a picture with a place']]],
  [30, 'messages within messages', [['eas/map/attachments.test.ts', 'made for a message'], ['live/forwarded.test.ts', '200 forwarded originals come out identical, octet for octet']]],
  [31, 'text that flows', [['eas/map/body.test.ts', 'lines that flow']]],
  [32, 'elements of another version', [['eas/versions.test.ts', 'has nothing of later versions in it'], ['eas/versions.test.ts', 'has bodies by BodyPreference in 12.0, where 2.5 has none']]],
  [33, 'names of folders', [
    ['backend/imap-folders.test.ts', 'makes, renames, moves and deletes folders of any name, the id staying'], ['backend/imap-folders.test.ts', 'refuses names that cannot be, exist already, or lie within themselves'],
    ['backend/imap-folders.test.ts', 'עברית'], ['live/commands.test.ts', 'are made, renamed, moved and removed with any name, and keep their ids'],
  ]],
  [34, 'what is searched for', [['live/search.test.ts', 'quotes around what looks like an operator'], ['live/search.test.ts', 'umlauts'], ['eas/kql.test.ts', 'a AND b']]],
]

/** Of the notes on calendars, what is about meetings and the time of others. */
const meetings: readonly Row[] = [
  [60, 'MeetingStatus', [['eas/map/calendar.test.ts', 'trap 60: a meeting of the user'], ['eas/map/calendar.test.ts', 'trap 60: cancelled by another'], ['live/meetings.test.ts', 'becomes an event that keeps all it said']]],
  [61, 'what somebody who is invited changes himself', [['eas/map/calendar-hear.test.ts', 'somebody who is invited keeps to his own'], ['live/organizer.test.ts', 'an invitation is made, accepted, moved and called off']]],
  [62, 'one invitation, whoever is to send it', [
    ['live/organizer.test.ts', 'invites once, though the answer got lost and the server was started anew'], ['live/organizer.test.ts', 'that is moved and called off says so once each'],
    ['live/organizer.test.ts', 'is mailed by the phone alone'], ['live/organizer.test.ts', 'nothing is mailed besides'],
  ]],
  [63, 'one answer, and the message in Trash', [
    ['live/meetings.test.ts', 'becomes an event that keeps all it said'], ['live/meetings.test.ts', 'is given once, however often it is asked'],
    ['eas/meeting-response.test.ts', 'is moved to Trash, and what others have marked as deleted stays'],
  ]],
  [65, 'free and busy', [['formats/free-busy.test.ts', 'free and busy by the half hour (trap 65)'], ['eas/availability.test.ts', 'calendars that cannot be read now are not free'], ['live/availability.test.ts', 'of nobody else']]],
]

const limits: readonly (readonly [limit: string, tests: readonly NamedTest[] | string])[] = [
  ['SyncKey, 64', [['eas/limits.test.ts', 'SyncKey'], ['state/sync-key.test.ts', 'never exceeds 64 characters and never claims that a client holds more than it does'], ['state/recipients-key.test.ts', 'a key is read as it was written, and is never longer than 64 characters']]],
  ['ServerId, 64', [['eas/limits.test.ts', 'ServerId'], ['eas/limits.test.ts', 'is what every key and id of ours is']]],
  ['ParentId, 64', [['eas/limits.test.ts', 'ParentId of more than 64 characters is no folder']]],
  ['CollectionId, 64', [['eas/limits.test.ts', 'CollectionId']]],
  ['ids of MoveItems, 64', [['eas/limits.test.ts', 'SrcMsgId and folder ids of MoveItems that are longer name nothing']]],
  ['Id of Ping, 64', [['eas/limits.test.ts', 'Ping of a folder whose id is longer asks for a FolderSync']]],
  ['LongId, 256', [['eas/limits.test.ts', 'LongId of more than 256 characters names nothing']]],
  ['ClientId, 64 and 40', [['eas/limits.test.ts', 'ClientId of Sync'], ['eas/limits.test.ts', 'ClientId of SendMail, 40']]],
  ['DisplayName of a folder, 256', [['eas/limits.test.ts', 'DisplayName']]],
  ['WindowSize, 512', [['eas/limits.test.ts', 'WindowSize']]],
  ['waits', [['eas/limits.test.ts', 'a wait']]],
  ['a store, 256, and device information, 1024', [['eas/limits.test.ts', 'strings a device tells of itself are taken at 1024 characters, and a store of another name is none']]],
  ['Preview of Find, 255', [['eas/find.test.ts', 'finds mail in all folders, with what a list of results shows']]],
  ['MIMETruncation and TruncationSize', [['eas/limits.test.ts', 'with MIMETruncation'], ['eas/limits.test.ts', 'with a TruncationSize of']]],
  ['From and To, 32,768', [['eas/limits.test.ts', 'Email:To']]],
  ['categories, 300', [['eas/map/flags.test.ts', 'are 300 at most, in either direction']]],
  ['PolicyKey, 64', [['eas/provision.test.ts', 'keys belong to a policy, an account and a device']]],
  ['a parameter of the base64 query, 255', [['eas/limits.test.ts', 'a parameter of the base64 query is 255 octets at most']]],
  ['the blob of a time zone, 172', [['formats/timezone.test.ts', 'of whatever lines ends']]],
  ['MergedFreeBusy, 42 days', [['live/availability.test.ts', 'of nobody else, not of more than 42 days, and not while the calendars are away']]],
  ['UIDs of events, 300, and intervals of series, 999', [['conformance/classes.test.ts', 'fits the schema in version %s, in each kind of body, and is all that the version has']]],
  ['pictures of contacts, 36 KB and 48 KB of base64', [['eas/map/contact-edit.test.ts', 'one of more than 48 KB in base64 is refused'], ['eas/map/contact-edit.test.ts', 'a small one is told as it is, a large one as a small JPEG']]],
  ['categories and children of contacts, 300', [['eas/map/contact.test.ts', '301 of them are refused'], ['eas/map/contact.test.ts', 'those beyond the first 300 stay where others change']]],
  ['categories of events and tasks, 300', [['eas/map/calendar-shape.test.ts', 'categories are at most 300'], ['eas/map/calendar-hear.test.ts', '301 categories']]],
  ['AccountName', 'there is one account, which has no name of its own'],
]

const missing = (tests: readonly NamedTest[]): readonly NamedTest[] => tests.filter(test => !isThere(test))

describe('the tests of', () => {
  it.each(traps)('trap %i, %s, are there', (_number, _what, tests) => expect(missing(tests)).toEqual([]))
  it.each(meetings)('trap %i, %s, are there', (_number, _what, tests) => expect(missing(tests)).toEqual([]))
  it('each trap are in the table', () => expect(traps.map(([number]) => number)).toEqual(Array.from({ length: 34 }, (_, n) => n + 1)))
  it.each(limits)('the limit of %s are there', (_limit, tests) => {
    if (typeof tests === 'string') expect(tests.length).toBeGreaterThan(20)
    else expect(missing(tests)).toEqual([])
  })
})
