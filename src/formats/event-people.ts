import type { Answer, Attendee, Kind, Period, Person } from '../model/event.ts'
import { printUtc } from './calendar-edit.ts'
import { cleanText } from './charset.ts'
import { parseDateTime, type Property } from './icalendar.ts'

const longest = 1000

// RFC 5545, Calendar User Address. What is no address of mail may tell one in EMAIL.
export function personOf({ value, parameters }: Property): Person {
  const told = value.trim()
  const address = /^mailto:/i.test(told) || !parameters['EMAIL'] ? told.replace(/^mailto:/i, '') : parameters['EMAIL'].replace(/^mailto:/i, '')
  const name = cleanText(parameters['CN'] ?? '').replace(/\s+/g, ' ').trim().slice(0, longest)
  const clean = cleanText(address).trim().slice(0, longest)
  return name && name !== clean ? { name, address: clean } : { address: clean }
}

const answers: Readonly<Record<string, Answer>> = {
  '': 'none', 'NEEDS-ACTION': 'none', ACCEPTED: 'accepted', TENTATIVE: 'tentative', DECLINED: 'declined',
}

/** Parameter of an attendee who proposed another time: two periods, when it was then and when it should be. */
export const proposal = 'X-POSTERN-PROPOSED'

const printPeriod = ({ start, end }: Period): string => `${printUtc(start)}/${printUtc(end)}`
export const proposalOf = (when: Period, proposed: Period): readonly string[] => [printPeriod(when), printPeriod(proposed)]

/** Nothing any more of an event that is at another time now. */
function proposedIn(value: string, when: Period): Period | undefined {
  const [before, wanted = ''] = value.split(',')
  const [start, end] = wanted.split('/').map(parseDateTime)
  return before === printPeriod(when) && start?.utc && end?.utc && end.local >= start.local ? { start: start.local, end: end.local } : undefined
}

/** RFC 5545, Participation Role, Calendar User Type, Participation Status. `when` is that of the event. */
export function attendeeOf(attendee: Property, when?: Period): Attendee {
  const parameter = (name: string): string => attendee.parameters[name]?.trim().toUpperCase() ?? ''
  const resource = ['ROOM', 'RESOURCE'].includes(parameter('CUTYPE'))
  const kind: Kind = resource ? 'resource' : /^(OPT|NON)-PARTICIPANT$/.test(parameter('ROLE')) ? 'optional' : 'required'
  const proposed = when && proposedIn(parameter(proposal), when)
  return {
    ...personOf(attendee), kind, answer: answers[parameter('PARTSTAT')] ?? 'unknown', asked: parameter('RSVP') === 'TRUE', ...(proposed ? { proposed } : {}),
  }
}

/** Whether two are one and the same address. */
export const isSameAddress = (one: string, other: string): boolean => one.trim().toLowerCase() === other.trim().toLowerCase()
