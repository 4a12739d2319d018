// A short one of `npm run test:chaos`: the seed says what goes wrong, the machine when.
import { expect, it } from 'vitest'
import { runChaos } from './run.ts'

it('phones and servers hold the same after half a minute in which everything goes wrong at once', async () => {
  expect(await runChaos({ minutes: 0.5, seed: 1, devices: 15, users: 5 })).toEqual([])
}, 400_000)
