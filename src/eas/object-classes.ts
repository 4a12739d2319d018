import type { Folder } from '../model/folder.ts'
import { el, text } from '../wire/wbxml.ts'
import * as events from './map/calendar.ts'
import type { CalendarContext } from './map/calendar.ts'
import { addedFiles } from './map/calendar-hear.ts'
import { contactClass, isNews } from './map/contact.ts'
import { mailNoteClass, noteClass } from './map/note.ts'
import { finished, isOpen, taskClass } from './map/task.ts'
import type { ObjectClass, ObjectClasses, ObjectContext } from './object-class.ts'
import { since } from './versions.ts'

const ofCalendar = ({ person: { addresses, displayName }, ...context }: ObjectContext): CalendarContext => ({ ...context, addresses, displayName })

/** [MS-ASCAL]; with an InstanceId what is said is of one occurrence. */
const calendar: ObjectClass = {
  ...events.calendarClass, component: 'VEVENT', timed: true, meets: true,
  say: (octets, context) => events.say(octets, ofCalendar(context)),
  hear: (stored, data, { instance, ...context }) => stored && instance !== undefined
    ? events.hearOne(stored, instance, data, ofCalendar(context)) : events.hear(stored, data, ofCalendar(context)),
  isPassing: (octets, context) => events.isPassing(octets, ofCalendar(context)),
  isNews: (stored, data, context) => events.isNews(stored, data, ofCalendar(context)),
  // [MS-ASCAL] ClientUid, UID: from 16.0 on
  clientUid: data => text(data, 'Calendar:ClientUid')?.trim() || undefined,
  made: (octets, context) => since(context.version, '16.0') ? [el('Calendar:UID', events.uidOf(octets, ofCalendar(context)))] : [],
  filed: (data, context) => addedFiles(data, ofCalendar(context)),
  occurrence: (stored, instance, context) => events.occurrenceId(stored, instance, ofCalendar(context)),
  cut: (stored, instance, context) => events.removeOne(stored, instance, ofCalendar(context)),
}

/** [MS-ASTASK] */
const tasks: ObjectClass = { ...taskClass, component: 'VTODO', isDone: (octets, context) => !isOpen(octets, context), beside: finished }

/** [MS-ASCMD] Class: the classes of objects, by what their folders hold. */
const objectClasses: ObjectClasses = {
  calendar,
  contacts: { ...contactClass, isNews },
  tasks,
  notes: { ...noteClass, component: 'VJOURNAL' },
}

/** The class of what is in a folder; notes of a mailbox are messages. */
export const classOf = ({ content, mailbox }: Folder): ObjectClass =>
  mailbox === undefined ? objectClasses[content as keyof ObjectClasses] : mailNoteClass

/** Whether a folder of this class shows the object at all. */
export const shows = ({ component }: ObjectClass, octets: Uint8Array): boolean =>
  component === undefined || Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).includes(`BEGIN:${component}`)
