import { Failure, type Kind } from '../../base/failure.ts'
import { openAttachment } from '../attachment.ts'
import type { Command } from '../command.ts'

/** [MS-ASHTTP] Status Line: a command without a tree has nothing else. */
const status: Partial<Record<Kind, number>> = { malformed: 400, denied: 403, unavailable: 503 }

// [MS-ASCMD] GetAttachment, up to 12.1: the file itself under its own type. What is gone is a 500.
export const getAttachment: Command = {
  async run(call) {
    const name = call.request.attachmentName
    if (!name) throw new Failure('malformed', 'GetAttachment without AttachmentName')
    const { type, octets } = await openAttachment(call, name)
    return { kind: 'octets', type, body: octets() }
  },

  refuse: kind => status[kind] ?? 500,
}
