import type { Invitation, Method } from '../../formats/invitation.ts'
import type { Part } from '../../model/message.ts'
import { firstPart } from '../../formats/structure.ts'

/** What the parts that were read say. */
export type ClassFacts = {
  readonly meeting?: Pick<Invitation, 'method' | 'attendees'> | undefined
  /** The end of a report's class: NDR, DR, DELAYED, IPNRN, IPNNRN. */
  readonly report?: string | undefined
  /** The class that a TNEF stream says. */
  readonly stated?: string | undefined
}

type Rule = {
  readonly class: string | ((root: Part, facts: ClassFacts) => string)
  matches(root: Part, facts: ClassFacts): boolean
}

const parameter = (part: Part, name: string): string => part.parameters[name]?.toLowerCase() ?? ''
const isReport = (root: Part, type: string): boolean =>
  root.type === 'multipart/report' && parameter(root, 'report-type') === type
const opaque = /^application\/(x-)?pkcs7-mime$/
/** Some programs know no better name for what they encrypt: RFC 8551, Identifying an S/MIME Message. */
const isOpaque = (root: Part): boolean => (opaque.test(root.type) && parameter(root, 'smime-type') !== 'certs-only') ||
  (root.type === 'application/octet-stream' && /\.p7m$/i.test(root.filename ?? ''))

/** [MS-ASEMAIL] MessageClass, the first that matches. */
const rules: readonly Rule[] = [
  {
    class: 'IPM.Note.SMIME.MultipartSigned',
    matches: root => root.type === 'multipart/signed' && /^application\/(x-)?pkcs7-signature$/.test(parameter(root, 'protocol')),
  },
  {
    class: 'IPM.Note.Receipt.SMIME',
    matches: root => opaque.test(root.type) && parameter(root, 'smime-type') === 'signed-receipt',
  },
  { class: 'IPM.Note.SMIME', matches: isOpaque },
  {
    class: (root, { report }) => `REPORT.${reportedClass(root)}.${report ?? 'NDR'}`,
    matches: root => isReport(root, 'delivery-status'),
  },
  {
    class: (_, { report }) => `REPORT.IPM.NOTE.${report ?? 'IPNRN'}`,
    matches: root => isReport(root, 'disposition-notification'),
  },
  { class: (_, { meeting }) => meetingClass(meeting!), matches: (_, { meeting }) => meeting !== undefined },
  // Only classes that [MS-ASEMAIL] knows: clients take others for what they cannot show.
  {
    class: (_, { stated }) => stated!,
    matches: (_, { stated }) => /^(IPM\.Schedule\.Meeting\.|REPORT\.IPM\.NOTE\.)[\w.]{1,40}$/i.test(stated ?? ''),
  },
]

export function messageClass(root: Part, facts: ClassFacts = {}): string {
  const rule = rules.find(one => one.matches(root, facts))
  return typeof rule?.class === 'function' ? rule.class(root, facts) : rule?.class ?? 'IPM.Note'
}

/** Whether the message is signed or encrypted by S/MIME: only its own octets can be verified. */
export const isSmime = (root: Part): boolean => /^IPM\.Note\.(Receipt\.)?SMIME/.test(messageClass(root))

/** The class of the message that came back, of which reports tell these apart. */
function reportedClass(root: Part): string {
  const original = root.children.find(child => child.type === 'message/rfc822')?.children[0]
  if (!original) return 'IPM.NOTE'
  if (isSmime(original)) return messageClass(original).toUpperCase()
  const invited = firstPart(original, part => part.type === 'text/calendar' && parameter(part, 'method') === 'request')
  return invited ? 'IPM.SCHEDULE.MEETING.REQUEST' : 'IPM.NOTE'
}

// [MS-OXCICAL] METHOD
const meetingClasses: Readonly<Record<Method, string>> = {
  REQUEST: 'IPM.Schedule.Meeting.Request', CANCEL: 'IPM.Schedule.Meeting.Canceled', REPLY: 'IPM.Schedule.Meeting.Resp.Tent',
  COUNTER: 'IPM.Schedule.Meeting.Resp.Tent',
}
const answers: Readonly<Record<string, string>> = { ACCEPTED: 'Pos', DECLINED: 'Neg' }

function meetingClass({ method, attendees }: Pick<Invitation, 'method' | 'attendees'>): string {
  const answer = method === 'REPLY' ? answers[attendees[0]?.status ?? ''] : undefined
  return answer ? `IPM.Schedule.Meeting.Resp.${answer}` : meetingClasses[method]
}

/** [MS-ASEMAIL] ContentClass. */
export const contentClass = (facts: ClassFacts): string =>
  facts.meeting ? 'urn:content-classes:calendarmessage' : 'urn:content-classes:message'
