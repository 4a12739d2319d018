import type { Ledger } from './ledger.ts'
import type { TcpProxy } from '../support/tcp-proxy.ts'

/** A message handed to Exim over one connection. Times are the ledger's. */
export type Submission = {
  readonly place: number
  readonly name: string
  readonly begun: number
  /** Its last octet was handed over. */
  done: number | undefined
  /** Postern was handed the answer to it. */
  answered: number | undefined
  closed: number
}

/** A command that stores or moves, on its way to Dovecot and back. */
export type Change = {
  readonly place: number
  readonly verb: 'APPEND' | 'MOVE'
  readonly login: string
  readonly from: number
  /** What is appended. */
  name: string | undefined
  /** Of its answer, or when the connection was gone. */
  until: number
  answered: boolean
}

/** Something kept in the shared cache under a name: the sealed one. */
export type Note = { readonly place: number; readonly name: string; readonly at: number }

/** What went over the lines of both Posterns and matters when something is there twice. */
export class Taps {
  readonly submissions: Submission[] = []
  readonly changes: Change[] = []
  readonly notes: Note[] = []
  readonly #ledger: Ledger

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  /** RFC 5321, DATA: one message a connection. */
  smtp({ link }: TcpProxy, place: number): void {
    const open = new Map<number, { begun: number; head: string; tail: string; mail?: Submission }>()
    link.passed = (connection, way, chunk) => {
      const now = this.#ledger.now(), state = open.get(connection) ?? { begun: now, head: '', tail: '' }
      open.set(connection, state)
      if (!chunk) {
        if (state.mail) state.mail.closed = now
        return void open.delete(connection)
      }
      const text = chunk.toString('latin1')
      if (way === 'down') {
        if (state.mail?.done !== undefined && text.startsWith('250')) state.mail.answered ??= now
        return
      }
      if (!state.mail) {
        state.head = (state.head + text).slice(-8192)
        const name = /^Message-ID: <(s\d+n\d+)@/m.exec(state.head)?.[1]
        if (name) this.submissions.push(state.mail = { place, name, begun: state.begun, done: undefined, answered: undefined, closed: Infinity })
      }
      state.tail = (state.tail + text).slice(-5)
      if (state.mail && state.tail === '\r\n.\r\n') state.mail.done ??= now
    }
  }

  /** RFC 9051, APPEND; RFC 6851, MOVE. */
  imap({ link }: TcpProxy, place: number): void {
    const open = new Map<number, { login: string; pending: Map<string, Change>; last?: Change }>()
    link.passed = (connection, way, chunk) => {
      const now = this.#ledger.now(), state = open.get(connection) ?? { login: '', pending: new Map<string, Change>() }
      open.set(connection, state)
      if (!chunk) {
        for (const change of state.pending.values()) change.until = now
        return void open.delete(connection)
      }
      const text = chunk.toString('latin1')
      if (way === 'down') {
        for (const [, tag = ''] of text.matchAll(/^(\S+) (?:OK|NO|BAD)\b/gm)) {
          const change = state.pending.get(tag)
          if (change) Object.assign(change, { until: now, answered: true })
          state.pending.delete(tag)
        }
        return
      }
      const secret = /AUTHENTICATE PLAIN (\S+)/.exec(text)?.[1]
      if (secret) state.login = Buffer.from(secret, 'base64').toString().split('\0')[1] ?? ''
      for (const [, tag = '', verb = ''] of text.matchAll(/^(\S+) (?:UID )?(APPEND|MOVE) /gm)) {
        const change: Change = { place, verb: verb as Change['verb'], login: state.login, from: now, name: undefined, until: Infinity, answered: false }
        this.changes.push(change)
        state.pending.set(tag, change)
        if (verb === 'APPEND') state.last = change
      }
      const name = /^Subject: (s\d+n\d+)/m.exec(text)?.[1]
      if (name && state.last) state.last.name ??= name
    }
  }

  redis({ link }: TcpProxy, place: number): void {
    link.passed = (_, way, chunk) => {
      if (way === 'down' || !chunk) return
      for (const [, name = ''] of chunk.toString('latin1').matchAll(/\$3\r\nset\r\n\$\d+\r\n(postern:\d+:(?:sent|move):[\w-]+)\r\n/gi)) {
        this.notes.push({ place, name, at: this.#ledger.now() })
      }
    }
  }
}
