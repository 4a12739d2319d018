// Requests as whoever traces them sees them, by way of what an SDK registers.
import { SpanKind } from '@opentelemetry/api'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { type App, startApp } from '../../src/app.ts'
import { silent } from '../../src/base/log.ts'
import { parseConfig } from '../../src/config.ts'
import { Phone } from '../support/eas-client.ts'
import { HOST } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { configuration } from '../support/postern.ts'
import { keepSpans } from '../support/spans.ts'

let house: House, app: App, phone: Phone, kept: ReturnType<typeof keepSpans>
beforeAll(async () => {
  house = await startHouse()
  kept = keepSpans()
  app = await startApp(parseConfig(stringify(configuration(house, HOST, 0)), { name: 'p.yaml', folder: '.', environment: {} }), silent)
  const { login, password } = house.user('anna')
  phone = new Phone({ url: app.url, user: login, password, deviceId: 'TRACEDDEVICE' })
})
afterEach(() => { kept.spans.length = 0 })
afterAll(async () => {
  phone?.close()
  await app?.close()
  kept?.close()
  await house?.stop()
  expect(app.bugs()).toBe(0)
})

const ended = async (count: number): Promise<void> => expect.poll(() => kept.spans.filter(({ kind, ends }) => kind === SpanKind.SERVER && ends === 1)).toHaveLength(count)

describe('a span', () => {
  it('is there for a request, below that of who sent it, and below it what backends were asked', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
    await phone.folderSync('0', { headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } })
    await ended(1)
    const [request, ...operations] = kept.spans
    expect(request).toMatchObject({
      name: 'eas FolderSync', trace: traceId, parent: '00f067aa0ba902b7', failed: false, attributes: {
        'http.request.method': 'POST', 'http.response.status_code': 200, 'postern.front': 'eas', 'postern.command': 'FolderSync', 'postern.version': '16.1',
        'postern.status': '1',
      },
    })
    expect(new Set(operations.map(({ name }) => name))).toEqual(new Set(['imap folders']))
    for (const one of operations) expect(one).toMatchObject({ kind: SpanKind.CLIENT, trace: traceId, parent: request!.id, ends: 1, failed: false })
    expect(JSON.stringify(kept.spans)).not.toMatch(/anna|secret|TRACEDDEVICE|postern\.test/i)
  })

  it('of one request has none of another that runs beside it', async () => {
    const inbox = phone.folder('2')
    await phone.syncAll(inbox)
    kept.spans.length = 0
    const body = phone.syncBody({ collections: [{ id: inbox }] })
    await Promise.all(Array.from({ length: 8 }, (_, n) => phone.raw('Sync', body, { headers: { traceparent: `00-${String(n).repeat(32)}-000000000000000a-01` } })))
    await ended(8)
    const requests = kept.spans.filter(({ kind }) => kind === SpanKind.SERVER)
    expect(new Set(requests.map(one => one.trace)).size).toBe(8)
    const operations = kept.spans.filter(({ kind }) => kind !== SpanKind.SERVER)
    expect(operations.length).toBeGreaterThanOrEqual(8)
    for (const one of operations) expect(requests.find(({ id }) => id === one.parent)?.trace).toBe(one.trace)
  })

  it('ends when a wait does, and says what failed and how', async () => {
    const inbox = phone.folder('2')
    const over = new AbortController(), waiting = phone.ping([inbox], 600, { signal: over.signal })
    await expect.poll(() => kept.spans.filter(({ kind }) => kind === SpanKind.SERVER)).toMatchObject([{ ends: 0 }])
    over.abort()
    await expect(waiting).rejects.toThrow()
    await ended(1)
    expect(kept.spans[0]).toMatchObject({ name: 'eas Ping', failed: true, attributes: { 'error.type': 'cut' } })
    await phone.sync({ collections: [{ id: 'nothing' }] })
    await ended(2)
    expect(kept.spans.at(-1)).toMatchObject({ name: 'imap folder', failed: true, attributes: { 'error.type': 'not-found' }, ends: 1 })
  })
})
