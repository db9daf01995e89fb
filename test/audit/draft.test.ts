// An auditor goes on from any state that an honest host leaves. As a tree shrinks, some blocks hold a node that is no part of
// it any more and refers to later blocks: these are honest too.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Draft } from '../../lib/audit/draft.js'
import type { CoreEvidence } from '../../lib/audit/evidence.js'
import { commitChanges } from '../../lib/files/commit.js'
import { FileTree } from '../../lib/files/filetree.js'
import type { Changes } from '../../lib/files/overlay.js'
import { appendToRoots, hashOfRoots, type TreeNode } from '../../lib/ledger/merkle.js'
import { MemoryCore } from '../files/memory.js'
import { hex, Random } from '../ledger/helper.js'

function evidenceOf({ blocks }: MemoryCore): CoreEvidence {
  const { length } = blocks
  const roots = blocks.reduce<TreeNode[]>((roots, block, i) => appendToRoots(roots, i, block), [])
  return { length, roots, get: index => Promise.resolve(blocks[index]) }
}

test('every commit on a tree that shrinks is made again on the files before it', async () => {
  const random = new Random(1)
  const [db, blobs] = [new MemoryCore(), new MemoryCore()]
  let left = Array.from({ length: 165 }, (_, i) => `/${1000 + i}`)
  let changes: Changes = new Map(left.map(path => [path, Buffer.from('x')]))
  while (left.length > 4) {
    const draft = new Draft({
      db: evidenceOf(new MemoryCore([...db.blocks])),
      blobs: evidenceOf(new MemoryCore([...blobs.blocks]))
    })
    await commitChanges(new FileTree(db, blobs), changes)
    const after = await draft.append(changes)
    assert.equal(hex(after.db.hash), hex(hashOfRoots(evidenceOf(db).roots)))
    assert.equal(hex(after.blobs.hash), hex(hashOfRoots(evidenceOf(blobs).roots)))
    const deleted = new Set(left.filter(() => random.next() < 0.3))
    const changed = left.filter(path => deleted.has(path) || random.next() < 0.1)
    changes = new Map(changed.map(path => [path, deleted.has(path) ? null : Buffer.from('y')]))
    left = left.filter(path => !deleted.has(path))
  }
})
