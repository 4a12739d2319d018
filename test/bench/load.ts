import type { Answered } from './http-line.ts'
import type { LightPhone } from './light-phone.ts'
import { treeUsage } from './processes.ts'

/** What is asked, how often and how long; milliseconds of computing by the process (and those below it) that answered. */
export type Load = { readonly times: readonly number[]; readonly seconds: number; readonly cpu: number }

export const rate = ({ times, seconds }: Load): number => times.length / seconds
export const each = ({ times, cpu }: Load): number => cpu * 1000 / times.length

/** Each of them again and again for so long. */
export async function load(pid: number | undefined, works: readonly (() => Promise<void>)[], seconds: number): Promise<Load> {
  const times: number[] = []
  const before = pid ? treeUsage(pid).cpu : 0
  const start = performance.now()
  const end = start + seconds * 1000
  await Promise.all(works.map(async work => {
    for (let now = performance.now(); now < end;) {
      await work()
      const then = now
      now = performance.now()
      times.push(now - then)
    }
  }))
  return { times, seconds: (performance.now() - start) / 1000, cpu: pid ? treeUsage(pid).cpu - before : 0 }
}

export type Rival = { readonly pid?: number; readonly works: readonly (() => Promise<void>)[] }

/** Several by turns, so that what else the machine does meets all of them. */
export async function byTurns<Name extends string>(rivals: Readonly<Record<Name, Rival>>, seconds: number, turns = 4): Promise<Record<Name, Load>> {
  const names = Object.keys(rivals) as Name[]
  const loads = Object.fromEntries(names.map(name => [name, [] as Load[]])) as Record<Name, Load[]>
  for (let turn = 0; turn < turns; turn += 1) {
    for (const name of names) loads[name].push(await load(rivals[name].pid, rivals[name].works, seconds / turns))
  }
  return Object.fromEntries(names.map(name => [name, sum(loads[name])])) as Record<Name, Load>
}

const sum = (loads: readonly Load[]): Load => ({
  times: loads.flatMap(({ times }) => times),
  seconds: loads.reduce((total, { seconds }) => total + seconds, 0),
  cpu: loads.reduce((total, { cpu }) => total + cpu, 0),
})

/** A Sync that has to be answered with nothing. */
export async function nothing(phone: LightPhone, ask: Uint8Array, other?: string): Promise<Answered> {
  const answer = await phone.ask('Sync', ask, other)
  if (answer.body.length > 0) throw new Error('a Sync without changes was answered with something')
  return answer
}
