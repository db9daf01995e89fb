// What beside the host's work one has to believe: the answers of oracles.

import { trustIn } from '../ledger/oracles.js'
import type { Replica } from '../replica/replica.js'
import type { Context } from './context.js'
import { escapeControls } from './escape.js'
import { log } from './output.js'

/** For JSON: nothing if the VM has no oracles, or its genesis is not to be had. */
export async function trustOf({ timeout }: Context, replica: Replica): Promise<{ trust?: string }> {
  const genesis = await replica.genesis(timeout).catch(() => null)
  return genesis && genesis.oracles.length > 0 ? { trust: trustIn(genesis.oracles) } : {}
}

/** The same, and tells people. */
export async function showOracles(context: Context, replica: Replica): Promise<{ trust?: string }> {
  const found = await trustOf(context, replica)
  if (found.trust !== undefined && !context.json) {
    const { title } = await replica.genesis()
    log(`${escapeControls(title)} is ${found.trust}`)
  }
  return found
}
