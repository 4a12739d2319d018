// What goes wrong between Exchange ActiveSync and calendars, contacts, tasks and notes as they are (traps F2 and F3 of the notes this was
// built by), and what people have reported for years of it: the tests that show what is right here, or the reason why it cannot go wrong.
import { describe, expect, it } from 'vitest'
import { isThere, type NamedTest } from '../support/named-tests.ts'

const told = 'eas/map/calendar.test.ts', heard = 'eas/map/calendar-hear.test.ts', kept = 'eas/map/calendar-loss.test.ts', zones = 'formats/zones.test.ts'
const contact = 'eas/map/contact.test.ts', edit = 'eas/map/contact-edit.test.ts', task = 'eas/map/task.test.ts', shown = 'eas/map/calendar-shown.test.ts'
const objects = 'eas/objects.test.ts', options = 'eas/object-options.test.ts', live = 'live/objects.test.ts', organizer = 'live/organizer.test.ts'

const traps: readonly (readonly [number: number, what: string, tests: readonly NamedTest[]])[] = [
  [35, 'the blob of a time zone', [[told, 'the blob of an event in %s has its rules'], [told, 'a series of long ago has the rules of today, as it goes on']]],
  [36, 'zones by names of Windows and Lotus, and of their own', [[zones, 'its Windows name says so'], [told, 'the blob of an event in %s has its rules'], [heard, 'trap 36: the zone of the user']]],
  [37, 'zones that are not as others', [[zones, 'has a blob that says the same at each change of clocks, but for the years that are named'], [zones, 'has a VTIMEZONE that says the same, as we read it and as ical.js does']]],
  [38, 'clocks that change at midnight', [[zones, 'has a blob that says the same at each change of clocks, but for the years that are named']]],
  [39, 'days up to 14.1', [[told, 'trap 39: days up to 14.1 begin by the clock of the user'], [heard, 'trap 39: days by the clock of the phone'], [heard, 'trap 39: days as midnights of UTC']]],
  [40, 'days from 16.0 on', [[told, 'trap 40: days from 16.0 on are dates, without a zone']]],
  [41, 'the end of a day', [[told, 'trap 41: three days end with the third'], [told, 'trap 41: a day that ends when it begins is one']]],
  [42, 'no end', [[told, 'trap 42: no end is no length']]],
  [43, 'floating times', [[told, 'trap 43: floating is by the clock of the user'], [heard, 'trap 43: floating stays floating']]],
  [44, 'EXDATE in all forms', [[told, 'trap 44: EXDATE in any form is the original start in UTC']]],
  [45, 'RECURRENCE-ID in another form', [[told, 'trap 45: an exception is bound by its instant'], [told, 'trap 45: or by its date'], ['eas/map/calendar-clients.test.ts', 'an exception of a day is the occurrence of that day']]],
  [46, 'an exception without times', [[heard, 'trap 46: an exception without times is when it would be']]],
  [47, 'what an exception does not say', [[heard, 'trap 47: what an exception up to 14.1 does not say it has of the series'], [heard, 'trap 47: what is empty goes'], [options, 'of a series is named by ServerId and InstanceId in a Change and a Delete of version %s']]],
  [48, 'another pattern from 16.0 on', [[heard, 'trap 48: another pattern, no exceptions from 16.0 on']]],
  [49, 'the last of a month', [[told, 'trap 49: the last Friday'], [told, 'trap 49: the last day of a month']]],
  [50, 'a weekday of a year', [[told, 'trap 50: the second Sunday of May']]],
  [51, 'working days, weeks without days', [[told, 'trap 51: working days'], [told, 'trap 51: a week without days has that of the start']]],
  [52, 'what EAS has no words for', [[shown, 'what is shown of a series $title is what there is of it'], [shown, 'another rule, other times, no rule: none is taken of a series $title'], ['eas/passing-series.test.ts', 'is told of them anew each week, of nothing else, and is then in step']]],
  [53, 'UNTIL and COUNT', [[told, 'trap 53: UNTIL as a date counts the whole day'], [told, 'trap 53: UNTIL by the clock'], [told, 'trap 53: COUNT up to 999'], [heard, 'trap 53: until a day']]],
  [54, 'UIDs', [[told, 'trap 54: the UID that is stored'], [options, 'that is made in version %s has its UID in the answer, the one the client gave'], [kept, 'another subject changes SUMMARY alone, of an invitation nothing']]],
  [55, 'unknown properties', [[kept, 'what is given back as it was told changes no octet'], [kept, 'another place changes what says the place'], [kept, 'every property there is, is in one of them, and every parameter and component']]],
  [56, 'alarms', [[told, 'trap 56: the nearest alarm that is shown'], [told, 'trap 56: after the start is none'], [heard, 'trap 56: the alarm that is next is moved, the others stay']]],
  [57, 'busy', [[told, 'trap 57: elsewhere is free up to 14.1'], [heard, 'trap 57: free that was elsewhere is no change up to 14.1']]],
  [58, 'sensitivity', [[told, 'trap 58: private'], [heard, 'trap 58: personal']]],
  [59, 'attendees', [[told, 'trap 59: the organizer is no attendee']]],
  [60, 'whose meeting it is', [[told, 'trap 60: an appointment'], [told, 'trap 60: a meeting of another'], [told, 'trap 60: cancelled by the user']]],
  [61, 'a meeting of another that is changed', [[heard, 'somebody who is invited keeps to his own: reminder, categories, busy; no SEQUENCE']]],
  [62, 'who mails those who are invited', [
    [heard, 'trap 62: up to 14.1 the phone mails those it invites, the server does not'], [organizer, 'invites once, though the answer got lost and the server was started anew'],
    [organizer, 'is mailed by the phone alone, and a server that schedules is told so'],
  ]],
  [63, 'an answer that comes twice', [['live/meetings.test.ts', 'is given once, however often it is asked, also after a restart']]],
  [64, 'HTML', [[heard, 'trap 64: HTML'], [heard, 'trap 64: a body that was cut is none']]],
  [65, 'availability', [['live/availability.test.ts', 'of events and series, by the highest, from the start on; days are those of the user'], ['live/availability.test.ts', 'of nobody else, not of more than 42 days, and not while the calendars are away']]],
  [66, 'files', [[told, 'trap 66: with its name and size'], [heard, 'trap 66: a file goes'], [options, 'takes files in version %s, says their FileReferences by which they are fetched and deleted, and takes each once'], ['live/managed-files.test.ts', 'adds a file to an event, which the server keeps; it is fetched, and taken away again']]],
  [67, 'names', [[contact, 'FileAs is what the store says or follows from the names, and never becomes the full name']]],
  [68, 'companies', [[contact, 'a company has a name to be shown by']]],
  [69, 'lines of a vCard', [[contact, 'vCard 2.1 stays what it is: line ends, mark, quoted-printable, groups'], [contact, 'what is written is folded at 75 octets and escaped']]],
  [70, 'telephones', [[contact, 'a number that goes leaves those beyond the places where they are'], [contact, 'a client is told at once when one has moved up, or it would take it for deleted']]],
  [71, 'addresses of mail', [[contact, 'a fourth address is kept, a change stays in its line, a new order changes nothing']]],
  [72, 'streets', [[contact, 'streets (trap 72)'], [contact, 'an address with nothing left goes']]],
  [73, 'birthdays', [[edit, '%s is told the day at %s'], [edit, '%s means the 29th by %s']]],
  [74, 'pictures', [[edit, 'a small one is told as it is, a large one as a small JPEG'], [edit, 'the original stays where a client gives back the small one, or says nothing'], [edit, 'an empty one takes it away, but not from iOS']]],
  [75, 'what is left out', [[edit, 'what is empty goes, ghosted or not'], [options, 'of %s in version %s: what is named is cleared when it is left out, and the rest is kept']]],
  [76, 'groups', [[contact, '%s is no contact'], [contact, 'categories are one list']]],
  [77, 'organizations', [[contact, 'company and department change apart from each other, and smaller units stay']]],
  [78, 'when a task is due', [[task, 'a zone: UTC is real, local is what the clock shows'], [task, 'due at another hour']]],
  [79, 'tasks that come again', [[task, 'a series: Start in UTC up to 14.1'], [task, 'a series: Start by the clock from 16.0 on'], [task, 'a recurrence without Start'], ['live/calendar.test.ts', 'keeps one of a series that was done, once, and goes on with the next']]],
  [80, 'notes', [['eas/map/note.test.ts', 'notes (trap 80)'], [objects, 'is synchronized both ways in version %s']]],
]

