import { setTimeout as sleep } from 'node:timers/promises'
import type { Dice } from '../model/dice.ts'
import type { Phone } from '../support/eas-client.ts'
import type { Attempt, Ledger } from './ledger.ts'
import type { Place } from './site.ts'

/** How often what happened to requests. */
export type Traffic = {
  requests: number; retries: number; unread: number; halves: number; broken: number; late: number; busy: number; givenUp: number
}
export const noTraffic = (): Traffic => ({ requests: 0, retries: 0, unread: 0, halves: 0, broken: 0, late: 0, busy: 0, givenUp: 0 })

/** What is the same for all phones. `calm`: nothing goes wrong on purpose any more. */
export type Weather = { readonly places: readonly [Place, Place]; readonly ledger: Ledger; readonly traffic: Traffic; calm: boolean }

/** Seconds a phone waits for an answer. */
const patience = 60

export type CarryOptions = {
  /** Seconds that the answer may be held back. */
  readonly wait?: number
  /** The phone may do something else in place of asking the same again. */
  readonly mayGiveUp?: boolean
  readonly parameters?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** The item that each attempt is noted with. */
  readonly name?: string
  /** Hears of each attempt. */
  readonly tried?: (attempt: Attempt) => void
  /** Milliseconds after which the owner wants something else. */
  readonly leave?: number
}

/** A phone's requests, to one Postern or the other, again and again until there is an answer. */
export class Carrier {
  readonly phone: Phone
  readonly #weather: Weather
  readonly #dice: Dice

  constructor(phone: Phone, weather: Weather, dice: Dice) {
    this.phone = phone
    this.#weather = weather
    this.#dice = dice
  }

  /** The octets of an answer, or undefined where the phone gave up or its owner would not wait. Throws for what no phone may be told. */
  async carry(command: string, octets: Uint8Array, options: CarryOptions = {}): Promise<Uint8Array | undefined> {
    const { traffic } = this.#weather
    for (let tries = 0; ; tries++) {
      traffic.requests++
      if (tries) traffic.retries++
      const answer = await this.#once(command, octets, options)
      if (answer === 'left') return undefined
      if (answer) return answer
      if (options.mayGiveUp && this.#dice.chance(0.3)) {
        traffic.givenUp++
        return undefined
      }
      // Often at once, as phones do, while the first one may still be under way.
      await sleep(this.#dice.chance(0.4) ? 0 : this.#dice.between(50, 200 + 200 * Math.min(tries, 6)))
    }
  }

  async #once(command: string, octets: Uint8Array, { wait = 0, parameters, headers, name, tried, leave }: CarryOptions): Promise<Uint8Array | 'left' | undefined> {
    const { places, ledger, traffic, calm } = this.#weather
    const { number, url } = this.#dice.pick(places), from = ledger.now()
    const fault = calm ? 'none' : this.#dice.weighted([[88, 'none'], [8, 'unread'], [4, 'half']] as const)
    // It may leave before, at or after the moment the answer comes.
    const after = this.#dice.chance(0.5) ? this.#dice.below(400) : undefined
    const gone = new AbortController()
    let left = false, late = false
    const timers = [
      setTimeout(() => { late = true; gone.abort() }, (patience + wait) * 1000),
      ...(fault === 'unread' && after !== undefined ? [setTimeout(() => gone.abort(), after)] : []),
      ...(leave === undefined ? [] : [setTimeout(() => { left = true; gone.abort() }, leave)]),
    ]
    Object.assign(this.phone.options, { url })
    let how = ''
    try {
      const answer = await this.phone.raw(command, octets, {
        signal: gone.signal,
        ...(parameters ? { parameters } : {}), ...(headers ? { headers } : {}),
        ...(fault === 'half' && octets.length > 1 ? { cutAfter: 1 + this.#dice.below(octets.length - 1) } : {}),
        ...(fault === 'unread' && after === undefined ? { onData: () => timers.push(setTimeout(() => gone.abort())) } : {}),
      })
      how = `HTTP ${answer.status}, ${answer.bytes.length} octets`
      if (fault === 'unread') {
        traffic.unread++
        how += ', not read'
        return undefined
      }
      if (answer.status === 503) traffic.busy++
      else if (answer.status !== 200) throw new Refused(`${command}: HTTP ${answer.status}`)
      else return answer.bytes
    } catch (error) {
      if (error instanceof Refused) throw error
      how = left ? 'the owner leaves' : fault === 'none' ? `${late ? 'no answer' : (error as Error).message}` : fault
      if (left) return 'left'
      traffic[fault === 'unread' ? 'unread' : fault === 'half' ? 'halves' : late ? 'late' : 'broken']++
    } finally {
      for (const timer of timers) clearTimeout(timer)
      const attempt: Attempt = { place: number, from, to: ledger.now(), how }
      tried?.(attempt)
      if (name) ledger.attempt(name, attempt)
    }
    return undefined
  }
}

/** An answer that no fault excuses. */
export class Refused extends Error {}
