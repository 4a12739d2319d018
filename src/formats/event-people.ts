import type { Answer, Attendee, Kind, Person } from '../model/event.ts'
import { cleanText } from './charset.ts'
import type { Property } from './icalendar.ts'

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

/** RFC 5545, Participation Role, Calendar User Type, Participation Status. */
export function attendeeOf(attendee: Property): Attendee {
  const parameter = (name: string): string => attendee.parameters[name]?.trim().toUpperCase() ?? ''
  const resource = ['ROOM', 'RESOURCE'].includes(parameter('CUTYPE'))
  const kind: Kind = resource ? 'resource' : /^(OPT|NON)-PARTICIPANT$/.test(parameter('ROLE')) ? 'optional' : 'required'
  return { ...personOf(attendee), kind, answer: answers[parameter('PARTSTAT')] ?? 'unknown', asked: parameter('RSVP') === 'TRUE' }
}

/** Whether two are one and the same address. */
export const isSameAddress = (one: string, other: string): boolean => one.trim().toLowerCase() === other.trim().toLowerCase()
