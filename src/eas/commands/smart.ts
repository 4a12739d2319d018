import { Failure, type Kind } from '../../base/failure.ts'
import { encodeWords } from '../../formats/encoded-words.ts'
import { field } from '../../formats/header.ts'
import { printMailbox, recipients } from '../../formats/mime-write.ts'
import { encodeText } from '../../formats/transfer-write.ts'
import type { MessageRef } from '../../model/ports.ts'
import { child, el, text, type Element, type Node, type Tag } from '../../wire/wbxml.ts'
import { empty, wbxml, type Answer, type Call, type Command } from '../command.ts'
import { repliedAll } from '../map/flags.ts'
import { messageOf } from '../moved.ts'
import { openOriginal, type Original } from '../original.ts'
import { outcome } from '../outcome.ts'
import { headerOf, sendOnce, type Outgoing } from '../outgoing.ts'
import { splice, type Splice } from '../splice.ts'
import { isToAll } from '../verbs.ts'
import { since } from '../versions.ts'
import { forwardMeeting } from './forward-meeting.ts'
import { compactDate, readForwardees, Refusal } from './forwardees.ts'

/** [MS-ASCMD] Common Status Codes. */
const badRequest = '103', badInstance = '104', previouslySent = '118', invalidAccount = '166'
const notBoth = '178'
const status: Partial<Record<Kind, string>> = {
  malformed: badRequest, denied: '130', quota: '113', unavailable: '111', 'too-large': '122', 'not-found': '150', stale: '150',
}

type Asked = {
  readonly source: MessageRef
  readonly replaceMime: boolean
  /** Undefined: it is made for [MS-ASCMD] Forwardees. */
  readonly outgoing: Outgoing | undefined
  readonly clientId: string | undefined
}

// [MS-ASCMD] SmartReply
export const smartReply: Command = smart('reply', 'ComposeMail:SmartReply')
// [MS-ASCMD] SmartForward
export const smartForward: Command = smart('forward', 'ComposeMail:SmartForward')

function smart(kind: Splice['kind'], root: Tag): Command {
  const refused = (value: string): Node => el(root, [el('ComposeMail:Status', value)])
  return {
    async run(call) {
      try {
        return await run(call, kind, refused)
      } catch (error) {
        if (error instanceof Refusal) return wbxml(refused(error.status))
        throw error
      }
    },
    refuse: failed => refused(status[failed] ?? '110'),
  }
}

async function run(call: Call, kind: Splice['kind'], refused: (value: string) => Node): Promise<Answer> {
  const meeting = call.body && kind === 'forward' ? await forwardMeeting(call, call.body) : undefined
  if (meeting) return meeting
  const asked = await (call.body ? readElements(call, call.body, kind) : readQuery(call))
  const { source, replaceMime } = asked
  let original: Promise<Original> | undefined
  const opened = (): Promise<Original> => original ??= openOriginal(call, source)
  const outgoing = asked.outgoing ?? await forForwardees(call, await opened(), asked.clientId)
  const value = await sendOnce(call, {
    ...outgoing,
    compose: async mime => splice(call, mime, { kind, replaceMime, original: await opened() }),
  })
  if (value !== undefined && value !== previouslySent) return wbxml(refused(value))
  await mark(call, kind, outgoing, opened)
  // As with SendMail, a client without ClientId gets the answer it missed.
  return value === undefined || !call.body ? empty : wbxml(refused(value))
}

/** Only what was sent is answered. That the mark fails must not have it sent again. */
async function mark({ stores, log }: Call, kind: Splice['kind'], { mime }: Outgoing, opened: () => Promise<Original>): Promise<void> {
  const marked = await outcome(opened().then(({ ref: { folder, validity, uid }, header, message: { flags } }) => {
    const sent = headerOf(mime), all = kind === 'reply' && sent !== undefined && isToAll(header, recipients(sent), stores.person)
    const add = kind === 'forward' ? ['$Forwarded'] : ['\\Answered', ...(all ? [repliedAll] : [])]
    const remove = kind === 'reply' && !all && flags.has(repliedAll) ? [repliedAll] : []
    return stores.mail.setFlags(folder, validity, { uids: [uid], add, remove })
  }))
  if (marked instanceof Failure) log.warn({ command: kind, kind: marked.kind, why: marked.message }, 'not marked after sending')
}

