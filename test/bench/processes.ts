import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** Linux only, as the numbers come from /proc. Memory in KiB, time in milliseconds. */
export type Usage = { readonly memory: number; readonly peak: number; readonly cpu: number; readonly processes: number }

/** One process: resident memory now and at its highest since `resetPeak`, and the time it has computed. */
export function usage(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
  return { memory: kib('VmRSS'), peak: kib('VmHWM'), cpu: cpuOf(pid), processes: 1 }
}

/** The highest memory counts anew. */
export const resetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5')

/** A process and all below it; pages they share count once (proportional set size). */
export function treeUsage(root: number): Usage {
  const all = tree(root)
  return all.reduce((sum, pid) => {
    const memory = pssOf(pid)
    return { memory: sum.memory + memory, peak: 0, cpu: sum.cpu + cpuOf(pid), processes: sum.processes + 1 }
  }, { memory: 0, peak: 0, cpu: 0, processes: 0 })
}

function tree(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    const parent = pid ? Number(stat(pid)?.[1]) : NaN
    if (parent) children.set(parent, [...children.get(parent) ?? [], pid])
  }
  const below = (pid: number): number[] => [pid, ...(children.get(pid) ?? []).flatMap(below)]
  return below(root)
}

/** proc(5), /proc/pid/stat, from the third field on; undefined once the process is gone. */
function stat(pid: number): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')
  } catch {
    return undefined
  }
}

/** Of all threads, to the nanosecond: the time on a processor is the first number of proc(5), /proc/pid/schedstat. */
function cpuOf(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    return threads.reduce((sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]), 0) / 1e6
  } catch {
    return 0
  }
}

function pssOf(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
