// What a fault may be blamed for, where it is in README, Limits. Each is held against what went over the very line, and no further.
import { canonicalDeviceId } from '../../src/base/devices.ts'
import { sealing } from '../../src/state/sealed-value.ts'
import type { Attempt, Ledger } from './ledger.ts'
import type { ChaosPhone } from './phone.ts'
import { secret } from './site.ts'
import type { Submission, Taps } from './taps.ts'

/** Milliseconds: of two clocks that read the same moment; that a process may take to note what it heard; until a lost cache is found again. */
const skew = 50, noting = 1500, finding = 3500
const { name: sealed } = sealing(Buffer.from(secret))

const scopeOf = ({ setting: { user, name } }: ChaosPhone): string => `${user.login}/${canonicalDeviceId(`MODEL${name}`)}`

/** What is noted of a message sent is called so in the shared cache. */
export function sentNote(phone: ChaosPhone, name: string): string {
  const mark = phone.setting.version < '14' ? JSON.stringify([undefined, `<${name}@chaos.test>`]) : `${name}-${'x'.repeat(12)}`
  return `postern:${sealed(`sent:${scopeOf(phone)}:${mark}`)}`
}
const moveNote = (phone: ChaosPhone, id: string): string => `postern:${sealed(`move:${scopeOf(phone)}:${id}`)}`

/** Why the cache did not serve a place between two moments, if a fault explains it. */
const cacheAway = (ledger: Ledger, place: number, from: number, to: number): boolean =>
  ledger.met(/^Redis |^redis line/, from, to, { place, after: finding }).length > 0
const cacheForgot = (ledger: Ledger, from: number, to: number): boolean => ledger.met(/^Redis (stopped|killed)/, from, to).length > 0
const killed = (ledger: Ledger, place: number, from: number, to: number): boolean =>
  ledger.met(/^(worker|process) killed/, from, to, { place }).some(({ at }) => at >= from && at <= to)

/** Why a message went out again after each time but the last; undefined where nothing explains it. */
export function sentAgain(ledger: Ledger, taps: Taps, phone: ChaosPhone, name: string, copied: number | undefined): string[] | undefined {
  const handed = taps.submissions.filter(one => one.name === name && one.done !== undefined).sort((a, b) => a.begun - b.begun)
  const reasons = handed.slice(1).map((next, n) => whyAgain(ledger, taps, handed[n]!, next, { note: sentNote(phone, name), copied }))
  return reasons.length === 0 || reasons.includes(undefined) ? undefined : reasons as string[]
}

/** What a line told of it, for people. */
export const heardOf = (taps: Taps, phone: ChaosPhone, name: string): string => [
  ...taps.submissions.filter(one => one.name === name).map(one => ({ at: one.begun, text: `SMTP ${JSON.stringify(one)}` })),
  ...taps.notes.filter(one => one.name === sentNote(phone, name)).map(one => ({ at: one.at, text: `noted by Postern ${one.place + 1}` })),
  ...taps.changes.filter(one => one.name === name).map(one => ({ at: one.from, text: `IMAP ${JSON.stringify(one)}` })),
].sort((a, b) => a.at - b.at).map(({ at, text }) => `  ${String(Math.round(at)).padStart(8)} ${text}`).join('\n')

