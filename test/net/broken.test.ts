// A host is reached again soon after its line, its address or its process was gone, and its clients need not be told.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fixture } from '../helpers/cli.js'
import { Lab, unavailable } from './lab.js'
import { call, Connected, FULL, promised, times } from './measured.js'

/** How long the line is down, ms. */
const OUTAGE_MS = 30_000

/** How soon after it everybody gets answers, ms. */
const BACK_MS = 15_000

const skip = unavailable ?? false

const outageOf = (side: 'host' | 'client') => async (lab: Lab) => {
  lab.down(side)
  await sleep(OUTAGE_MS)
  lab.up(side)
}

for (const [what, interrupt] of [
  ['the line of the host is down for a while', outageOf('host')],
  ['the router of the host has another public address', (lab: Lab) => Promise.resolve(lab.move('host'))],
  ['the line of the client is down for a while', outageOf('client')]
] as const) {
  if (what.includes('down') && !FULL) continue // the outage alone takes as long as many tests
  test(what, { skip }, async t => {
    const lab = await Lab.make(t)
    const { key } = await lab.serve([fixture('counter.js')])
    const connected = await Connected.open(lab, key)
    const [sessions, calls]: [number[], number[]] = [[], []]
    for (let n = 0; n < times(10); n++) {
      await interrupt(lab)
      const [session, one] = await Promise.all([connected.increment(), call(lab, key, 'bob')])
      sessions.push(session)
      calls.push(one)
    }
    await connected.close()
    t.diagnostic(`the session was told ${JSON.stringify(connected.events)}`)
    promised(t, 'a session', sessions, BACK_MS)
    promised(t, 'a new call', calls, BACK_MS)
  })
}

test('the host is killed, and started again', { skip }, async t => {
  const lab = await Lab.make(t)
  const { key, running: first } = await lab.serve([fixture('counter.js')])
  let running = first
  const connected = await Connected.open(lab, key)
  const [sessions, calls]: [number[], number[]] = [[], []]
  for (let n = 1; n <= times(10); n++) {
    await running.stop('SIGKILL')
    await connected.told(false, n)
    const again = await lab.serve([fixture('counter.js')])
    assert.equal(again.key, key)
    running = again.running
    const [session, one] = await Promise.all([connected.increment(), call(lab, key, 'bob')])
    sessions.push(session)
    calls.push(one)
    await connected.told(true, n)
  }
  await connected.close()
  promised(t, 'a session', sessions, BACK_MS)
  promised(t, 'a new call', calls, BACK_MS)
})
