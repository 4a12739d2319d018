// Phones, users and faults, all at once: `npm run test:chaos`, `-- --minutes 10`, `--seed 1`, `--devices 50`, `--users 15`, `--keep FOLDER` for logs.
import { parseArgs } from 'node:util'
import { runChaos } from './run.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    devices: { type: 'string', default: '50' }, users: { type: 'string', default: '15' }, keep: { type: 'string' },
  },
})
const faults = await runChaos({
  minutes: Number(values.minutes), seed: Number(values.seed), devices: Number(values.devices), users: Number(values.users), keep: values.keep,
})
process.exitCode = faults.length ? 1 : 0
