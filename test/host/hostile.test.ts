// A host that runs contracts of people it does not know: whatever they do, it keeps answering those of others, its memory
// is bounded, and what it has logged can be verified by anybody.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { CallError } from '../../lib/client/errors.js'
import { VMSClient } from '../../lib/client/client.js'
import { VMSError } from '../../lib/errors.js'
import crypto from '../../lib/ledger/crypto.js'
import { resident } from '../../lib/sandbox/memory.js'
import { Ground } from '../helpers/ground.js'
import { contractOf, ESCAPES, RESOURCES, RESULTS } from '../sandbox/hostile/snippets.js'

const ground = await Ground.open()
const contracts = path.join(fileURLToPath(new URL('.', import.meta.url)), '../../../fixtures/contracts')
const COUNTER = readFileSync(path.join(contracts, 'counter.js'), 'utf8')

/** Each is tried in the sandbox alone too; beside neighbours some of those that take long, and in full all of them. */
const EACH = process.env.VMS_TEST_FULL ? 1 : 3
const SNIPPETS = [...ESCAPES, ...RESULTS, ...RESOURCES.filter((_, i) => i % EACH === 0)]

/** How often it is looked how much memory is used, ms. */
const LOOK_MS = 50

interface Counter {
  increment(by?: number): number
  get(): number
}

/** The bytes of this process and all its children, where that can be told. */
function memory(): number {
  if (process.platform !== 'linux') return 0
  const children = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && parentOf(name) === process.pid)
    .map(Number)
  return [process.pid, ...children].reduce((sum, pid) => sum + resident(pid), 0)
}

function parentOf(pid: string): number | null {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1])
  } catch {
    return null // gone
  }
}

function client<Contract>(key: Uint8Array): VMSClient<Contract> {
  const options = { bootstrap: ground.bootstrap, storage: ground.folder(), identity: crypto.keyPair() }
  return ground.keep(new VMSClient<Contract>(key, { ...options, timeout: 120_000 }))
}

test('hostile contracts harm neither their neighbours nor the log', async () => {
  const host = await ground.host(ground.folder(), { watchdog: 1500 })
  const owner = crypto.keyPair()
  const hostile = await host.deploy({ source: contractOf(SNIPPETS), title: 'hostile', owner })
  const honest = await host.deploy({ source: COUNTER, title: 'counter', owner })
  const attacker = client(hostile.key)
  const neighbour = client<Counter>(honest.key)
  await neighbour.increment()

  let highest = 0
  const looking = setInterval(() => (highest = Math.max(highest, memory())), LOOK_MS).unref()
  const answers: Promise<number>[] = []
  const killed: string[] = []
  for (const [i, { name, ends }] of SNIPPETS.entries()) {
    const attack = attacker.call(`m${i}`, {}, new Uint8Array(2))
    answers.push(neighbour.increment())
    try {
      await attack
      assert.ok('value' in ends, name)
    } catch (error) {
      // slow machines may kill what is at the edge of the watchdog: no outcome, but no harm either
      if (error instanceof VMSError && error.code === 'HOST_ABORTED') killed.push(name)
      else assert.ok(error instanceof CallError && !('value' in ends), `${name}: ${String(error)}`)
    }
  }
  const counted = await Promise.all(answers)
  clearInterval(looking)
  assert.deepEqual(
    counted,
    SNIPPETS.map((_, i) => i + 2)
  )
  assert.ok(highest < 1024 ** 3, `${highest >> 20} MiB`)
  assert.ok(killed.length < SNIPPETS.length / 10, killed.join(', '))
  for (const { key } of [hostile, honest]) {
    const result = await ground.audit(key)
    assert.deepEqual([result.verdict, result.findings, result.doubts], ['verified', [], []])
  }
})
