import { Failure } from '../base/failure.ts'
import { contactClass } from './map/contact.ts'
import { noteClass } from './map/note.ts'
import type { ObjectClass, ObjectClasses } from './object-class.ts'

const later: Omit<ObjectClass, 'ending'> = {
  say: () => undefined,
  hear() {
    throw new Failure('unsupported', 'objects of this class are not served')
  },
}

/** [MS-ASCMD] Class: the classes of objects, by what their folders hold. */
export const objectClasses: ObjectClasses = {
  calendar: { ...later, ending: '.ics', component: 'VEVENT', timed: true },
  contacts: contactClass,
  tasks: { ...later, ending: '.ics', component: 'VTODO', isDone: () => false },
  notes: { ...noteClass, component: 'VJOURNAL' },
}

/** Whether a folder of this class shows the object at all. */
export const shows = ({ component }: ObjectClass, octets: Uint8Array): boolean =>
  component === undefined || Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).includes(`BEGIN:${component}`)
