import { readFileSync } from 'node:fs'
import { join } from 'node:path'
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
export async function judge(site: Site, writers: readonly Writer[], phones: readonly ChaosPhone[]): Promise<Verdict> {
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
  judgeSent(site, mailboxes, verdict)
  return verdict
}

function judgeMail({ mail: device }: ChaosPhone, mail: Mailbox, verdict: Verdict): void {
  const line = (one: { subject: string; read: boolean | undefined; flagged: boolean | undefined }): string =>
    `${one.subject} ${one.read ? 'read' : 'unread'}${one.flagged ? ' flagged' : ''}`
  for (const held of device.collections) {
    const there = (mail.get(held.name) ?? []).map(line), shown = [...held.items].map(([id, item]) => ({ id, line: line(item) }))
    verdict.items += there.length
    // Of what was moved to where the phone's key knew nothing yet, and went at once, nobody can know that the phone holds it.
    judgeLists(`phone ${device.name}, ${held.name},`, there, shown.filter(one => !held.doubtful.has(one.id) || there.includes(one.line)).map(one => one.line), verdict)
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
function judgeServer({ ledger }: Site, { number, user }: Writer, mail: Mailbox, objects: Stored, verdict: Verdict): void {
  const there = new Map<string, string[]>()
  const add = (name: string, where: string): void => void there.set(name, [...there.get(name) ?? [], where])
  for (const [folder, list] of mail) for (const { subject } of list) if (subject.startsWith('m')) add(subject, folder)
  for (const [kind, list] of objects) for (const { name } of list) add(name, kind === 'e' ? 'calendar' : 'contacts')
  for (const [name, places] of there) {
    if (places.length === 1) continue
    const why = name.startsWith('m') && doubledByDovecot(ledger, name)
    if (why) limit(verdict, why)
    else verdict.faults.push(`${name} of ${user.name} is there ${places.length} times: ${places.join(', ')}`)
  }
  for (const name of ledger.expected(number)) if (!there.has(name) && !name.startsWith('s')) verdict.faults.push(`${name} of ${user.name} is lost`)
}

/** A Dovecot that dies while it moves a message leaves both; one that dies when it has stored a delivery gets it again. */
function doubledByDovecot(ledger: Ledger, name: string): string | undefined {
  const at = [...ledger.history(name).matchAll(/^ *(\d+) (?:user|phone) .*\bmoves\b/gm)].map(([, time]) => Number(time))
  const died = at.some(time => ledger.between(time, time + 15_000).some(({ what }) => what === 'Dovecot killed'))
  return died ? 'twice, as Dovecot was killed while it was moved' : undefined
}

/** Each mail a phone was told to have gone out arrived once, and its copy is in Sent. */
function judgeSent(site: Site, mailboxes: readonly Mailbox[], verdict: Verdict): void {
  const { ledger, house } = site
  const arrivals = new Map<string, number>(), copies = new Map<string, number>(), submitted = new Map<string, number>()
  const count = (map: Map<string, number>, name: string): void => void map.set(name, (map.get(name) ?? 0) + 1)
  for (const mail of mailboxes) for (const [folder, list] of mail) for (const { subject } of list) {
    if (subject.startsWith('s')) count(folder === 'Sent' ? copies : arrivals, subject)
  }
  for (const [, name] of readFileSync(join(house.dir, 'exim/mainlog'), 'utf8').matchAll(/ <= .* id=(s\d+n\d+)@chaos\.test/g)) count(submitted, name!)
  const names = new Set([...ledger.allSent(), ...submitted.keys()])
  for (const name of names) {
    verdict.mails++
    const times = arrivals.get(name) ?? 0, asked = submitted.get(name) ?? 0, kept = copies.get(name) ?? 0, wanted = !ledger.history(name).includes(', no copy')
    if (times === 0) verdict.faults.push(`${name} was sent (${asked} times) and did not arrive`)
    if (asked > 1) {
      const why = sentTwice(ledger, name)
      if (why) limit(verdict, why)
      else verdict.faults.push(`${name} was submitted ${asked} times and arrived ${times} times`)
    } else if (times > asked) {
      if (near(ledger, name, /^Dovecot|^Exim/)) limit(verdict, 'arrived twice though submitted once: Exim delivered it again to a Dovecot that had died')
      else verdict.faults.push(`${name} was submitted once and arrived ${times} times`)
    }
    if (kept > Math.max(1, asked)) {
      if (near(ledger, name, /^Dovecot|imap line|killed/)) limit(verdict, 'two copies in Sent, as the connection broke before Dovecot said that it was stored')
      else verdict.faults.push(`${name} is in Sent ${kept} times`)
    }
    if (kept === 0 && wanted) {
      if (near(ledger, name, /^Dovecot|imap line|killed/)) limit(verdict, 'no copy in Sent, as Dovecot could not be reached after the message had gone out')
      else verdict.faults.push(`${name} was sent and has no copy in Sent`)
    }
  }
}

/** Which fault at the place that was asked excuses that a message went out more than once; the README names them. */
function sentTwice(ledger: Ledger, name: string): string | undefined {
  const met = ledger.attempts(name).flatMap(({ from, to, place }) => ledger.between(from - 100, to + 100, place)).map(({ what }) => what)
  if (met.some(what => /^(worker|process) killed/.test(what))) return 'sent twice, as the process died between submission and copy'
  if (met.some(what => /smtp line|Exim/.test(what))) return 'sent twice, as the SMTP connection broke before it said that it has the message'
  if (near(ledger, name, /Redis|redis/)) return 'sent twice, as the shared cache was away or slow while it was repeated'
  return undefined
}

/** Whether such a fault happened while it was sent, or lasted then. */
function near(ledger: Ledger, name: string, what: RegExp): boolean {
  const attempts = ledger.attempts(name)
  const from = Math.min(...attempts.map(attempt => attempt.from)), to = Math.max(...attempts.map(attempt => attempt.to))
  return ledger.between(from - 4500, to + 500).some(event => what.test(event.what))
}
