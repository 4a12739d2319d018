import { Failure } from '../base/failure.ts'
import type { FrontRequest, Visit } from '../base/front.ts'

/** What our own pages send with each request: `used` where a person did something since the last one. No form and no other site can. */
export const ownHeader = 'x-postern-page'

/**
 * Throws `denied` for a request that another site may have had a browser send. A form can send no JSON and no header of ours, and a script of
 * another site may not; where a browser says where the request comes from, that has to fit besides.
 * Fetch Metadata, Sec-Fetch-Site; RFC 6454, The HTTP Origin Header Field.
 */
export function expectOwnPage({ method, headers }: FrontRequest, { origin }: Visit): void {
  if (method !== 'POST') throw new Failure('unsupported', 'only POST changes something')
  if (!/^application\/json *(;|$)/i.test(headers.get('content-type') ?? '')) throw elsewhere('the body is not said to be JSON')
  if (headers.get(ownHeader) === null) throw elsewhere(`there is no ${ownHeader}`)
  const site = headers.get('sec-fetch-site'), from = headers.get('origin')
  if (site !== null) {
    if (site !== 'same-origin' && site !== 'none') throw elsewhere('another site sent it')
  } else if (from?.toLowerCase() !== `${origin.secure ? 'https' : 'http'}://${origin.host}`) throw elsewhere('its Origin is not ours')
}

const elsewhere = (why: string): Failure => new Failure('denied', `This was not sent by the page: ${why}.`)
