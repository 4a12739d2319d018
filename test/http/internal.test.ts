import { afterEach, describe, expect, it } from 'vitest'
import { listenInternally, probes, type Stage } from '../../src/http/internal.ts'
import type { HttpServer } from '../../src/http/server.ts'
import { keptLog } from '../support/http.ts'

let server: HttpServer | undefined
afterEach(async () => {
  await server?.close(0)
  expect(server?.bugs()).toBe(0)
})

describe('the internal listener', () => {
  it.each<[Stage, number]>([['starting', 503], ['ready', 200], ['draining', 503]])('is alive and %s: %i', async (stage, status) => {
    const log = keptLog()
    server = await listenInternally({ host: '127.0.0.1', port: 0 }, probes(() => stage), log)
    const url = `http://127.0.0.1:${server.port}`
    const ready = await fetch(`${url}/readyz`)
    expect([ready.status, await ready.text()]).toEqual([status, `${stage}\n`])
    const alive = await fetch(`${url}/healthz?verbose`, { method: 'HEAD' })
    expect(alive.status).toBe(200)
    expect(log.lines).toEqual([])
  })

  it('has pages of others, and nothing else', async () => {
    server = await listenInternally({ host: '127.0.0.1', port: 0 }, { '/metrics': async () => new Response('postern_requests 1\n') }, keptLog())
    const url = `http://127.0.0.1:${server.port}`
    expect(await (await fetch(`${url}/metrics`)).text()).toBe('postern_requests 1\n')
    const post = await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect((await fetch(`${url}/constructor`)).status).toBe(404)
    expect((await fetch(`${url}/Microsoft-Server-ActiveSync`)).status).toBe(404)
  })
})
