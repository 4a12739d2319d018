/** One line of a page of Prometheus, read by what its format says and by nothing of Postern. */
export type Sample = { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }

export type Page = {
  readonly text: string
  readonly samples: readonly Sample[]
  /** Name by type, as the page declares them. */
  readonly types: ReadonlyMap<string, string>
  /** Sum of the series of this name that have these labels. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number
  /** What a label says anywhere. */
  values(label: string): readonly string[]
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/, label = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\.)*)",?/y

/** Throws for a line that is none. */
export function readPage(text: string): Page {
  const lines = text.split('\n').filter(Boolean)
  const samples = lines.filter(one => !one.startsWith('#')).map(readSample)
  const types = new Map(lines.flatMap(one => {
    const [, name, type] = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(one) ?? []
    return name && type ? [[name, type] as const] : []
  }))
  return {
    text, samples, types,
    sum: (name, labels = {}) => samples
      .filter(one => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
      .reduce((total, { value }) => total + value, 0),
    values: key => [...new Set(samples.flatMap(({ labels }) => labels[key] ?? []))].sort(),
  }
}

function readSample(text: string): Sample {
  const [, name, inside = '', value] = line.exec(text) ?? []
  if (name === undefined || value === undefined) throw new Error(`no sample: ${text}`)
  const labels: Record<string, string> = {}
  for (label.lastIndex = 0; label.lastIndex < inside.length;) {
    const [, key, content] = label.exec(inside) ?? []
    if (key === undefined || content === undefined) throw new Error(`no labels: ${text}`)
    labels[key] = content
  }
  return { name, labels, value: Number(value.replace('Nan', 'NaN').replace('Inf', 'Infinity')) }
}

/** Metric names in PromQL: what is no function, keyword, label, string or number. */
export function namesIn(promql: string): readonly string[] {
  const bare = promql
    .replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\{[^}]*\}/g, '').replace(/\[[^\]]*\]/g, '')
    .replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '')
  return [...new Set([...bare.matchAll(/\b[a-zA-Z_:][\w:]*\b(?!\s*\()/g)].map(([name]) => name).filter(name => !words.has(name)))]
}

const words = new Set(['and', 'or', 'unless', 'bool', 'offset', 'by', 'without', 'on', 'ignoring'])
