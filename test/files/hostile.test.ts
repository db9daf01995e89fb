// Databases that no honest host signs, made at random: whatever is read of them and written on them comes to an end, and is
// refused where they are no tree. VMS_TEST_RUNS, VMS_TEST_FULL and VMS_TEST_SEED are those of bee.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Node, YoloIndex, type Level } from 'hyperbee/lib/messages.js'
import { codeOf } from '../../lib/errors.js'
import { FileTree } from '../../lib/files/filetree.js'
import { inside, keyEncoding } from '../../lib/files/tree.js'
import { Random } from '../ledger/helper.js'
import { MemoryCore } from './memory.js'

const { VMS_TEST_FULL, VMS_TEST_RUNS = VMS_TEST_FULL ? '100000' : '1500', VMS_TEST_SEED = '1' } = process.env
const [first, runs] = [Number(VMS_TEST_SEED), Number(VMS_TEST_RUNS)]

const BLOB = { blockOffset: 0, byteOffset: 0, blockLength: 1, byteLength: 5 }
const ENTRY = Buffer.from(JSON.stringify({ executable: false, linkname: null, blob: BLOB, metadata: null }))
const NAMES = [...'abcdefghijklmnopqrstuvwxyz'].map(name => '/' + name)

/** Nodes that lead to each other as they please, the keys of most of them in order. */
function databaseOf(random: Random): Uint8Array[] {
  const names = [...NAMES]
  const blocks: Uint8Array[] = [Buffer.from('header')]
  const count = 2 + random.int(24)
  const nameOf = Array.from({ length: count + 1 }, () => random.pick(names))
  const orderly = random.next() < 0.8
  if (random.next() < 0.5) nameOf.sort()
  for (let seq = 1; seq <= count; seq++) {
    const levels = Array.from({ length: 1 + random.int(3) }, (): Level => {
      const keys = Array.from(
        { length: 1 + random.int(random.next() < 0.2 ? 12 : 4) },
        () => 1 + random.int(seq)
      )
      if (orderly) keys.sort((a, b) => (nameOf[a] < nameOf[b] ? -1 : 1))
      const distinct = keys.filter((key, i) => i === 0 || !orderly || nameOf[key] !== nameOf[keys[i - 1]])
      if (random.next() < 0.4) return { keys: distinct, children: [] }
      const children = Array.from({ length: distinct.length + 1 }, () => [
        random.next() < 0.1 ? random.int(seq + 2) : 1 + random.int(seq),
        random.next() < 0.7 ? 0 : random.int(3)
      ])
      return { keys: distinct, children: children.flat() }
    })
    const key = keyEncoding.encode(nameOf[seq])
    blocks.push(Node.encode({ index: YoloIndex.encode({ levels }), key, value: ENTRY }))
  }
  return blocks
}

async function refusedOr<T>(work: () => Promise<T>): Promise<boolean> {
  try {
    await work()
    return false
  } catch (error) {
    assert.equal(codeOf(error), 'BAD_HOST', String((error as Error).stack))
    return true
  }
}

async function attack(seed: number): Promise<{ refused: number; done: number }> {
  const random = new Random(seed)
  const core = new MemoryCore(databaseOf(random))
  const blobs = new MemoryCore([Buffer.from('12345')])
  const tree = new FileTree(core, blobs)
  const count = { refused: 0, done: 0 }
  const told = (refused: boolean) => void (refused ? count.refused++ : count.done++)
  for (let left = 6; left > 0; left--) {
    const operations = Array.from({ length: 1 + random.int(8) }, () => ({
      path: random.pick(NAMES) + (random.next() < 0.5 ? '' : String(random.int(30))),
      blob: random.next() < 0.7 ? null : BLOB
    }))
    if (random.next() < 0.7) told(await refusedOr(() => tree.write(operations)))
    told(
      await refusedOr(async () => {
        let last = ''
        for await (const path of tree.paths(inside('/'))) {
          assert.ok(path > last)
          last = path
        }
      })
    )
    told(await refusedOr(() => tree.get(random.pick(NAMES))))
  }
  return count
}

test(`${runs} random databases from seed ${first} on`, async () => {
  const sum = { refused: 0, done: 0 }
  for (let seed = first; seed < first + runs; seed++) {
    try {
      const { refused, done } = await attack(seed)
      sum.refused += refused
      sum.done += done
    } catch (error) {
      console.error(`seed ${seed}`)
      throw error
    }
  }
  assert.ok(sum.refused > runs && sum.done > runs, JSON.stringify(sum))
})
