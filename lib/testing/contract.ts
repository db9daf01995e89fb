// testContract: what a test of a contract begins with.

import { fileURLToPath } from 'node:url'
import type { AnyContract } from '../client/client.js'
import type { Limits } from '../ledger/blocks.js'
import type { Value } from '../ledger/values.js'
import { oracleOf, type Oracle } from '../oracles/index.js'
import { bundle } from '../sandbox/bundle.js'
import { compareUTF8 } from '../utf8.js'
import { deployInMemory } from './deploy.js'
import { newSandbox } from './sandbox.js'
import type { TestVM } from './vm.js'

export interface TestOptions {
  /** What a call may use, where it shall differ from what a host deploys with. */
  limits?: Partial<Limits>
  /** The name of who deploys, and so calls `init`; 'owner' if not given. */
  owner?: string
  /** ms that a call may compute, 5,000 if not given */
  watchdog?: number
  /** APIs below `System.oracles`, by name: what their methods return is what the contract gets */
  oracles?: { [name: string]: { [method: string]: (...inputs: Value[]) => Value | Promise<Value> } }
}

/** A test that forgets to close ends nevertheless: the sandbox rests after so many ms. */
const IDLE_MS = 1000

/**
 * Deploys a contract in memory: bundled, checked and run as a host does it, with its limits, but without log, disk and
 * network. For tests, in any runner.
 *
 *     const vm = await testContract('./rsvp.js')
 *     const alice = vm.as('alice')
 *     await alice.RSVP(true)
 *     vm.files.get(`/rsvps/${alice.id}.json`)
 *     await vm.close()
 *
 * @param script a file, from the working directory, or its URL: `new URL('./rsvp.js', import.meta.url)`
 * @throws VMSError INVALID_CONTRACT if a host would not deploy it
 */
export async function testContract<Contract = AnyContract>(
  script: string | URL,
  { limits, owner = 'owner', watchdog, oracles = {} }: TestOptions = {}
): Promise<TestVM<Contract>> {
  const file = typeof script === 'string' ? script : fileURLToPath(script)
  const bundled = await bundle(file)
  const sandbox = newSandbox({ watchdog, idle: IDLE_MS })
  return deployInMemory<Contract>(sandbox, bundled, { file, limits, owner, oracles: oraclesOf(oracles) })
}

function oraclesOf(oracles: NonNullable<TestOptions['oracles']>): Oracle[] {
  return Object.entries(oracles)
    .map(([name, methods]) => {
      const entries = Object.entries(methods)
      return oracleOf(
        name,
        Object.fromEntries(entries.map(([method, run]) => [method, (inputs: Value[]) => run(...inputs)]))
      )
    })
    .sort((a, b) => compareUTF8(a.spec.name, b.spec.name))
}
