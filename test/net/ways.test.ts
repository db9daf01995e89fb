// How long a call takes through routers of each kind, in processes that know nothing of each other yet.

import { test, type TestContext } from 'node:test'
import { fixture } from '../helpers/cli.js'
import { Lab, unavailable, type LabOptions } from './lab.js'
import { call, FULL, promised, times } from './measured.js'

interface Case extends LabOptions {
  what: string
  /** how often it is promised, and how soon, ms */
  count: number
  bound: number
  /** whether it takes long, and is left to the full run */
  slow?: boolean
}

const CASES: Case[] = [
  { what: 'two routers that keep the port', count: 20, bound: 2000 },
  { what: 'a host behind a symmetric router', host: 'symmetric', count: 10, bound: 30_000 },
  { what: 'a client behind a symmetric router', client: 'symmetric', count: 10, bound: 30_000, slow: true },
  {
    what: 'two symmetric routers, and a relay',
    ...{ host: 'symmetric', client: 'symmetric', relay: true, count: 20, bound: 3000 }
  },
  {
    what: 'routers that drop what comes from each other, and a relay',
    relay: true,
    blocked: true,
    count: 20,
    bound: 10_000,
    slow: true
  },
  { what: 'a slow line that loses packets', loss: 3, delay: 40, count: 20, bound: 30_000 }
]

for (const { what, count, bound, slow, ...options } of CASES) {
  if (slow && !FULL) continue
  test(what, { skip: unavailable ?? false }, async t => {
    promised(t, 'call', await fresh(t, options, times(count)), bound)
  })
}

/** Calls by users who have never been here. */
async function fresh(t: TestContext, options: LabOptions, count: number): Promise<number[]> {
  const lab = await Lab.make(t, options)
  const { key } = await lab.serve([fixture('counter.js')])
  const samples: number[] = []
  for (let n = 0; n < count; n++) samples.push(await call(lab, key, `user-${n}`))
  return samples
}
