import { afterEach, describe, expect, it } from 'vitest'
import { type App, startApp } from '../src/app.ts'
import { parseConfig } from '../src/config.ts'
import { createLog } from '../src/logging.ts'
import { certificate } from './http/certificates.ts'
import { keptLog } from './support/http.ts'

const base = `
secret: a secret of more than 32 characters
listen: { host: 127.0.0.1, port: 0 }
backends: [{ imap: { host: 127.0.0.1, port: 9, security: none }, smtp: { host: 127.0.0.1, port: 9, security: none } }]
`
const config = (more = '', environment: Record<string, string> = {}) =>
  parseConfig(`${base}${more}`, { name: 'p.yaml', folder: '.', environment })

let app: App | undefined
afterEach(async () => {
  await app?.close()
  expect(app?.bugs() ?? 0).toBe(0)
})

describe('the application', () => {
  it('answers phones, who must say who they are, and those who look after it, who need not', async () => {
    const log = keptLog()
    app = await startApp(config(), log)
    const phone = await fetch(`${app.url}/microsoft-server-activesync`, { method: 'OPTIONS' })
    expect([phone.status, phone.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="Postern", charset="UTF-8"'])
    expect(await (await fetch(`${app.url}/.postern/health`)).text()).toBe('ok\n')
    expect((await fetch(`${app.url}/else`)).status).toBe(404)
    expect(log.lines.map(line => line['front'])).toEqual(['eas', 'none'])
  })

  it('speaks TLS, and takes a renewed certificate on a reload', async () => {
    const tls = (name: string) => {
      const { cert, key } = certificate(name)
      return config('', { POSTERN_LISTEN__TLS__CERT: cert, POSTERN_LISTEN__TLS__KEY: key })
    }
    const log = keptLog()
    app = await startApp(tls('one.example'), log)
    expect(app.url).toMatch(/^https:/)
    app.reload(tls('two.example'))
    expect(log.lines).toEqual([])
  })

  it('says what a reload cannot change', async () => {
    const log = keptLog()
    app = await startApp(config(), log)
    app.reload(config('', { POSTERN_LOG__LEVEL: 'debug' }))
    expect(log.lines).toEqual([])
    app.reload(config('', { POSTERN_CACHE__MEGABYTES: '65' }))
    expect(log.lines).toMatchObject([{ level: 'warn', message: 'listen, internal, admin, devices, cache and limits change with a restart only' }])
  })

  it('refuses a key of another certificate', () => {
    expect(() => config('', { POSTERN_LISTEN__TLS__CERT: certificate('a').cert, POSTERN_LISTEN__TLS__KEY: certificate('b').key }))
      .toThrow('listen.tls must be a certificate and its own key')
  })
})

it('the log never prints what is called a secret', () => {
  const lines: string[] = []
  const log = createLog('info', { write: line => void lines.push(line) })
  log.info({ password: 'hush', user: { token: 'hush', name: 'ann' }, config: { secret: 'hush', authorization: 'hush' } }, 'text')
  log.info({ name: 'bob', authorization: 'hush', steps: ['one', 'two'], none: null, absent: undefined }, 'text')
  expect(lines.map(line => JSON.parse(line) as object)).toMatchObject([
    { password: '[Redacted]', user: { token: '[Redacted]', name: 'ann' }, config: { secret: '[Redacted]', authorization: '[Redacted]' } },
    { name: 'bob', authorization: '[Redacted]', steps: ['one', 'two'], none: null },
  ])
  expect(lines.join()).not.toContain('hush')
})
