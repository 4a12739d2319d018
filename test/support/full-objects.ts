import type { ObjectContent } from '../../src/model/folder.ts'
import { since, type Version } from '../../src/eas/versions.ts'
import { el, type Node, type Tag } from '../../src/wire/wbxml.ts'
import { stored } from './objects-of-each-class.ts'

/** Objects that together have all that a class can tell. */
export const fullObjects: Readonly<Record<ObjectContent, readonly string[]>> = {
  contacts: [
    stored('contacts', 'Anna', 'ORG:House;Kitchen', 'TITLE:Cook', 'EMAIL:a@x.example', 'EMAIL:b@x.example', 'EMAIL:c@x.example', 'TEL;TYPE=CELL:1', 'TEL;TYPE=HOME:2',
      'TEL;TYPE=WORK:3', 'TEL;TYPE=WORK,FAX:4', 'ADR;TYPE=HOME:;;Street 1;Town;State;12345;Country', 'BDAY:1980-02-29', 'ANNIVERSARY:2010-05-05', 'CATEGORIES:Friends',
      'URL:https://x.example/', 'NICKNAME:Annie', 'X-CHILDREN:Tom', `NOTE:${'long '.repeat(60)}`),
  ],
  calendar: [
    stored('calendar', 'Series', 'DTSTART;TZID=Europe/Berlin:20261201T100000', 'DTEND;TZID=Europe/Berlin:20261201T110000', 'RRULE:FREQ=MONTHLY;BYDAY=1TU;COUNT=9',
      'EXDATE;TZID=Europe/Berlin:20270105T100000', 'ORGANIZER;CN=Bob:mailto:bob@x.example', 'ATTENDEE;CN=Anna;PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:anna@postern.test',
      'X-MICROSOFT-CDO-REPLYTIME:20261101T080000Z', 'LOCATION:Room 1', 'GEO:51.05;13.73', `X-MICROSOFT-LOCATIONS:[${JSON.stringify({
        DisplayName: 'Room 1', LocationAnnotation: 'by the stairs', LocationStreet: 'Main Street 1', LocationCity: 'Town', LocationState: 'Saxony', LocationCountry: 'Germany',
        LocationPostalCode: '01067', LocationUri: 'https://x.example/1', Accuracy: '5', Altitude: '113', AltitudeAccuracy: '2',
      }).replace(/[,;]/g, '\\$&')}]`, 'CATEGORIES:Work', 'CLASS:PRIVATE', `DESCRIPTION:${'long '.repeat(60)}`, 'X-MICROSOFT-ONLINEMEETINGCONFLINK:conf:sip:bob@x.example',
      'X-MICROSOFT-ONLINEMEETINGEXTERNALLINK:https://x.example/meet', 'ATTACH;FMTTYPE=text/plain;FILENAME=a.txt;ENCODING=BASE64;VALUE=BINARY:aGVsbG8=',
      'BEGIN:VALARM', 'ACTION:DISPLAY', 'TRIGGER:-PT15M', 'END:VALARM'),
    stored('calendar', 'Week', 'DTSTART:20261201T100000Z', 'DTEND:20261201T110000Z', 'RRULE:FREQ=WEEKLY;BYDAY=TU;UNTIL=20270101T000000Z'),
    stored('calendar', 'Day', 'DTSTART;VALUE=DATE:20261224', 'RRULE:FREQ=YEARLY'),
  ],
  tasks: [
    stored('tasks', 'Series', 'DTSTART;VALUE=DATE:20261201', 'DUE;VALUE=DATE:20261202', 'RRULE:FREQ=MONTHLY;BYDAY=1TU;COUNT=3', 'CATEGORIES:Home', 'PRIORITY:1', 'CLASS:PRIVATE',
      `DESCRIPTION:${'long '.repeat(60)}`, 'BEGIN:VALARM', 'ACTION:DISPLAY', 'TRIGGER;VALUE=DATE-TIME:20261201T070000Z', 'END:VALARM'),
    stored('tasks', 'Week', 'DTSTART;VALUE=DATE:20261201', 'DUE;VALUE=DATE:20261202', 'RRULE:FREQ=WEEKLY;UNTIL=20270101', 'X-POSTERN-REGENERATE:TRUE'),
    stored('tasks', 'Year', 'DTSTART;VALUE=DATE:20261201', 'DUE;VALUE=DATE:20261202', 'RRULE:FREQ=YEARLY'),
    stored('tasks', 'Done', 'STATUS:COMPLETED', 'COMPLETED:20261101T080000Z', 'X-POSTERN-ORDINAL-DATE:20261101T120000Z', 'X-POSTERN-SUB-ORDINAL-DATE:5'),
  ],
  notes: [stored('notes', 'Shopping', `DESCRIPTION:${'Milk '.repeat(60)}`, 'CATEGORIES:Home', 'LAST-MODIFIED:20260101T000000Z')],
}

const texts = (page: string, names: string): Node[] => names.split(' ').map(name => el(`${page}:${name}` as Tag, name))
const all = (values: Readonly<Record<string, string>>, page: string): Node[] => Object.entries(values).map(([name, value]) => el(`${page}:${name}` as Tag, value))
const bodyOf = (version: Version, page: 'Contacts' | 'Calendar' | 'Tasks'): Node[] => since(version, '12.0')
  ? [el('AirSyncBase:Body', [el('AirSyncBase:Type', '1'), el('AirSyncBase:Data', 'a text')])] : [el(`${page}:Body`, 'a text')]

