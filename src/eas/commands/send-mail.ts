import { Failure, type Kind } from '../../base/failure.ts'
import { child, el, text } from '../../wire/wbxml.ts'
import { empty, wbxml, type Call, type Command } from '../command.ts'
import { sendOnce, type Outgoing } from '../outgoing.ts'

/** [MS-ASCMD] Common Status Codes; SendMail has none of its own. */
const status: Partial<Record<Kind, string>> = { malformed: '103', denied: '130', quota: '113', unavailable: '111' }
const invalidAccount = '166', previouslySent = '118'

const refused = (value: string) => el('ComposeMail:SendMail', [el('ComposeMail:Status', value)])

// [MS-ASCMD] SendMail. Success is an empty answer.
export const sendMail: Command = {
  async run(call) {
    // There is one account, the primary one, and that has no id: [MS-ASCMD] AccountId (Settings).
    if (call.body && text(call.body, 'ComposeMail:AccountId')) return wbxml(refused(invalidAccount))
    const value = await sendOnce(call, outgoing(call))
    if (value === undefined) return empty
    call.facts['status'] = value
    // A client without ClientId repeats itself because it heard nothing: it gets the answer it missed.
    if (value === previouslySent && !call.body) return empty
    return wbxml(refused(value))
  },

  refuse: kind => refused(status[kind] ?? '110'),
}

/** Up to 12.1 the body is the message itself, from 14.0 it is wrapped. */
function outgoing({ body, message: mime, request }: Call): Outgoing {
  if (!body && mime) return { mime, clientId: undefined, save: request.saveInSent }
  const clientId = body && text(body, 'ComposeMail:ClientId')
  if (!body || !mime || !clientId || clientId.length > 40) throw new Failure('malformed', 'SendMail without ClientId or Mime')
  return { mime, clientId, save: child(body, 'ComposeMail:SaveInSentItems') !== undefined }
}
