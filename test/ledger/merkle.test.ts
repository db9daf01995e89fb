// Merkle proofs: the roots are Hypercore's, and there is one proof of the same blocks, to the last node.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import b4a from 'b4a'
import Corestore from 'corestore'
import { deriveKeys } from '../../lib/ledger/keys.js'
import {
  appendToRoots,
  hashOfRoots,
  openCoreProof,
  openPath,
  endsOf,
  proveCore,
  type TreeNode
} from '../../lib/ledger/merkle.js'
import { openOwnCores } from '../../lib/machine/cores.js'
import { nodeOf } from '../../lib/machine/tree.js'
import { keyPairOf, Random, temporary } from './helper.js'

const LENGTH = 37
const blockOf = (index: number) => b4a.from(`block ${index}`)
const listed = (indexes: number[]) => indexes.map(index => ({ index, content: blockOf(index) }))

test('random blocks and lengths of a core', async t => {
  const store = new Corestore(await temporary(t))
  t.after(() => store.close())
  const { log } = await openOwnCores(store, keyPairOf(1))
  assert.deepEqual(log.key, deriveKeys(keyPairOf(1).publicKey).log)
  const hashes = [await log.treeHash(0)]
  let roots: TreeNode[] = []
  for (let i = 0; i < LENGTH; i++) {
    await log.append(blockOf(i))
    roots = appendToRoots(roots, i, blockOf(i))
    hashes.push(await log.treeHash(i + 1))
    assert.deepEqual(hashOfRoots(roots), hashes[i + 1])
  }
  const random = new Random(1)
  const some = (end: number) => Array.from({ length: end }, (_, i) => i).filter(() => random.int(6) === 0)
  for (let round = 0; round < 300; round++) {
    const length = 1 + random.int(LENGTH)
    const lengths = some(length)
    const blocks = [...new Set([...some(length), ...endsOf(lengths)])].sort((a, b) => a - b)
    const proof = await proveCore(length, listed(blocks), lengths, index => nodeOf(log, index))
    const { roots, rootsAt } = openCoreProof(proof, lengths)
    assert.deepEqual(hashOfRoots(roots), hashes[length])
    for (const one of lengths) assert.deepEqual(hashOfRoots(rootsAt.get(one)!), hashes[one])
    // a node's hash says what all below it weighs, and not which child weighs what
    for (let i = 1; i < proof.nodes.length; i++) {
      const nodes = proof.nodes.map(({ size, hash }, k) => ({
        size: size + +(k === i) - +(k === i - 1),
        hash
      }))
      const moved = openCoreProof({ ...proof, nodes }, lengths)
      if (!b4a.equals(hashOfRoots(moved.roots), hashes[length])) continue
      for (const one of lengths) assert.deepEqual(hashOfRoots(moved.rootsAt.get(one)!), hashes[one])
    }
    const more = { ...proof, nodes: [...proof.nodes, { size: 1, hash: b4a.alloc(32) }] }
    assert.throws(() => openCoreProof(more, lengths), /a node too many/)
    if (proof.nodes.length === 0) continue
    assert.throws(
      () => openCoreProof({ ...proof, nodes: proof.nodes.slice(1) }, lengths),
      /a node is missing/
    )
  }
})

test('blocks out of order, twice, or beyond the core', () => {
  for (const indexes of [[1, 0], [1, 1], [0, 2], [2 ** 50]]) {
    const proof = { length: 2, blocks: listed(indexes), nodes: [] }
    assert.throws(() => openCoreProof(proof), /blocks out of order/)
  }
})

test('lengths beyond the core', () => {
  const proof = { length: 2, blocks: listed([0, 1]), nodes: [] }
  assert.throws(() => openCoreProof(proof, [3]), /a length beyond the core/)
})

test('a path to a length beyond the core', () => {
  assert.throws(() => openPath({ length: 3, blocks: [], nodes: [] }, 4), /beyond the core/)
})

test('a core that is longer than any', () => {
  for (const length of [2 ** 32 + 1, 2 ** 53, 2 ** 63]) {
    assert.throws(() => openCoreProof({ length, blocks: [], nodes: [] }), /malformed: a core of/)
  }
})
