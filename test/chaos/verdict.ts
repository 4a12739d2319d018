import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { copiedAgain, movedTwice, notCopied, sentAgain, sentNote } from './excuses.ts'
import type { Ledger } from './ledger.ts'
import type { ChaosPhone } from './phone.ts'
import type { Site } from './site.ts'
import type { Writer } from './writer.ts'

export type Verdict = {
  /** Sentences about what is wrong, with names of items. */
  readonly faults: string[]
  /** How often a documented limit showed, by its name. */
  readonly limits: Map<string, number>
  /** Items held against each other. */
  items: number
  /** Mail that was sent, counted where it arrived. */
  mails: number
}

type Mailbox = Awaited<ReturnType<Writer['mail']>>

/** Both sides, when nobody does anything any more. */
export async function judge(site: Site, writers: readonly Writer[], all: readonly ChaosPhone[], phones: readonly ChaosPhone[]): Promise<Verdict> {
  const verdict: Verdict = { faults: [], limits: new Map(), items: 0, mails: 0 }
  const mailboxes: Mailbox[] = []
  for (const writer of writers) {
    const mail = await writer.mail(), objects = await writer.objects()
    mailboxes.push(mail)
    for (const phone of phones.filter(({ setting }) => setting.number === writer.number)) {
      judgeMail(phone, mail, verdict)
      judgeObjects(phone, objects, verdict)
    }
    judgeServer(site, writer, mail, objects, verdict)
  }
  await judgeSent(site, writers, all, mailboxes, verdict)
  return verdict
}

function judgeMail({ mail: device }: ChaosPhone, mail: Mailbox, verdict: Verdict): void {
  const line = (one: { subject: string; read: boolean | undefined; flagged: boolean | undefined }): string =>
    `${one.subject} ${one.read ? 'read' : 'unread'}${one.flagged ? ' flagged' : ''}`
  for (const held of device.collections) {
    const there = (mail.get(held.name) ?? []).map(line), shown = [...held.items].map(([id, item]) => ({ id, line: line(item) }))
    verdict.items += there.length
    // Of what was moved to where the phone's key knew nothing yet, and went at once, nobody can know that the phone holds it.
    const sure = shown.filter(one => !held.doubtful.has(one.id)).map(one => one.line), left = less(there, sure)
    const doubtful = shown.filter(one => held.doubtful.has(one.id)).map(one => one.line)
    judgeLists(`phone ${device.name}, ${held.name},`, there, [...sure, ...less(left, less(left, doubtful))], verdict)
  }
}

function judgeLists(who: string, there: readonly string[], shown: readonly string[], verdict: Verdict): void {
  const missing = less(there, shown), extra = less(shown, there)
  if (missing.length) verdict.faults.push(`${who} misses ${missing.join(', ')}`)
  if (extra.length) verdict.faults.push(`${who} has ${extra.join(', ')}, which is not there`)
}

type Stored = Awaited<ReturnType<Writer['objects']>>

function judgeObjects({ objects, mail: { name } }: ChaosPhone, stored: Stored, verdict: Verdict): void {
  const line = (one: { name: string; detail: string }): string => `${one.name} "${one.detail}"`
  for (const { kind, held } of objects) {
    const there = (stored.get(kind) ?? []).map(line), shown = [...held.items.values()].map(({ said }) => line(said))
    verdict.items += there.length
    judgeLists(`phone ${name}`, there, shown, verdict)
  }
}

/** One list without the other, each as often as it is there. */
function less(list: readonly string[], other: readonly string[]): string[] {
  const rest = [...other]
  return list.filter(each => {
    const at = rest.indexOf(each)
    if (at >= 0) rest.splice(at, 1)
    return at < 0
  })
}

const limit = ({ limits }: Verdict, name: string): void => void limits.set(name, (limits.get(name) ?? 0) + 1)