/** `copied`: when there was a copy in Sent, which whoever sends again has to find. */
function whyAgain(
  ledger: Ledger, taps: Taps, mail: Submission, next: Submission, { note, copied = Infinity }: { readonly note: string; readonly copied: number | undefined },
): string | undefined {
  const { place, begun, answered, done = 0, closed, name } = mail
  if (answered === undefined) {
    // What a process had written goes on its way without it.
    if (killed(ledger, place, begun, closed + skew)) return 'sent twice: killed after the last octet of the message and before SMTP’s answer to it'
    if (ledger.met(/^smtp line|^Exim/, done - skew, closed + skew, { place }).length) return 'sent twice: the SMTP connection broke after the last octet and before the answer'
    return undefined
  }
  if (copied < next.begun) return undefined
  const asked = ledger.attempts(name).filter(one => one.place === next.place && one.from <= next.begun).at(-1)?.from ?? next.begun
  const first = ledger.attempts(name).filter(one => one.place === place && one.from <= mail.begun).at(-1)?.from ?? mail.begun
  if (next.begun < answered) {
    const apart = cacheAway(ledger, place, first, next.begun) || cacheAway(ledger, next.place, asked, next.begun) || cacheForgot(ledger, first, next.begun)
    return apart ? 'sent twice: two processes at the same time, and no cache that lets one wait for the other' : undefined
  }
  const noted = taps.notes.find(one => one.name === note && one.place === place && one.at >= answered - skew && one.at <= next.begun)
  if (!noted) {
    if (killed(ledger, place, begun, Math.min(answered + noting, next.begun))) return 'sent twice: killed between SMTP’s answer and its being noted'
    return cacheAway(ledger, place, answered, answered + noting) ? 'sent twice: the cache was away when it was to be noted, and it was repeated elsewhere' : undefined
  }
  if (cacheForgot(ledger, noted.at - skew, next.begun)) return 'sent twice: the cache was started anew, without its memory, before it was repeated'
  return cacheAway(ledger, next.place, asked, next.begun) ? 'sent twice: the cache was away where it was repeated' : undefined
}

/** Why there are more copies in Sent than mails that went out. */
export function copiedAgain(ledger: Ledger, taps: Taps, name: string, more: number): string | undefined {
  const appends = taps.changes.filter(one => one.verb === 'APPEND' && one.name === name)
  const broken = appends.filter(one => !one.answered
    && (ledger.met(/^imap line|^Dovecot/, one.from, one.until + skew, { place: one.place }).length > 0 || killed(ledger, one.place, one.from, one.until + skew)))
  if (broken.length >= more) return 'two copies in Sent: the connection broke before Dovecot’s answer to the first'
  const times = appends.map(({ from }) => from), begin = Math.min(...times), end = Math.max(...times)
  const apart = appends.some(({ place }) => cacheAway(ledger, place, begin, end)) || cacheForgot(ledger, begin, end)
  return apart ? 'two copies in Sent: made by two processes at the same time, without a cache' : undefined
}

/** Why there is no copy in Sent: Dovecot could not be reached from the moment the message had gone out until the request ended. */
export function notCopied(ledger: Ledger, taps: Taps, name: string): string | undefined {
  const last = taps.submissions.filter(one => one.name === name && one.answered !== undefined).at(-1)
  if (!last) return undefined
  const left = Math.max(last.answered! + 5000, ...ledger.attempts(name).map(({ to }) => to))
  const away = ledger.met(/^imap line|^Dovecot/, last.answered!, left).some(fault => ledger.attempts(name).some(({ place }) => fault.place === undefined || fault.place === place))
  return away ? 'no copy in Sent: Dovecot could not be reached when the message had gone out' : undefined
}

/** A Dovecot that is killed while it moves may leave both. */
export function movedTwice(ledger: Ledger, taps: Taps, login: string, name: string): string | undefined {
  const kills = ledger.faults.filter(({ what }) => what === 'Dovecot killed')
  const byPostern = taps.changes.some(one => one.verb === 'MOVE' && one.login === login && !one.answered
    && kills.some(({ at }) => at >= one.from && at <= one.until + skew))
  const byOther = ledger.moves(name).some(({ from, to }) => kills.some(({ at }) => at >= from && at <= to + skew))
  return byPostern || byOther ? 'there twice: Dovecot was killed while it moved it' : undefined
}

/** Whether a repeated MoveItems could not be known where it was repeated: README, Limits. */
export function moveForgotten(ledger: Ledger, taps: Taps, phone: ChaosPhone, ids: readonly string[], attempts: readonly Attempt[]): boolean {
  const last = attempts.at(-1), earlier = attempts.slice(0, -1)
  if (!last || earlier.length === 0) return false
  const wanted = new Set(ids.map(id => moveNote(phone, id))), begun = attempts[0]!.from
  const noted = taps.notes.find(({ name, at }) => wanted.has(name) && at >= begun && at <= last.to)
  if (noted) return cacheForgot(ledger, noted.at - skew, last.to) || cacheAway(ledger, last.place, last.from, last.to)
  return earlier.some(({ place, from, to }) => cacheAway(ledger, place, from, to + noting))
}
