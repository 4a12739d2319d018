import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { readScheduleResponse } from '../../src/backend/dav-xml.ts'
import { mutations } from '../support/fuzz.ts'

const read = (text: string | Uint8Array) => readScheduleResponse((async function* () { yield Buffer.from(text) })())
const wrapped = (rows: string): string => `<?xml version="1.0"?><C:schedule-response xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">${rows}</C:schedule-response>`
const row = (who: string, status: string, data = ''): string => `<C:response><C:recipient><D:href>${who}</D:href></C:recipient><C:request-status>${status}</C:request-status>${data}</C:response>`
const good = wrapped(row('mailto:bob@x.test', '2.0;Success', '<C:calendar-data>BEGIN:VCALENDAR&#13;\nEND:VCALENDAR</C:calendar-data><D:responsedescription>OK</D:responsedescription>') +
  row('mailto:carol@x.test', '3.7;Invalid Calendar User'))

describe('what an outbox answers', () => {
  it('is told recipient by recipient', async () => {
    expect(await read(good)).toEqual([
      { recipient: 'mailto:bob@x.test', status: '2.0;Success', data: 'BEGIN:VCALENDAR\r\nEND:VCALENDAR' },
      { recipient: 'mailto:carol@x.test', status: '3.7;Invalid Calendar User', data: undefined },
    ])
    expect(await read(wrapped('<C:response><C:recipient>mailto:a@x.test</C:recipient></C:response>'))).toEqual([{ recipient: 'mailto:a@x.test', status: '', data: undefined }])
  })

  it.each([
    ['nothing', ''], ['a page', '<!doctype html><p>x'], ['another answer', '<D:multistatus xmlns:D="DAV:"/>'], ['half of one', good.slice(0, 200)],
    ['one nested too deep', wrapped('<a>'.repeat(100))], ['one with an entity', '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'],
  ])('is not %s', async (_, text) => {
    await expect(read(text)).rejects.toMatchObject({ kind: 'unavailable' })
  })

  it('is read, or refused, whatever it is', async () => {
    for (const octets of mutations([Buffer.from(good)], 20_000, 5)) {
      await read(octets).catch((error: unknown) => { if (!(error instanceof Failure)) throw error })
    }
  }, 60_000)
})
