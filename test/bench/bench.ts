// Speed beside raw IMAP on the same server: `npm run bench`, `npm run bench -- NAME`, `-- sync` for mail alone, `-- --quick`, `-- --profile DIR`.
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { arrival } from './arrival.ts'
import { attachment } from './attachment.ts'
import { openBench, type Bench } from './bench-house.ts'
import { dav } from './dav.ts'
import { devices } from './devices.ts'
import { fairness } from './fairness.ts'
import { firstSync } from './first-sync.ts'
import { growth } from './growth.ts'
import { memory } from './memory.ts'
import { noChanges } from './no-changes.ts'
import { waiting } from './waiting.ts'

const tables: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  'first-sync': firstSync, 'no-changes': noChanges, arrival, attachment, growth, waiting, dav, devices, memory, fairness,
}
/** Tables that are asked for together. */
const groups: Readonly<Record<string, readonly string[]>> = { sync: ['first-sync', 'no-changes', 'arrival', 'attachment', 'growth'] }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, profile: { type: 'string' } },
})
const wanted = positionals.length ? positionals : Object.keys(tables)
const names = wanted.flatMap(name => Object.hasOwn(groups, name) ? groups[name]! : [name])
const unknown = names.find(name => !Object.hasOwn(tables, name))
if (unknown) {
  console.error(`There is no table ${unknown}; there are ${[...Object.keys(tables), ...Object.keys(groups)].join(', ')}.`)
  process.exit(2)
}

const profile = values.profile && resolve(values.profile)
if (profile) mkdirSync(profile, { recursive: true })
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` }
const dovecot = execFileSync('dovecot', ['--version'], { encoding: 'utf8', env }).trim()
console.log(`node ${process.version}, Dovecot ${dovecot}, ${availableParallelism()} of ${cpus()[0]?.model ?? 'unknown processors'}.`)
console.log('Postern (a process of its own), Dovecot and this client share them. Only numbers of one run compare.')
console.log(`Load of the machine before: ${loadavg()[0]!.toFixed(1)}.`)
const bench = await openBench({ quick: values.quick, profile, users: !values.quick && names.includes('waiting') ? 2100 : 200 })
try {
  for (const name of names) await tables[name]!(bench)
  console.log(`\nLoad of the machine after: ${loadavg()[0]!.toFixed(1)}.`)
} finally {
  await bench.close()
}
