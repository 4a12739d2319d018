import { randomBytes } from 'node:crypto'
import { link, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../base/failure.ts'

/** Milliseconds: after which a lock is nobody's any more, for which somebody waits for it, and between two tries. */
const stale = 10_000, patience = 15_000, pause = 8

/** What the holder asks before the step that cannot be taken back: whether the lock is still its own. */
export type Held = { sure(): Promise<void> }

/**
 * One at a time of all processes that see this file. The lock of a process that died is taken from it: at once where it was one of this
 * host, else after ten seconds. Throws `unavailable` where the folder cannot be written to, `busy` where the turn does not come.
 */
export async function locked<T>(file: string, work: (held: Held) => Promise<T>): Promise<T> {
  const mine = `${process.pid} ${hostname()} ${randomBytes(9).toString('base64url')}`
  await take(file, mine)
  const isMine = async (): Promise<boolean> => await content(file) === mine
  try {
    return await work({
      async sure() {
        if (!await isMine()) throw new Failure('busy', `${file} was held for too long`, { retryAfter: 5 })
      },
    })
  } finally {
    if (await isMine()) await unlink(file).catch(() => {})
  }
}

async function take(file: string, mine: string): Promise<void> {
  const until = performance.now() + patience
  for (;;) {
    try {
      await writeFile(file, mine, { flag: 'wx', mode: 0o600 })
      return
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw new Failure('unavailable', `${file} cannot be written`, { cause })
    }
    await takeFromTheDead(file)
    if (performance.now() > until) throw new Failure('busy', `${file} is held by another process`, { retryAfter: 5 })
    await sleep(pause + Math.random() * pause)
  }
}

/** Moved away first and looked at then: of several that try, one moves it, and what turns out to be somebody's is given back. */
async function takeFromTheDead(file: string): Promise<void> {
  const seen = await content(file)
  if (seen === undefined || !await isNobodys(file, seen)) return
  const away = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`
  try {
    await rename(file, away)
    if (await content(away) !== seen) await link(away, file)
  } catch {
    // Somebody else was faster.
  }
  await unlink(away).catch(() => {})
}

async function isNobodys(file: string, seen: string): Promise<boolean> {
  const [pid, host] = seen.split(' ')
  if (host === hostname() && Number(pid) > 0) return !isAlive(Number(pid))
  const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }))
  return Date.now() - mtimeMs > stale
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const content = (file: string): Promise<string | undefined> => readFile(file, 'utf8').catch(() => undefined)
