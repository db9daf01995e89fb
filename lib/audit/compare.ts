// The checks of an audit that execute: the same requests on the same files have to give the same outcome, gas, writes and,
// block for block, the same files.

import b4a from 'b4a'
import c from 'compact-encoding'
import type { Changes } from '../files/overlay.js'
import type { Commit } from '../ledger/blocks.js'
import crypto from '../ledger/crypto.js'
import { describeOracleCall } from '../ledger/oracles.js'
import { oracleCall, outcome, type Outcome, type Record, type Write } from '../ledger/record.js'
import { decodeValue } from '../ledger/values.js'
import type { Executed } from '../machine/execute.js'
import type { Kind } from './findings.js'

/** A difference between what a host logged and what its requests give. */
export interface Difference {
  kind: Kind
  index: number | null
  detail: string
}

/**
 * Compares the records of a commit with what they gave here.
 * @param first index of the first call
 * @param executed null where a call has no outcome here; shorter if not all could be executed
 */
export function compareRecords(commit: Commit, first: number, executed: (Executed | null)[]): Difference[] {
  return executed.flatMap((one, i) => {
    if (one === null) return []
    const differences = compareRecord(commit.records[i], one.record)
    return differences.map(difference => ({ ...difference, index: first + i }))
  })
}

function compareRecord(logged: Record, replayed: Record): Omit<Difference, 'index'>[] {
  const strayed = firstStray(logged, replayed)
  // what follows from an answer that it was not given says nothing
  if (strayed !== null) return [{ kind: 'wrong-oracle-call', detail: strayed }]
  const differences: Omit<Difference, 'index'>[] = []
  if (!b4a.equals(c.encode(outcome, logged.outcome), c.encode(outcome, replayed.outcome))) {
    const detail = `logged ${describe(logged.outcome)}, replayed ${describe(replayed.outcome)}`
    differences.push({ kind: 'wrong-outcome', detail })
  }
  if (logged.gas !== replayed.gas) {
    differences.push({ kind: 'wrong-gas', detail: `logged ${logged.gas}, replayed ${replayed.gas}` })
  }
  const path = firstDifference(logged.writes, replayed.writes)
  if (path !== null) differences.push({ kind: 'wrong-writes', detail: `${path} is not written as logged` })
  return differences
}

/** @returns how what was asked of oracles differs from what is logged, or null */
function firstStray(logged: Record, replayed: Record): string | null {
  for (let i = 0; i < Math.max(logged.oracles.length, replayed.oracles.length); i++) {
    const [said, asked] = [logged.oracles.at(i), replayed.oracles.at(i)]
    if (said && asked && b4a.equals(c.encode(oracleCall, said), c.encode(oracleCall, asked))) continue
    const text = (one: typeof said) => (one ? describeOracleCall(one) : 'nothing')
    return `logged as asked of oracles is ${text(said)}, replayed it asks ${text(asked)}`
  }
  return null
}

/** @returns a path that was not written as logged, or null */
export function firstDifference(logged: Write[], replayed: Write[]): string | null {
  const expected = new Map(replayed.map(write => [write.path, write]))
  for (const write of logged) {
    const other = expected.get(write.path)
    if (!other || !sameWrite(write, other)) return write.path
    expected.delete(write.path)
  }
  return expected.keys().next().value ?? null
}

function sameWrite(a: Write, b: Write): boolean {
  if (a.content === null || b.content === null) return a.content === b.content
  return a.content.byteLength === b.content.byteLength && b4a.equals(a.content.hash, b.content.hash)
}

function describe(one: Outcome): string {
  if (!one.ok) return `${one.error.name} ${JSON.stringify(one.error.message.slice(0, 80))}`
  return JSON.stringify(decodeValue(one.value)).slice(0, 80)
}

/**
 * The changes that records log, with the bytes from wherever they are found.
 * @param sources tried in turn: what the replay wrote, what the host publishes
 * @returns changes, or the path whose bytes are nowhere
 */
export async function changesOf(
  records: Record[],
  sources: ((path: string) => Promise<Uint8Array | null>)[]
): Promise<{ changes: Changes; missing: string | null }> {
  const changes: Changes = new Map()
  const last = new Map(records.flatMap(record => record.writes.map(write => [write.path, write])))
  for (const { path, content } of last.values()) {
    let found: Uint8Array | null = null
    if (content !== null) {
      for (const source of sources) {
        const bytes = await source(path)
        if (bytes && b4a.equals(crypto.hash(b4a.from(bytes)), content.hash)) {
          found = bytes
          break
        }
      }
      if (found === null) return { changes, missing: path }
    }
    changes.set(path, found)
  }
  return { changes, missing: null }
}
