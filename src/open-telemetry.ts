import { context, propagation, ProxyTracer, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Span as ApiSpan } from '@opentelemetry/api'
import { untold, untraced, type Span, type Tracing } from './base/tracing.ts'

/**
 * Spans by OpenTelemetry's API for the SDK that whoever runs Postern registered before it began; nothing without one. Names and attributes as
 * its semantic conventions for HTTP have them, where they do.
 */
export function openTelemetry(): Tracing {
  const tracer = trace.getTracer('postern')
  if (tracer instanceof ProxyTracer) return untraced // which is what there is without an SDK
  return {
    request(method, headers, work) {
      const parent = propagation.extract(ROOT_CONTEXT, headers)
      const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes: { 'http.request.method': method } }, parent)
      return context.with(trace.setSpan(parent, span), work, undefined, spanOf(span))
    },
    operation: (backend, name) => spanOf(tracer.startSpan(`${backend} ${name}`, { kind: SpanKind.CLIENT })),
  }
}

/** A request that waits holds it for an hour: nothing, without an SDK. */
const spanOf = (span: ApiSpan): Span => span.isRecording() ? {
  end(told) {
    const { name, attributes, failed } = told()
    if (name !== undefined) span.updateName(name)
    if (attributes) span.setAttributes(attributes)
    if (failed !== undefined) span.setAttribute('error.type', failed).setStatus({ code: SpanStatusCode.ERROR })
    span.end()
  },
} : untold