/** All that a client of this version can say of a new one. */
export function fullBody(content: ObjectContent, version: Version): Node[] {
  const from = (first: Version, ...nodes: Node[]): Node[] => since(version, first) ? nodes : []
  switch (content) {
    case 'contacts': return [
      ...texts('Contacts', 'AssistantName AssistantPhoneNumber Business2PhoneNumber BusinessAddressCity BusinessAddressCountry BusinessAddressPostalCode BusinessAddressState'),
      ...texts('Contacts', 'BusinessAddressStreet BusinessFaxNumber BusinessPhoneNumber CarPhoneNumber CompanyName Department FileAs FirstName MiddleName HomeAddressCity'),
      ...texts('Contacts', 'HomeAddressCountry HomeAddressPostalCode HomeAddressState HomeAddressStreet HomeFaxNumber HomePhoneNumber Home2PhoneNumber JobTitle LastName'),
      ...texts('Contacts', 'MobilePhoneNumber OfficeLocation OtherAddressCity OtherAddressCountry OtherAddressPostalCode OtherAddressState OtherAddressStreet PagerNumber'),
      ...texts('Contacts', 'RadioPhoneNumber Spouse Suffix Title WebPage YomiCompanyName YomiFirstName YomiLastName'),
      ...texts('Contacts2', 'CustomerId GovernmentId IMAddress IMAddress2 IMAddress3 ManagerName CompanyMainPhone AccountName NickName MMS'),
      ...all({ Email1Address: 'a@x.example', Email2Address: 'b@x.example', Email3Address: 'c@x.example', Anniversary: '2010-05-05T00:00:00.000Z', Birthday: '1980-02-29T00:00:00.000Z' }, 'Contacts'),
      el('Contacts:Categories', [el('Contacts:Category', 'Friends')]), el('Contacts:Children', [el('Contacts:Child', 'Tom')]),
      el('Contacts:Picture', '/9j/4AAQSkZJRgABAQEAYABgAAD/2wBDAAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQH/wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AVN//2Q=='),
      ...bodyOf(version, 'Contacts'),
    ]
    case 'calendar': return [
      ...all({ StartTime: '20261201T090000Z', EndTime: '20261201T100000Z', DtStamp: '20261101T080000Z', AllDayEvent: '0', Subject: 'Said', Sensitivity: '2', BusyStatus: '2', Reminder: '5', MeetingStatus: '0' }, 'Calendar'),
      ...(since(version, '16.0') ? [el('Calendar:ClientUid', 'said-1'), el('AirSyncBase:Location', texts('AirSyncBase', 'DisplayName Annotation Street City State Country PostalCode LocationUri')),
        el('AirSyncBase:Attachments', [el('AirSyncBase:Add', [el('AirSyncBase:ClientId', 'f1'), el('AirSyncBase:DisplayName', 'b.txt'), el('AirSyncBase:Method', '1'), el('AirSyncBase:Content', Buffer.from('b'))])])]
        : [el('Calendar:UID', 'said-1'), el('Calendar:Location', 'Room 2'), el('Calendar:Exceptions', [el('Calendar:Exception', [
          ...all({ ExceptionStartTime: '20261202T090000Z', Subject: 'Other', StartTime: '20261202T110000Z', EndTime: '20261202T120000Z' }, 'Calendar'),
        ]), el('Calendar:Exception', all({ Deleted: '1', ExceptionStartTime: '20261203T090000Z' }, 'Calendar'))])]),
      el('Calendar:Categories', [el('Calendar:Category', 'Work')]),
      el('Calendar:Recurrence', [...all({ Type: '0', Interval: '1', Occurrences: '9' }, 'Calendar'), ...from('14.0', el('Calendar:CalendarType', '0')), ...from('14.1', el('Calendar:FirstDayOfWeek', '1'))]),
      ...from('14.0', el('Calendar:DisallowNewTimeProposal', '0'), el('Calendar:ResponseRequested', '0')),
      ...bodyOf(version, 'Calendar'),
    ]
    case 'tasks': return [
      ...all({ Subject: 'Said', Importance: '2', Complete: '0', Sensitivity: '0', ReminderSet: '1', ReminderTime: '2026-12-01T07:00:00.000Z', UtcStartDate: '2026-12-01T00:00:00.000Z',
        StartDate: '2026-12-01T00:00:00.000Z', UtcDueDate: '2026-12-02T00:00:00.000Z', DueDate: '2026-12-02T00:00:00.000Z' }, 'Tasks'),
      el('Tasks:Categories', [el('Tasks:Category', 'Home')]),
      el('Tasks:Recurrence', [...all({ Type: '0', Start: '2026-12-01T00:00:00.000Z', Interval: '1', Occurrences: '9' }, 'Tasks'), ...from('14.1', el('Tasks:FirstDayOfWeek', '1'))]),
      ...bodyOf(version, 'Tasks'),
    ]
    case 'notes': return [
      ...all({ Subject: 'Said', MessageClass: 'IPM.StickyNote' }, 'Notes'), el('Notes:Categories', [el('Notes:Category', 'Home')]), ...bodyOf(version, 'Contacts'),
    ]
  }
}