/** [MS-ASCMD] Up to 12.1 the query names the original, and the body is the message. */
async function readQuery(call: Call): Promise<Asked> {
  const { message: mime, request } = call
  if (!mime) throw new Failure('malformed', 'no message')
  return {
    source: await sourceOf(call, request.longId ?? request.itemId, request.longId ? undefined : request.collectionId),
    replaceMime: false, clientId: undefined, outgoing: { mime, clientId: undefined, save: request.saveInSent },
  }
}

async function readElements(call: Call, body: Element, kind: Splice['kind']): Promise<Asked> {
  // There is one account, the primary one, and that has no id: [MS-ASCMD] AccountId (Settings).
  if (text(body, 'ComposeMail:AccountId')) throw new Refusal(invalidAccount)
  const named = child(body, 'ComposeMail:Source'), clientId = text(body, 'ComposeMail:ClientId')
  if (!named || !clientId || clientId.length > 40) throw new Failure('malformed', 'no ClientId or Source')
  const instance = text(named, 'ComposeMail:InstanceId')?.replace(compactDate, '$1-$2-$3T$4:$5:$6')
  if (instance !== undefined && Number.isNaN(Date.parse(instance))) throw new Refusal(badInstance)
  const longId = text(named, 'ComposeMail:LongId'), itemId = text(named, 'ComposeMail:ItemId')
  const source = await sourceOf(call, longId ?? itemId, longId ? undefined : text(named, 'ComposeMail:FolderId'))
  const { message: mime } = call
  const replaceMime = child(body, 'ComposeMail:ReplaceMime') !== undefined
  const save = child(body, 'ComposeMail:SaveInSentItems') !== undefined
  if (kind === 'forward' && (child(body, 'ComposeMail:Forwardees') || child(body, 'AirSyncBase:Body'))) {
    if (!since(call.request.version, '16.0')) throw new Failure('malformed', 'Forwardees before 16.0')
    if (mime || replaceMime || save) throw new Refusal(notBoth)
    return { source, replaceMime, clientId, outgoing: undefined }
  }
  if (!mime) throw new Failure('malformed', 'no Mime')
  return { source, replaceMime, clientId, outgoing: { mime, clientId, save } }
}

/** LongId and ItemId are ids of ours; one that MoveItems has replaced still names its message. */
async function sourceOf(call: Call, id: string | undefined, folder: string | undefined): Promise<MessageRef> {
  if (!id) throw new Failure('malformed', 'a Source without an item')
  const { ref, moved } = await messageOf(call, id)
  if (!moved && folder && folder !== ref.folder) throw new Failure('not-found', 'the item is not in that folder')
  return ref
}

/**
 * [MS-ASCMD] Forwardees, 16.0 and later: the server writes the message. Meant for meetings; mail is forwarded the same way. A
 * copy is filed, since no element can ask for one.
 */
async function forForwardees({ body, stores }: Call, { header }: Original, clientId: string | undefined): Promise<Outgoing> {
  const { named, type, said } = readForwardees(body!)
  const { encoding, octets: written } = encodeText(said)
  const { addresses, login, displayName } = stores.person
  const from = { address: addresses[0] ?? login, ...(displayName ? { name: displayName } : {}) }
  const fields = [
    `From: ${printMailbox(from)}`, `To: ${named.map(printMailbox).join(',\r\n ')}`,
    `Subject: ${encodeWords(`FW: ${field(header, 'subject') ?? ''}`.slice(0, 1000))}`, 'MIME-Version: 1.0',
    `Content-Type: text/${type === '2' ? 'html' : 'plain'}; charset=utf-8`, `Content-Transfer-Encoding: ${encoding}`,
  ]
  return { mime: [Buffer.concat([Buffer.from(`${fields.join('\r\n')}\r\n\r\n`), written])], clientId, save: true }
}
