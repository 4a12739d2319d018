import { Failure } from '../base/failure.ts'
import { lengthOf, octetsOf, type Made } from '../formats/mime-splice.ts'
import type { Appending } from '../model/ports.ts'
import type { Call } from './command.ts'
import { outcome } from './outcome.ts'

export type Flowing = {
  readonly from: string
  readonly to: readonly string[]
  /** How the message begins on the wire, and in Sent where a copy is wanted. */
  readonly wire: Uint8Array
  readonly copy: Uint8Array | undefined
  /** How it goes on. */
  readonly rest: Made
}

/**
 * Sends a message while it comes in, octet by octet at the pace of the slowest, and files the copy at the same time: its last octets
 * go out once the submission accepted the message. Answers as `Submission.send` does, or its `Failure`; throws what reading the message
 * threw, and then nothing was sent or filed. A copy that fails stops no message.
 */
export async function sendFlowing(call: Call, { from, to, wire, copy, rest }: Flowing): Promise<Failure | { readonly refused: readonly string[] }> {
  const { stores: { submission }, settings: { maxRequest } } = call
  const announced = lengthOf(rest)
  const filing = copy && await openCopy(call, copy.length + announced)
  let broke: unknown, sent = 0

  async function* octets(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      await filing?.write(copy!)
      yield wire
      for await (const some of octetsOf(rest, maxRequest)) {
        sent += some.length
        await filing?.write(some)
        yield some
      }
    } catch (error) {
      broke = error
      throw error
    }
  }

  try {
    const submitted = await outcome(submission.send(from, to, { length: wire.length + announced, read: octets }))
    if (broke) throw broke
    if (submitted instanceof Failure) return submitted
    const filed = await filing?.finish()
    if (filed === false && sent !== announced) await fileAgain(call, [copy!, ...rest], copy!.length + sent)
    return submitted
  } finally {
    filing?.abandon()
  }
}

/** The copy in Sent as far as it goes: where it fails it is given up, and the log says so. */
type Copy = { write(octets: Uint8Array): Promise<void>; finish(): Promise<boolean>; abandon(): void }

async function openCopy({ stores: { mail }, log }: Call, length: number): Promise<Copy> {
  let failed = false
  let appending: Appending | undefined
  async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (failed) return undefined
    const result = await outcome(work())
    if (!(result instanceof Failure)) return result
    failed = true
    appending?.abandon()
    log.warn({ role: 'sent', kind: result.kind, why: result.message }, 'not filed while sending')
    return undefined
  }
  appending = await attempt(async () => mail.appending((await mail.folderByRole('sent')).id, length, ['\\Seen']))
  return {
    write: async octets => attempt(async () => appending?.write(octets)),
    async finish() {
      await attempt(async () => appending?.finish())
      return !failed
    },
    abandon: () => appending?.abandon(),
  }
}

/** An original whose server counted its octets wrong can be read once more, the right number known. */
async function fileAgain(call: Call, pieces: Made, length: number): Promise<void> {
  if (pieces.some(piece => !(piece instanceof Uint8Array) && piece.once)) return
  const copy = await openCopy(call, length)
  try {
    for await (const octets of octetsOf(pieces, length)) await copy.write(octets)
    await copy.finish()
  } finally {
    copy.abandon()
  }
}