/** Nothing that somebody made and nobody removed is lost, and nothing is there twice. */
function judgeServer({ ledger, taps }: Site, { number, user }: Writer, mail: Mailbox, objects: Stored, verdict: Verdict): void {
  const there = new Map<string, string[]>()
  const add = (name: string, where: string): void => void there.set(name, [...there.get(name) ?? [], where])
  for (const [folder, list] of mail) for (const { subject } of list) if (subject.startsWith('m')) add(subject, folder)
  for (const [kind, list] of objects) for (const { name } of list) add(name, kind === 'e' ? 'calendar' : 'contacts')
  for (const [name, places] of there) {
    if (places.length === 1) continue
    const why = name.startsWith('m') && movedTwice(ledger, taps, user.login, name)
    if (why) limit(verdict, why)
    else verdict.faults.push(`${name} of ${user.name} is there ${places.length} times: ${places.join(', ')}`)
  }
  for (const name of ledger.expected(number)) if (!there.has(name) && !name.startsWith('s')) verdict.faults.push(`${name} of ${user.name} is lost`)
}

/** Each mail a phone was told to have gone out arrived once, and its copy is in Sent. */
async function judgeSent(site: Site, writers: readonly Writer[], phones: readonly ChaosPhone[], mailboxes: readonly Mailbox[], verdict: Verdict): Promise<void> {
  const { ledger, house, taps } = site
  const arrivals = new Map<string, number>(), copies = new Map<string, number>()
  const count = (map: Map<string, number>, name: string): void => void map.set(name, (map.get(name) ?? 0) + 1)
  for (const mail of mailboxes) for (const [folder, list] of mail) for (const { subject } of list) {
    if (subject.startsWith('s')) count(folder === 'Sent' ? copies : arrivals, subject)
  }
  const log = readFileSync(join(house.dir, 'exim/mainlog'), 'utf8'), taken = new Map<string, string[]>()
  for (const [, id = '', name = ''] of log.matchAll(/ (\S+) <= .* id=(s\d+n\d+)@chaos\.test/g)) taken.set(name, [...taken.get(name) ?? [], id])
  // Whoever judges by what went over the lines has to have seen it.
  let seen = 0
  for (const name of new Set([...ledger.allSent(), ...taken.keys()])) {
    verdict.mails++
    const ids = taken.get(name) ?? [], asked = ids.length, times = arrivals.get(name) ?? 0, kept = copies.get(name) ?? 0
    const wanted = !ledger.history(name).includes(', no copy'), phone = phones.find(one => one.sent.has(name))!
    const excuse = (why: string | undefined, fault: string): void => why ? limit(verdict, why) : void verdict.faults.push(fault)
    if (taps.submissions.filter(one => one.name === name && one.done !== undefined).length < asked) verdict.faults.push(`${name} went out where nobody looked`)
    if (taps.notes.some(note => note.name === sentNote(phone, name))) seen++
    if (times === 0) verdict.faults.push(`${name} was sent (${asked} times) and did not arrive`)
    if (asked > 1) {
      const copied = await writers[phone.setting.number]!.copied(name), found = copied === undefined ? undefined : copied + 2000 - ledger.began
      const why = sentAgain(ledger, taps, phone, name, wanted ? found : undefined)
      for (const one of why ?? [undefined]) excuse(one, `${name} was submitted ${asked} times and arrived ${times} times`)
    }
    if (times > asked) {
      excuse(ids.some(id => deliveredAgain(ledger, log, id)) ? 'arrived twice: Exim delivered it again to a Dovecot that was killed as it took it' : undefined, `${name} was submitted ${asked} times and arrived ${times} times`)
    }
    if (kept > Math.max(1, asked)) excuse(copiedAgain(ledger, taps, name, kept - Math.max(1, asked)), `${name} is in Sent ${kept} times`)
    if (kept === 0 && wanted) excuse(notCopied(ledger, taps, name), `${name} was sent and has no copy in Sent`)
  }
  if (seen < verdict.mails * 0.6) verdict.faults.push(`of ${verdict.mails} mails, ${seen} were seen being noted in the cache`)
}

/** Exim had no answer from a Dovecot that was killed then, and so tries once more. Its log tells seconds. */
function deliveredAgain(ledger: Ledger, log: string, id: string): boolean {
  const times = [...log.matchAll(new RegExp(`^(\\S+ \\S+) ${id} == .* defer`, 'gm'))].map(([, time]) => new Date(time!).getTime() - ledger.began)
  return times.some(time => ledger.faults.some(({ what, at }) => what === 'Dovecot killed' && at > time - 1500 && at < time + 1500))
}
