import type { Failure } from '../base/failure.ts'
import type { Content } from '../model/folder.ts'
import type { Call } from './command.ts'

type Counting = Pick<Call, 'counted' | 'metrics'>

/** A Status value that was told. */
export function countStatus({ counted: { command = 'other', version = 'other' }, metrics }: Counting, status: string | undefined): void {
  if (status !== undefined) metrics.add('statuses', { command, version, status })
}

/** A refusal, where it has the client begin anew. */
export function countResync({ counted: { command = 'other' }, metrics }: Counting, { kind, reason }: Failure): void {
  if (kind === 'stale') metrics.add('resyncs', { command, reason: reason ?? 'other' })
}

export function countTold({ metrics }: Counting, content: Content, told: { readonly adds: number; readonly updates: number; readonly deletes: number }): void {
  if (told.adds) metrics.add('told', { content, change: 'add' }, told.adds)
  if (told.updates) metrics.add('told', { content, change: 'update' }, told.updates)
  if (told.deletes) metrics.add('told', { content, change: 'delete' }, told.deletes)
}
