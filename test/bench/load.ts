import type { Answered } from './http-line.ts'
import type { LightPhone } from './light-phone.ts'
import { treeUsage, usage } from './processes.ts'

/**
 * What is asked, how often and how long; milliseconds of computing by the process (and those below it) that answered, by the one it asks
 * itself, and by this one.
 */
export type Load = { readonly times: readonly number[]; readonly seconds: number; readonly cpu: number; readonly behind: number; readonly client: number }

export const rate = ({ times, seconds }: Load): number => times.length / seconds
/** Microseconds of computing for a request, all processes together where nothing else is said. */
export const each = ({ times, ...load }: Load, of: 'cpu' | 'behind' | 'client' = 'cpu'): number => load[of] * 1000 / times.length
export const eachOfAll = (load: Load): number => each(load, 'cpu') + each(load, 'behind') + each(load, 'client')

/** Each of them again and again for so long. `behind`: the process that is asked by the one that answers. */
export async function load(pid: number | undefined, works: readonly (() => Promise<void>)[], seconds: number, behind?: number): Promise<Load> {
  const times: number[] = []
  const before = { cpu: computed(pid), behind: computed(behind), client: usage(process.pid).cpu }
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
  return {
    times, seconds: (performance.now() - start) / 1000,
    cpu: computed(pid) - before.cpu, behind: computed(behind) - before.behind, client: usage(process.pid).cpu - before.client,
  }
}

const computed = (pid: number | undefined): number => pid ? treeUsage(pid).cpu : 0

export type Rival = { readonly pid?: number; readonly works: readonly (() => Promise<void>)[] }

/** Several by turns, so that what else the machine does meets all of them. */
export async function byTurns<Name extends string>(rivals: Readonly<Record<Name, Rival>>, seconds: number, { turns = 4, behind }: { turns?: number; behind?: number } = {}): Promise<Record<Name, Load>> {
  const names = Object.keys(rivals) as Name[]
  const loads = Object.fromEntries(names.map(name => [name, [] as Load[]])) as Record<Name, Load[]>
  for (let turn = 0; turn < turns; turn += 1) {
    for (const name of names) loads[name].push(await load(rivals[name].pid, rivals[name].works, seconds / turns, behind))
  }
  return Object.fromEntries(names.map(name => [name, sum(loads[name])])) as Record<Name, Load>
}

function sum(loads: readonly Load[]): Load {
  const of = (name: 'seconds' | 'cpu' | 'behind' | 'client'): number => loads.reduce((total, load) => total + load[name], 0)
  return { times: loads.flatMap(({ times }) => times), seconds: of('seconds'), cpu: of('cpu'), behind: of('behind'), client: of('client') }
}

/** A Sync that has to be answered with nothing. */
export async function nothing(phone: LightPhone, ask: Uint8Array, other?: string): Promise<Answered> {
  const answer = await phone.ask('Sync', ask, other)
  if (answer.body.length > 0) throw new Error('a Sync without changes was answered with something')
  return answer
}
