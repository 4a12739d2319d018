import { AsyncLocalStorage } from 'node:async_hooks'
import {
  context, propagation, ROOT_CONTEXT, trace, type Attributes, type Context, type Span, type SpanContext, type SpanOptions,
} from '@opentelemetry/api'

export type Kept = {
  name: string
  readonly kind: number | undefined
  readonly id: string
  readonly trace: string
  readonly parent: string | undefined
  readonly attributes: Record<string, unknown>
  failed: boolean
  ends: number
}

/** Registers what an SDK registers, as far as Postern's spans go, and keeps them. `close` takes it back. */
export function keepSpans(): { readonly spans: Kept[]; close(): void } {
  const spans: Kept[] = []
  const contexts = new AsyncLocalStorage<Context>()
  context.setGlobalContextManager({
    active: () => contexts.getStore() ?? ROOT_CONTEXT,
    with: (one, work, self, ...args) => contexts.run(one, () => work.apply(self as never, args)),
    bind: (_, target) => target,
    enable() { return this },
    disable() { return this },
  })
  // W3C Trace Context, traceparent Header
  propagation.setGlobalPropagator({
    inject() {},
    fields: () => ['traceparent'],
    extract(one, carrier, getter) {
      const [, traceId, spanId] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(String(getter.get(carrier, 'traceparent'))) ?? []
      return traceId && spanId ? trace.setSpanContext(one, { traceId, spanId, traceFlags: 1, isRemote: true }) : one
    },
  })
  const start = (name: string, { kind, attributes = {} }: SpanOptions = {}, within: Context = context.active()): Span => {
    const above: SpanContext | undefined = trace.getSpanContext(within)
    const kept: Kept = {
      name, kind, attributes: { ...attributes }, failed: false, ends: 0, parent: above?.spanId,
      trace: above?.traceId ?? String(spans.length + 1).padStart(32, '0'), id: String(spans.length + 1).padStart(16, '0'),
    }
    spans.push(kept)
    const span: Span = {
      spanContext: () => ({ traceId: kept.trace, spanId: kept.id, traceFlags: 1 }),
      setAttribute(key, value) { kept.attributes[key] = value; return span },
      setAttributes(more: Attributes) { Object.assign(kept.attributes, more); return span },
      addEvent: () => span, addLink: () => span, addLinks: () => span, recordException() {},
      setStatus({ code }) { kept.failed = code === 2; return span },
      updateName(next) { kept.name = next; return span },
      end() { kept.ends++ },
      isRecording: () => true,
    }
    return span
  }
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: start, startActiveSpan() { throw new Error('not used') } }) })
  return {
    spans,
    close() {
      trace.disable()
      context.disable()
      propagation.disable()
    },
  }
}
