import { readFile, stat } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'
import { request } from 'undici'
import { Failure } from '../base/failure.ts'
import { readCrl, type Crl } from '../formats/crl.ts'

export type CrlConfig = {
  /** Hosts whose revocation lists may be fetched, by HTTP without encryption too, as lists are signed; `*.example.org` is all below. */
  readonly hosts?: readonly string[]
  /** Files of revocation lists, DER or PEM. Read again when they changed. */
  readonly files?: readonly string[]
  /** Octets of one list. Default 16 MiB. */
  readonly largest?: number
  /** Seconds for one fetch. Default 10. */
  readonly timeoutSeconds?: number
}

export type CrlSource = {
  /** Throws `unavailable` for a file that cannot be read, `malformed`, `too-large`. */
  open(path: string): Promise<Crl>
  /** Throws also `denied` for a host that is not allowed, `unavailable` for one that does not answer. */
  fetch(url: string): Promise<Crl>
}

/** Seconds a list is believed before a newer one is looked for, and a failure before another try; octets of all lists, in the largest. */
const kept = 3600, refused = 60, together = 4

const octetsOfEntry = 1024

/** Revocation lists, from files and by HTTP (RFC 5280, CRL Distribution Points). */
export function crlSource({ hosts = [], largest = 16 * 1024 * 1024, timeoutSeconds = 10 }: CrlConfig): CrlSource {
  const read = new LRUCache<string, Promise<Crl>>({ maxSize: together * largest })

  function remembered(key: string, load: () => Promise<Crl>): Promise<Crl> {
    const known = read.get(key)
    if (known) return known
    const loading = load()
    const keep = (size: number, seconds: number): void => void read.set(key, loading, { size, ttl: seconds * 1000 })
    keep(octetsOfEntry, kept)
    loading.then(
      ({ size, nextUpdate }) => keep(octetsOfEntry + size, Math.max(refused, Math.min(kept, nextUpdate ? (nextUpdate.getTime() - Date.now()) / 1000 : kept))),
      () => keep(octetsOfEntry, refused),
    )
    return loading
  }

  async function load(url: string): Promise<Crl> {
    const name = new URL(url).host
    let octets: Uint8Array
    try {
      // A redirect may lead anywhere.
      const { statusCode, body } = await request(url, { signal: AbortSignal.timeout(timeoutSeconds * 1000) })
      if (statusCode !== 200) {
        await body.dump()
        throw new Failure('unavailable', `${name} answers ${statusCode} instead of a revocation list`)
      }
      const chunks: Uint8Array[] = []
      let length = 0
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        length += chunk.length
        if (length > largest) throw new Failure('too-large', `the revocation list of ${name}`)
        chunks.push(chunk)
      }
      octets = Buffer.concat(chunks)
    } catch (error) {
      throw error instanceof Failure ? error : new Failure('unavailable', `${name} does not give its revocation list`, { cause: error })
    }
    return readCrl(octets)
  }

  async function open(path: string): Promise<Crl> {
    try {
      const { mtimeMs, size } = await stat(path)
      if (size > largest) throw new Failure('too-large', `the revocation list ${path}`)
      return await remembered(`${path} ${mtimeMs}`, async () => readCrl(await readFile(path)))
    } catch (error) {
      throw error instanceof Failure ? error : new Failure('unavailable', `${path} cannot be read`, { cause: error })
    }
  }

  return {
    open,
    async fetch(url) {
      if (!isAllowed(url, hosts)) throw new Failure('denied', 'a revocation list of a host that is not allowed')
      return remembered(url, () => load(url))
    },
  }
}

function isAllowed(url: string, hosts: readonly string[]): boolean {
  const { protocol = '', hostname = '' } = URL.parse(url) ?? {}
  return (protocol === 'http:' || protocol === 'https:') &&
    hosts.some(host => host.startsWith('*.') ? hostname.endsWith(host.slice(1)) : hostname === host)
}