type Pain = { readonly pain: string } & ({ readonly tests: readonly NamedTest[] } | { readonly reason: string })
const pains: readonly Pain[] = [
  { pain: 'Outlook no longer uploads what is in the calendar', tests: [['eas/rules.test.ts', 'is what OPTIONS offers and what requests may be of'], [objects, 'is synchronized both ways in version %s']] },
  { pain: 'Contacts vanish when the calendar is synchronized too', tests: [[objects, 'folders of all classes in one request have each their own']] },
  { pain: 'The calendar of Android is empty, or disappears', tests: [
    [objects, 'the hierarchy of version %s has the default folders of its classes, by their types'], [live, 'stays on the phone while the server is away, and nothing is deleted'],
  ] },
  { pain: 'A calendar or book that was renamed is not followed', tests: [[objects, 'that somebody else renames keeps its id and its items']] },
  { pain: 'The hour is wrong after the clocks have changed', tests: [[zones, 'is found again by its blob, or one of equal rules; by its name, itself'], [kept, 'what is given back as it was told changes no octet']] },
  { pain: 'Exceptions of a series are lost, deleted ones return', tests: [['live/calendar.test.ts', 'one occurrence is changed and another deleted by its InstanceId, and a file is fetched'], [options, 'keeps its exceptions where a client says nothing of them, in version %s']] },
  { pain: 'A series ends a day early, or moves', tests: [[heard, 'trap 53: until a day, by the clock of the phone'], [heard, 'trap 53: until the last start']] },
  { pain: 'Invitations go out twice, or not at all', tests: [
    [organizer, 'invites once, though the answer got lost and the server was started anew'], [organizer, 'is not made while nobody can be told'], [organizer, 'nothing is mailed besides, and attendees are the server’s'],
  ] },
  { pain: 'Accepting a meeting ends in HTTP 500', tests: [['live/meetings.test.ts', 'to nothing that can be answered has a status of its own']] },
  { pain: 'A hundred thousand tasks, all the same', tests: [[live, 'takes what the phone makes, once however often it is asked'], ['live/calendar.test.ts', 'keeps one of a series that was done, once, and goes on with the next']] },
  { pain: 'The same event of a feed is sent each minute', reason: 'what has changed is what the CalDAV server says has: no feed is read here, and an ETag that stays is no news' },
  { pain: 'Two events of one UID, and some are missing', tests: [[options, 'of a UID that another has is an item of its own']] },
  { pain: 'Changes in what is shared for reading alone are lost silently', tests: [[objects, 'that is read-only gives back what a phone changed, and shows nothing that it made']] },
  { pain: 'A new contact has no name, or its fields move', tests: [[contact, 'a company has a name to be shown by'], [edit, 'what a client says of one is what it is told of it'], ['eas/map/contact-loss.test.ts', 'an element that is changed']] },
  { pain: 'A broken object ends the sync', tests: [[objects, 'that holds what nobody can read tells the rest']] },
]

const missing = (tests: readonly NamedTest[]): readonly NamedTest[] => tests.filter(test => !isThere(test))

describe('the tests of', () => {
  it.each(traps)('trap %i, %s, are there', (_number, _what, tests) => expect(missing(tests)).toEqual([]))
  it('each trap are in the table', () => expect(traps.map(([number]) => number)).toEqual(Array.from({ length: 46 }, (_, n) => n + 35)))
  it.each(pains.map(one => [one.pain, one] as const))('a pain of old: %s', (_, one) => {
    if ('reason' in one) expect(one.reason.length).toBeGreaterThan(40)
    else expect(missing(one.tests)).toEqual([])
  })
})
