import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { corpus } from '../support/corpus.ts'
import { freePorts, HOST } from '../support/house.ts'
import type { House } from '../support/live.ts'
import { startHouse } from '../support/live.ts'
import { newsTo } from '../support/news.ts'
import type { Postern } from '../support/postern.ts'
import { configuration, startPostern } from '../support/postern.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import type { User } from '../support/users.ts'
import type { Login } from './light-phone.ts'
import type { Account } from './raw-imap.ts'

export type BenchOptions = {
  readonly users: number
  /** Smaller mailboxes, fewer repetitions. */
  readonly quick: boolean
  /** Folder for CPU profiles of Postern; it has to exist. */
  readonly profile: string | undefined
  /** See `DovecotOptions`. */
  readonly hibernateSeconds?: number
}

/** What every table needs. */
export type Bench = BenchOptions & {
  readonly house: House
  /** Between Postern and Dovecot for users as `counted` names them. Its delay makes round trips countable. */
  readonly counter: TcpProxy
  /** A user with so many messages in the inbox; made when first asked for. */
  mailbox(count: number): Promise<User>
  /** `settings` replace sections of its configuration; `workers` processes in place of one; `node` are options of node. */
  postern(settings?: object, workers?: number, node?: readonly string[]): Promise<Postern>
  /** Where Dovecot tells of deliveries, if somebody listens. */
  readonly internal: { readonly host: string; readonly port: number }
  dovecotPid(): number
  account(user: User): Account
  /** The same user, by way of the counter. */
  counted(user: User): Login
  close(): Promise<void>
}

const countedDomain = 'counted.test'

export async function openBench(options: BenchOptions): Promise<Bench> {
  const [internalPort = 0] = await freePorts(1), internal = { host: HOST, port: internalPort }
  const house = await startHouse({ users: options.users, dovecot: { specialUse: 'created', ...(options.hibernateSeconds && { hibernateSeconds: options.hibernateSeconds }), extra: newsTo(`http://${HOST}:${internalPort}/news`) } })
  const { host, port } = house.imap
  const counter = await TcpProxy.start({ host, port }, { delayUp: 1, delayDown: 1 })
  const mailboxes = new Map<number, Promise<User>>()
  return {
    ...options, house, counter,
    mailbox(count) {
      const user = house.user(mailboxes.size)
      const made = mailboxes.get(count) ?? house.seed(user, 'INBOX', corpus({ count, to: user.address })).then(() => user)
      mailboxes.set(count, made)
      return made
    },
    internal,
    postern(settings = {}, workers = 1, node = []) {
      const direct = configuration(house, host, 0).backends[0]!
      const counted = { ...direct, domains: [countedDomain], login: '{local}', imap: { ...direct.imap, port: counter.port } }
      const profile = options.profile ? ['--cpu-prof', `--cpu-prof-dir=${options.profile}`] : []
      return startPostern(house, { settings: { backends: [direct, counted], sessions: { max: 2000 }, ...settings }, node: [...profile, ...node], ...(workers > 1 ? { workers } : {}) })
    },
    dovecotPid: () => Number(readFileSync(join(house.dir, 'dovecot.pid'), 'utf8')),
    account: ({ login, password }) => ({ host, port, login, password }),
    counted: ({ name, password }) => ({ login: `${name}@${countedDomain}`, password }),
    async close() {
      await counter.close()
      await house.stop()
    },
  }
}
