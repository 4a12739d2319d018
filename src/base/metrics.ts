/** Seconds, of what a person waits for; and of what waits by intention. */
const felt = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30], patient = [1, 10, 60, 300, 600, 900, 1200, 1800, 2700, 3600]

type Definition = {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly buckets?: readonly number[]
}

/** All that is counted. What a label says comes from a table of this program: never what a client made up, no user and no device. */
export const definitions = {
  requests: {
    kind: 'counter', name: 'postern_requests_total', labels: ['front', 'command', 'version', 'http'],
    help: 'Requests by the status of their answer. 499: the client went before it came, cut: while it came.',
  },
  statuses: {
    kind: 'counter', name: 'postern_statuses_total', labels: ['command', 'version', 'status'],
    help: 'Status values told: those of whole answers, and of collections that a Sync refused.',
  },
  requestSeconds: {
    kind: 'histogram', name: 'postern_request_seconds', labels: ['front', 'command'], buckets: felt,
    help: 'Time from the head of a request to the end of its answer, without what it waited for something to happen.',
  },
  octets: { kind: 'counter', name: 'postern_octets_total', labels: ['direction'], help: 'Octets from and to clients, heads and TLS included.' },
  bugs: { kind: 'counter', name: 'postern_bugs_total', labels: [], help: 'Errors no one expected; the log has the stack of each.' },

  waits: { kind: 'gauge', name: 'postern_waits', labels: [], help: 'Requests that wait for something to happen now.' },
  waitSeconds: {
    kind: 'histogram', name: 'postern_wait_seconds', labels: ['end'], buckets: patient,
    help: 'How long requests waited, by what ended it: changed, expired, ended (the client went or asked anew), drained, failed.',
  },

  told: { kind: 'counter', name: 'postern_items_told_total', labels: ['content', 'change'], help: 'Items that answers to Sync told of.' },
  resyncs: {
    kind: 'counter', name: 'postern_resyncs_total', labels: ['command', 'reason'],
    help: 'Answers that made a client begin a collection or the hierarchy anew.',
  },

  backendSeconds: {
    kind: 'histogram', name: 'postern_backend_seconds', labels: ['backend', 'operation'], buckets: felt,
    help: 'Time of what was asked of backends, answers from memory included.',
  },
  backendFailures: {
    kind: 'counter', name: 'postern_backend_failures_total', labels: ['backend', 'operation', 'kind'],
    help: 'What was asked of backends and failed, by kind: unavailable and busy are theirs, others may be the client.',
  },
  imapConnections: { kind: 'gauge', name: 'postern_imap_connections', labels: ['use'], help: 'IMAP connections that are open, by what for.' },
  logins: { kind: 'counter', name: 'postern_imap_logins_total', labels: ['use', 'result'], help: 'IMAP connections made: ok, refused, unavailable.' },
  credentials: {
    kind: 'counter', name: 'postern_credentials_total', labels: ['result'],
    help: 'Credentials of requests: known from before, proved, refused, slowed (down), unavailable.',
  },
  cache: { kind: 'counter', name: 'postern_cache_total', labels: ['kind', 'result'], help: 'What was looked for in memory: hit, miss.' },

  workers: { kind: 'gauge', name: 'postern_workers', labels: [], help: 'Worker processes that run.' },
  workerRestarts: { kind: 'counter', name: 'postern_worker_restarts_total', labels: [], help: 'Workers that ended by themselves and were followed by another.' },
  workersSilent: {
    kind: 'counter', name: 'postern_workers_silent_total', labels: [],
    help: 'Times that a worker did not say its numbers in time: its counters stand as it told them last.',
  },
} as const satisfies Record<string, Definition>

type Definitions = typeof definitions
type Named<K extends Definition['kind']> = { [N in keyof Definitions]: Definitions[N]['kind'] extends K ? N : never }[keyof Definitions]
type Labels<N extends keyof Definitions> = { readonly [L in Definitions[N]['labels'][number]]: string }

/** Where numbers are told. Must not throw, and costs next to nothing. */
export type Metrics = {
  /** Counters never go down. */
  add<N extends Named<'counter' | 'gauge'>>(name: N, labels: Labels<N>, more?: number): void
  observe<N extends Named<'histogram'>>(name: N, labels: Labels<N>, seconds: number): void
}

export const unmeasured: Metrics = { add() {}, observe() {} }
