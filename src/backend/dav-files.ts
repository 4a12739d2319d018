import { Failure } from '../base/failure.ts'
import type { NewFile } from '../model/event.ts'
import type { ObjectFiles, ObjectRef } from '../model/ports.ts'
import { octetsOf, type DavAnswer, type DavClient } from './dav-client.ts'

export type DavFilesOptions = {
  readonly client: DavClient
  readonly addressOf: (ref: ObjectRef) => Promise<string>
  /** Whether the server says that it has an extension. */
  readonly offers: (extension: string) => Promise<boolean>
  /** Resolves as `work`; who waits for changes of the folder hears of it. */
  readonly written: <T>(ref: ObjectRef, work: Promise<T>) => Promise<T>
}

/** RFC 8607, Managed Attachments: files of events that the server keeps beside them. */
export function davFiles({ client, addressOf, offers, written }: DavFilesOptions): ObjectFiles {
  /** What a server calls itself to the world may be another name than that by which it is reached; what it keeps is on it all the same. */
  function pathOf(uri: string, managed: boolean): string {
    const url = URL.parse(uri, client.origin)
    if (!url || !/^https?:$/.test(url.protocol) || (!managed && url.origin !== client.origin)) throw new Failure('not-found', 'a file that is elsewhere')
    return url.pathname + url.search
  }

  async function post(ref: ObjectRef, action: Readonly<Record<string, string>>, more: { readonly headers?: Record<string, string>; readonly body?: Uint8Array }): Promise<DavAnswer> {
    const path = `${await addressOf(ref)}?${new URLSearchParams(action).toString()}`
    const answer = await written(ref, client.ask({ method: 'POST', path, ...more }))
    await octetsOf(answer)
    return answer
  }

  const etagOf = ({ headers: { etag } }: DavAnswer): string | undefined => typeof etag === 'string' && !etag.startsWith('W/') ? etag.trim() : undefined
  const of = (occurrence: string | undefined): Record<string, string> => occurrence === undefined ? {} : { rid: occurrence }

  return {
    keeps: () => offers('calendar-managed-attachments'),
    isHere: uri => URL.parse(uri)?.origin === client.origin,
    async open(uri, managed) {
      const path = pathOf(uri, managed)
      const head = await client.ask({ method: 'HEAD', path, expect: [405, 501] })
      await octetsOf(head)
      const length = head.status < 300 ? head.headers['content-length'] : undefined
      return {
        length: typeof length === 'string' && /^\d{1,15}$/.test(length) ? Number(length) : undefined,
        async *octets() {
          yield* (await client.ask({ method: 'GET', path })).body
        },
      }
    },
    async add(ref, { name, type, octets }: NewFile, occurrence) {
      const headers = { 'content-type': type, 'content-disposition': `attachment; ${fileName(name)}` }
      const answer = await post(ref, { action: 'attachment-add', ...of(occurrence) }, { headers, body: octets })
      const id = answer.headers['cal-managed-id']
      if (typeof id !== 'string' || id === '') throw new Failure('unavailable', 'the DAV server does not say what it calls a file')
      return { id, etag: etagOf(answer) }
    },
    async remove(ref, id, occurrence) {
      return { etag: etagOf(await post(ref, { action: 'attachment-remove', 'managed-id': id, ...of(occurrence) }, {})) }
    },
  }
}

const percent = (one: string): string => `%${one.charCodeAt(0).toString(16).toUpperCase()}`

/** RFC 6266, Content-Disposition: for those who read one form and those who read the other. */
const fileName = (name: string): string =>
  `filename="${name.replace(/[^\x20-\x7e]|["\\]/g, '_')}"; filename*=UTF-8''${encodeURIComponent(name.toWellFormed()).replace(/['()*!]/g, percent)}`
