// Connections that break before the server has said a word: what is tried again, and what never is.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { davClient } from '../../src/backend/dav-client.ts'
import { unmeasured } from '../../src/base/metrics.ts'
import { smtpSubmission } from '../../src/backend/smtp.ts'
import { sharedWays } from '../../src/backend/ways.ts'
import { startHouse, type House } from '../support/live.ts'
import { keptLog } from '../support/http.ts'

let house: House
const doors: (() => void)[] = []
beforeAll(async () => { house = await startHouse({ users: 2, radicale: true }) })
afterEach(() => doors.splice(0).forEach(close => close()))
afterAll(() => house.stop())

/** A way to a server that breaks off its first `drops` connections at once. */
async function door(target: { host: string; port: number }, drops: number) {
  const sockets = new Set<Socket>()
  const counts = { come: 0 }
  const server = createServer(client => {
    counts.come++
    sockets.add(client.on('error', () => {}))
    if (counts.come <= drops) return void client.destroy()
    const real = connect(target.port, target.host).on('error', () => client.destroy())
    sockets.add(real)
    client.pipe(real).pipe(client)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  doors.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, security: 'none', counts } as const
}

const login = (who: number | string, password?: string) => {
  const user = house.user(who)
  return { kind: 'password', user: user.login, password: password ?? user.password } as const
}
const ways = (sessions = {}) => {
  const log = keptLog()
  return { ...sharedWays(sessions, { failures: 3, pauseSeconds: 60, mostSeconds: 60 }, { log, metrics: unmeasured }), log }
}

describe('an IMAP login', () => {
  it.each([[0, 1], [1, 2], [2, 3]])('over a way that drops %i connections takes %i', async (drops, come) => {
    const endpoint = await door(house.imap, drops)
    const connection = await ways().dial(endpoint, 'anna')(login(0), 5000, 'session')
    expect([endpoint.counts.come, connection.closed]).toEqual([come, false])
    connection.close()
  })

  it('that is refused is not tried again, and says nothing against the server', async () => {
    const endpoint = await door(house.imap, 0), { dial, log } = ways()
    for (let n = 0; n < 2; n++) await expect(dial(endpoint, 'anna')(login(0, 'wrong'), 5000, 'session')).rejects.toMatchObject({ kind: 'auth' })
    expect([endpoint.counts.come, log.lines]).toEqual([2, []])
  })

  it('is not tried at all after some that failed, for any user of that server', async () => {
    const endpoint = await door(house.imap, Infinity), { dial, log } = ways()
    for (let n = 0; n < 3; n++) await expect(dial(endpoint, 'anna')(login(0), 5000, 'session')).rejects.toMatchObject({ kind: 'unavailable' })
    expect(endpoint.counts.come).toBe(9)
    await expect(dial(endpoint, 'bob')(login(1), 5000, 'session')).rejects.toMatchObject({ kind: 'unavailable', retryAfter: expect.any(Number) })
    expect([endpoint.counts.come, log.lines.map(({ message }) => message)]).toEqual([9, ['server does not answer and is left alone']])
    const other = await dial({ ...house.imap, security: 'none' }, 'bob')(login(1), 5000, 'session')
    other.close()
  })

  it('of a user with too many connections is for later; one of them that ends makes room', async () => {
    const { dial } = ways({ perUser: 2 }), endpoint = { ...house.imap, security: 'none' } as const
    const [first, second] = [await dial(endpoint, 'anna')(login(0), 5000, 'session'), await dial(endpoint, 'anna')(login(0), 5000, 'session')]
    await expect(dial(endpoint, 'anna')(login(0), 5000, 'session')).rejects.toMatchObject({ kind: 'busy', message: 'more than 2 IMAP connections of one user' })
    const other = await dial(endpoint, 'bob')(login(1), 5000, 'session')
    first.close()
    const third = await dial(endpoint, 'anna')(login(0), 5000, 'session')
    for (const connection of [second, third, other]) connection.close()
  })
})

describe('a mail', () => {
  it('is never sent over a second connection', async () => {
    const endpoint = await door(house.submission, 1)
    const submission = smtpSubmission({ ...endpoint, auth: true }, login(0), ways().breaker('smtp'))
    const { address } = house.user(0)
    const send = () => submission.send(address, [address], Buffer.from('Subject: once\r\n\r\ntext\r\n'))
    await expect(send()).rejects.toMatchObject({ kind: 'unavailable' })
    expect(endpoint.counts.come).toBe(1)
    await send()
    expect(endpoint.counts.come).toBe(2)
  })

  it('is not tried while the server is left alone', async () => {
    const endpoint = await door(house.submission, Infinity), { breaker, log } = ways()
    const submission = smtpSubmission({ ...endpoint, auth: true }, login(0), breaker('smtp'))
    const { address } = house.user(0)
    for (let n = 0; n < 6; n++) await expect(submission.send(address, [address], Buffer.from('\r\n'))).rejects.toMatchObject({ kind: 'unavailable' })
    expect([endpoint.counts.come, log.lines.length]).toEqual([3, 1])
  })
})

describe('a DAV request', () => {
  const davAt = () => ({ host: '127.0.0.1', port: Number(new URL(house.dav.url).port) })
  const client = (port: number) => davClient({ url: `http://127.0.0.1:${port}/` }, login(0), 5, ways().breaker('dav'))

  it.each([
    ['PROPFIND', 3, 207], ['OPTIONS', 3, 200],
  ] as const)('%s is tried up to three times', async (method, come, status) => {
    const way = await door(davAt(), 2), dav = client(way.port)
    const answer = await dav.ask({ method, path: `/${house.user(0).login}/`, headers: { depth: '0' } })
    expect([answer.status, way.counts.come]).toEqual([status, come])
    for await (const _ of answer.body) { /* dropped */ }
    await dav.close()
  })

  it.each(['PUT', 'DELETE', 'MKCOL', 'PROPPATCH', 'MOVE', 'POST'] as const)('%s is tried once', async method => {
    const way = await door(davAt(), 1), dav = client(way.port)
    await expect(dav.ask({ method, path: `/${house.user(0).login}/x/`, ...(method === 'DELETE' ? {} : { body: 'x' }) })).rejects.toMatchObject({ kind: 'unavailable' })
    expect(way.counts.come).toBe(1)
    await dav.close()
  })
})
