import type { Part } from '../../model/message.ts'

type Rule = { readonly class: string; matches(root: Part): boolean }

const parameter = (part: Part, name: string): string => part.parameters[name]?.toLowerCase() ?? ''
const report = (root: Part, type: string): boolean => root.type === 'multipart/report' && parameter(root, 'report-type') === type

/** [MS-ASEMAIL] MessageClass, the first that matches. Meetings come with the calendar. */
const rules: readonly Rule[] = [
  {
    class: 'IPM.Note.SMIME.MultipartSigned',
    matches: root => root.type === 'multipart/signed' && /^application\/(x-)?pkcs7-signature$/.test(parameter(root, 'protocol')),
  },
  { class: 'IPM.Note.SMIME', matches: root => /^application\/(x-)?pkcs7-mime$/.test(root.type) },
  { class: 'REPORT.IPM.NOTE.NDR', matches: root => report(root, 'delivery-status') },
  { class: 'REPORT.IPM.NOTE.IPNRN', matches: root => report(root, 'disposition-notification') },
]

export const messageClass = (root: Part): string => rules.find(rule => rule.matches(root))?.class ?? 'IPM.Note'

/** Whether the message is signed or encrypted by S/MIME: only its own octets can be verified. */
export const isSmime = (root: Part): boolean => messageClass(root).startsWith('IPM.Note.SMIME')
