/** Where what is done is told of while it is done, for whoever wants to follow a request through several programs. */
export type Tracing = {
  /** Runs `work` as part of what the request's own headers say it belongs to. */
  request<T>(method: string, headers: Headers, work: (span: Span) => T): T
  /** Something asked of a backend, as part of the request that runs. */
  operation(backend: string, name: string): Span
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** One thing that is done. Attributes are words of this program's tables, as labels of metrics are. */
export type Span = {
  /** `told` is asked for where somebody listens. */
  end(told: () => Told): void
}

export type Told = {
  readonly name?: string
  readonly attributes?: Readonly<Record<string, string | number>>
  /** The kind of its failure, where it failed. */
  readonly failed?: string | undefined
}

/** Of what nobody wants to hear. */
export const untold: Span = { end() {} }
export const untraced: Tracing = { request: (_method, _headers, work) => work(untold), operation: () => untold }
