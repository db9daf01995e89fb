// What every host can offer: a clock, randomness, and the web as far as its operator allows.

import { randomBytes } from 'node:crypto'
import type { Value } from '../ledger/values.js'
import { fetchOracle } from './fetch.js'
import { oracleOf, OracleError, type Oracle } from './oracle.js'

/** The most bytes that `random.bytes` gives at once. */
const MAX_RANDOM = 65_536

/** `clock.now()`: the host's clock, ms since 1970. */
function clock(): Oracle {
  return oracleOf('clock', { now: () => Date.now() })
}

/** `random.bytes(count)`: bytes that nobody could know before. */
function random(): Oracle {
  return oracleOf('random', { bytes: ([count]) => new Uint8Array(randomBytes(countOf(count))) })
}

function countOf(count: Value | undefined): number {
  if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= MAX_RANDOM) return count
  throw new OracleError('EINVAL', `random.bytes: a count is a whole number up to ${MAX_RANDOM}`)
}

/** The oracles that need nothing but their name. @param scope what genesis limits it to */
export const BUILTIN: { [name: string]: (scope: string[]) => Oracle } = { clock, fetch: fetchOracle, random }
