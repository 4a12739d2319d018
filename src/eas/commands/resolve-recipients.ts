import { Failure } from '../../base/failure.ts'
import { isCurrent, isForEncryption, isForMail, readCertificate } from '../../formats/certificate.ts'
import type { Entry } from '../../model/directory.ts'
import type { Directory } from '../../model/ports.ts'
import { el, type Node } from '../../wire/wbxml.ts'
import { recipientsTimes, type Time } from '../recipients-times.ts'
import { wbxml, type Call, type Command } from '../command.ts'
import { resolveRecipient, type Meant } from '../directories.ts'
import { Photos, type Photo } from '../photos.ts'
import { readResolveRequest, type ResolveRequest } from './resolve-request.ts'

/** [MS-ASCMD] Status (ResolveRecipients): of the command, of a Response, of Availability, of Certificates. */
const success = '1', protocolError = '5', serverError = '6'
const resolved = '1', ambiguous = '2', partial = '3', unresolved = '4'
const timeStatus: Readonly<Record<Exclude<Time, object>, string>> = { 'too many': '160', 'too large': '161', later: '162', unknown: '163' }
const noCertificate = '7', certificateLimit = '8'

/** [MS-ASCMD] Type (ResolveRecipients). */
const types: Readonly<Record<Entry['kind'], string>> = { gal: '1', contact: '2' }

/** Matches that are counted; recipients that are looked up at the same time. */
const mostCounted = 1000, together = 10

// [MS-ASCMD] ResolveRecipients
export const resolveRecipients: Command = {
  async run(call) {
    const request = readResolveRequest(call)
    const found: Meant[] = []
    for (let at = 0; at < request.to.length; at += together) {
      found.push(...await Promise.all(request.to.slice(at, at + together).map(to => resolve(call, to))))
    }
    Object.assign(call.facts, { items: found.length, found: found.filter(({ total }) => total === 1).length })
    const answering = new Answering(call, request, await recipientsTimes(call, request, found))
    const responses: Node[] = []
    for (const [place, to] of request.to.entries()) responses.push(await answering.response(to, found[place]!))
    return wbxml(el('ResolveRecipients:ResolveRecipients', [el('ResolveRecipients:Status', success), ...responses]))
  },

  refuse: kind => el('ResolveRecipients:ResolveRecipients', [
    el('ResolveRecipients:Status', kind === 'malformed' || kind === 'too-large' ? protocolError : serverError),
  ]),
}

/** Nobody, where the name is one no search can be made for. */
async function resolve(call: Call, to: string): Promise<Meant> {
  try {
    return await resolveRecipient(call.stores, to, mostCounted)
  } catch (error) {
    if (error instanceof Failure && (error.kind === 'malformed' || error.kind === 'too-large')) return { entries: [], total: 0, book: undefined }
    throw error
  }
}

/** One answer: its recipients share the limits of certificates and photos. */
class Answering {
  readonly #call: Call
  readonly #request: ResolveRequest
  readonly #times: ReadonlyMap<Entry, Time>
  readonly #photos: Photos | undefined
  #certificatesLeft: number

  constructor(call: Call, request: ResolveRequest, times: ReadonlyMap<Entry, Time>) {
    this.#call = call
    this.#request = request
    this.#times = times
    this.#photos = request.photos && new Photos(request.photos)
    this.#certificatesLeft = request.mostCertificates
  }

  async response(to: string, { entries, total, book }: Meant): Promise<Node> {
    const isOne = total === 1
    const shown = isOne ? entries : entries.slice(0, this.#request.mostAmbiguous)
    const status = total === 0 ? unresolved : isOne ? resolved : shown.length < total ? partial : ambiguous
    const photos = await this.#photos?.of(shown, book)
    const recipients: Node[] = []
    for (const [place, entry] of shown.entries()) recipients.push(await this.#recipient(entry, book, isOne, photos?.[place]))
    return el('ResolveRecipients:Response', [
      el('ResolveRecipients:To', to), el('ResolveRecipients:Status', status),
      el('ResolveRecipients:RecipientCount', String(total)), ...recipients,
    ])
  }

  /** Suggestions are told without what is asked of the one who is meant. */
  async #recipient(entry: Entry, book: Directory | undefined, isOne: boolean, photo: Photo | undefined): Promise<Node> {
    const { availability, certificates } = this.#request
    return el('ResolveRecipients:Recipient', [
      el('ResolveRecipients:Type', types[entry.kind]), el('ResolveRecipients:DisplayName', entry.displayName),
      el('ResolveRecipients:EmailAddress', entry.addresses[0]),
      ...(isOne && availability ? [this.#availability(entry)] : []),
      ...(isOne && certificates !== 'none' ? [await this.#certificates(entry, book)] : []),
      ...(photo ? [el('ResolveRecipients:Picture', [
        el('ResolveRecipients:Status', photo.status), ...(photo.octets ? [el('ResolveRecipients:Data', photo.octets)] : []),
      ])] : []),
    ])
  }

  #availability(entry: Entry): Node {
    const found = this.#times.get(entry)
    const status = typeof found === 'object' ? success : timeStatus[found ?? 'unknown']
    return el('ResolveRecipients:Availability', [
      el('ResolveRecipients:Status', status), ...(typeof found === 'object' ? [el('ResolveRecipients:MergedFreeBusy', found.digits)] : []),
    ])
  }

  /** [MS-ASCMD] Certificates (ResolveRecipients), MaxCertificates: all of a recipient's, or none where they are too many. */
  async #certificates(entry: Entry, book: Directory | undefined): Promise<Node> {
    const { members, certificates } = await book?.certificates(entry.id) ?? { members: 1, certificates: [] }
    const valid = certificates.filter(der => isValid(der, this.#call.now()))
    const tooMany = valid.length > this.#certificatesLeft
    if (!tooMany) this.#certificatesLeft -= valid.length
    return el('ResolveRecipients:Certificates', [
      el('ResolveRecipients:Status', valid.length === 0 ? noCertificate : tooMany ? certificateLimit : success),
      el('ResolveRecipients:CertificateCount', String(valid.length)), el('ResolveRecipients:RecipientCount', String(members)),
      ...(tooMany ? [] : this.#told(valid.map(der => Buffer.from(der).toString('base64')))),
    ])
  }

  /**
   * [MS-ASCMD] MiniCertificate: one at most. What a mini certificate leaves out is documented nowhere, so it is a whole certificate.
   */
  #told(certificates: readonly string[]): Node[] {
    return this.#request.certificates === 'mini'
      ? certificates.slice(0, 1).map(one => el('ResolveRecipients:MiniCertificate', one))
      : certificates.map(one => el('ResolveRecipients:Certificate', one))
  }
}

/** Whether mail can be encrypted with it now. */
function isValid(der: Uint8Array, now: Date): boolean {
  try {
    const certificate = readCertificate(der)
    return isCurrent(certificate, now) && isForMail(certificate) && isForEncryption(certificate)
  } catch (error) {
    if (error instanceof Failure) return false
    throw error
  }
}
