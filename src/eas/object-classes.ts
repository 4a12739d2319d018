import { Failure } from '../base/failure.ts'
import type { ObjectClass, ObjectClasses } from './object-class.ts'

const later: Omit<ObjectClass, 'ending'> = {
  say: () => undefined,
  hear() {
    throw new Failure('unsupported', 'objects of this class are not served')
  },
}

/** [MS-ASCMD] Class: the classes of objects, by what their folders hold. */
export const objectClasses: ObjectClasses = {
  calendar: { ...later, ending: '.ics', timed: true }, contacts: { ...later, ending: '.vcf' },
  tasks: { ...later, ending: '.ics', isDone: () => false }, notes: { ...later, ending: '.ics' },
}
