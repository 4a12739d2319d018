import { Failure } from '../base/failure.ts'
import { defaultOptions } from '../state/sync-options.ts'
import { text, type Element } from '../wire/wbxml.ts'
import { readPart, readPreferences } from './commands/sync-request.ts'
import type { BodyWish } from './map/body.ts'

/** [MS-ASCMD] Options (ItemOperations, Search). MIME is not sent unless it is asked for, and then whole. Throws `malformed`. */
export function readWish(options: Element | undefined): BodyWish {
  const mimeSupport = Number(options && text(options, 'AirSync:MIMESupport') || 0)
  if (![0, 1, 2].includes(mimeSupport)) throw new Failure('malformed', 'MIMESupport')
  return {
    mimeSupport: mimeSupport as BodyWish['mimeSupport'], mimeTruncation: defaultOptions.mimeTruncation,
    bodies: options ? readPreferences(options) : [],
    ...(options ? readPart(options) : {}),
  }
}

/** The size of a body without any of it, and as much of a preview. */
export const noBody = (preview = 0): BodyWish => ({
  mimeSupport: 0, mimeTruncation: defaultOptions.mimeTruncation, bodies: [{ type: 1, truncationSize: 0, ...(preview ? { preview } : {}) }],
})
