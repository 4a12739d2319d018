// Many processes on one port, as they are run: killed, stuck, and with a wrong configuration.
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePorts, HOST } from '../support/house.ts'
import { startHouse, type House } from '../support/live.ts'
import { isGone, linesOf, startPostern, type Postern } from '../support/postern.ts'

let house: House
beforeAll(async () => { house = await startHouse() })
afterAll(() => house.stop())

const urlOf = ({ host, port }: Postern): string => `http://${host}:${port}`
describe('workers', () => {
  it('that die are started again, after a pause that grows when they die at once', async () => {
    const postern = await startPostern(house, { workers: 2 })
    const first = postern.workers()
    for (let deaths = 1; deaths <= 4; deaths++) {
      await expect.poll(() => postern.workers().length).toBe(2)
      process.kill(postern.workers().at(-1)!, 'SIGKILL')
      await expect.poll(() => linesOf(postern, 'worker ended, another one will be started')).toHaveLength(deaths)
    }
    const told = linesOf(postern, 'worker ended, another one will be started')
    expect(told.map(({ signal, pause }) => [signal, pause])).toEqual([['SIGKILL', 100], ['SIGKILL', 200], ['SIGKILL', 400], ['SIGKILL', 800]])
    expect(postern.workers()).toContain(first[0])
    await expect.poll(() => postern.workers().length).toBe(2)

    const all = postern.workers()
    await postern.kill()
    await expect.poll(() => all.filter(pid => !isGone(pid))).toEqual([])
  }, 60_000)

  it('that hang are killed and replaced, while others serve', async () => {
    const postern = await startPostern(house, { workers: 2 })
    const [stuck = 0] = postern.workers()
    process.kill(stuck, 'SIGSTOP')
    const asked = Promise.allSettled(Array.from({ length: 10 }, () =>
      fetch(`${urlOf(postern)}/.postern/health`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(80_000) })))
    await expect.poll(() => isGone(stuck), { timeout: 60_000, interval: 500 }).toBe(true)
    expect(linesOf(postern, 'worker gives no sign of life and is killed')).toMatchObject([{ pid: stuck }])
    await expect.poll(() => postern.workers().length).toBe(2)
    // The connection that was being handed to it is closed, so that its client can try again.
    const lost = (await asked).flatMap(result => result.status === 'rejected' ? [String((result.reason as Error).name)] : [])
    expect(lost).toEqual(['TypeError'])
    expect(await postern.stop()).toBe(0)
  }, 120_000)

  it('stay as they are when the configuration is wrong, and when new ones do not start', async () => {
    const [port = 0, other = 0] = await freePorts(2)
    const postern = await startPostern(house, { workers: 2, port })
    const before = postern.workers()
    const good = readFileSync(postern.config, 'utf8')

    writeFileSync(postern.config, good.replace('secret:', 'secrets:'))
    process.kill(postern.pid, 'SIGHUP')
    await expect.poll(() => linesOf(postern, 'configuration refused, the former one stays')).toHaveLength(1)

    // Nobody can listen there.
    writeFileSync(postern.config, good.replace(`host: ${HOST}`, 'host: 192.0.2.1').replace(String(port), String(other)))
    process.kill(postern.pid, 'SIGHUP')
    await expect.poll(() => linesOf(postern, 'configuration refused, the former one stays')).toHaveLength(2)
    expect(linesOf(postern, 'configuration refused, the former one stays')[1]).toMatchObject({ why: expect.stringContaining('before it was ready') })
    expect(postern.log()).toContain('EADDRNOTAVAIL')
    expect(postern.workers()).toEqual(before)

    // What is right again is taken, another address included.
    writeFileSync(postern.config, good.replace(`port: ${port}`, `port: ${other}`))
    process.kill(postern.pid, 'SIGHUP')
    await expect.poll(() => linesOf(postern, 'configuration reloaded'), { timeout: 20_000 }).toHaveLength(1)
    expect((await fetch(`http://${HOST}:${other}/.postern/health`)).status).toBe(200)
    await expect(fetch(`${urlOf(postern)}/.postern/health`)).rejects.toThrow()
    expect(await postern.stop()).toBe(0)
  }, 60_000)

  it('are the program as it is on the disk when they are replaced', async () => {
    const program = join(house.dir, 'program.mjs')
    const write = (name: string) =>
      writeFileSync(program, `console.log(JSON.stringify({ msg: '${name} code' }))\nawait import('${pathToFileURL(resolve('src/cli.ts')).href}')\n`)
    write('former')
    const postern = await startPostern(house, { workers: 2, program })
    // The first process is one of them.
    expect(linesOf(postern, 'former code')).toHaveLength(3)
    write('new')
    process.kill(postern.pid, 'SIGHUP')
    await expect.poll(() => linesOf(postern, 'configuration reloaded'), { timeout: 40_000 }).toHaveLength(1)
    expect(linesOf(postern, 'new code')).toHaveLength(2)
    expect(await postern.stop()).toBe(0)
  }, 60_000)
})
