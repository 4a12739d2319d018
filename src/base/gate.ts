import { Failure } from './failure.ts'
import { spread } from './retry.ts'

export type GateOptions = {
  /** How many may be inside. */
  readonly places: number
  /** Of the patient, at most half as many, and so many a second. */
  readonly perSecond: number
  /** Seconds an urgent one waits for a place. Default 15. */
  readonly seconds?: number
  /** Seconds after which who is still inside no longer counts: what hangs for one user must not stop all. Default 3. */
  readonly holdSeconds?: number
  /** Urgent ones that may wait. Default 1000. */
  readonly queue?: number
}

export type Gate = {
  /** Waits for a place; urgent ones go before patient ones, who wait as long as it takes. Throws `busy`. What is answered gives it back. */
  enter(patient?: boolean): Promise<() => void>
}

type Waiting = { readonly patient: boolean; readonly admit: () => void }

/** Lets only so many do something at the same time. */
export function gate(what: string, { places, perSecond, seconds = 15, holdSeconds = 3, queue = 1000 }: GateOptions): Gate {
  const urgent = new Set<Waiting>(), patients = new Set<Waiting>()
  const inside = { urgent: 0, patient: 0 }
  /** When the next patient one may go. */
  let turn = -Infinity
  let timer: NodeJS.Timeout | undefined

  function next(): void {
    while (inside.urgent + inside.patient < places) {
      const [first] = urgent.size > 0 ? urgent : patientOnes()
      if (!first) return
      urgent.delete(first)
      patients.delete(first)
      inside[first.patient ? 'patient' : 'urgent']++
      if (first.patient) turn = Math.max(turn, performance.now()) + 1000 / perSecond
      first.admit()
    }
  }

  /** Those who may go now. */
  function patientOnes(): Iterable<Waiting> {
    if (patients.size === 0 || inside.patient >= Math.max(1, Math.floor(places / 2))) return []
    const early = turn - performance.now()
    if (early <= 0) return patients
    timer ??= setTimeout(() => {
      timer = undefined
      next()
    }, Math.ceil(early)).unref()
    return []
  }

  /** Gives a place back, once; by itself after some time. */
  function leaving(patient: boolean): () => void {
    let left = false
    const leave = (): void => {
      clearTimeout(held)
      if (left) return
      left = true
      inside[patient ? 'patient' : 'urgent']--
      next()
    }
    const held = setTimeout(leave, holdSeconds * 1000).unref()
    return leave
  }

  return {
    enter: (patient = false) => new Promise((resolve, reject) => {
      const busy = (): void => reject(new Failure('busy', `too many ${what} at the same time`, { retryAfter: spread(seconds * 2) }))
      if (!patient && urgent.size >= queue) return busy()
      const late = patient ? undefined : setTimeout(() => {
        urgent.delete(one)
        busy()
      }, seconds * 1000).unref()
      const one: Waiting = {
        patient,
        admit() {
          clearTimeout(late)
          resolve(leaving(patient))
        },
      }
      ;(patient ? patients : urgent).add(one)
      next()
    }),
  }
}
