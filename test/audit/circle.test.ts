// A tree of files that is none only after a batch has begun to change it: its nodes lead in a circle that no path goes
// through before. Whoever runs along it never comes back to where a timer could stop it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import b4a from 'b4a'
import { Node, YoloIndex, type Level } from 'hyperbee/lib/messages.js'
import { keyEncoding } from '../../lib/files/tree.js'
import { Ground } from '../helpers/ground.js'
import { SOURCE } from '../helpers/story.js'

const ground = await Ground.open()

const EMPTY = { blockOffset: 0, byteOffset: 0, blockLength: 0, byteLength: 0 }
const ENTRY = b4a.from(JSON.stringify({ executable: false, linkname: null, blob: EMPTY, metadata: null }))

function block(path: string, level: Level): Uint8Array {
  return Node.encode({
    index: YoloIndex.encode({ levels: [level] }),
    key: keyEncoding.encode(path),
    value: ENTRY
  })
}
const leaf = (key: number): Level => ({ keys: [key], children: [] })
const inner = (keys: number[], ...seqs: number[]): Level => ({
  keys,
  children: seqs.flatMap(seq => [seq, 0])
})

test('a deletion merges a node that is its own last child, the next one goes down there', async () => {
  const forger = await ground.forger()
  const vm = await forger.vm({ source: SOURCE })
  await vm.init() // which leaves 2 blocks
  await vm.cores.db.append([
    block('/b', leaf(2)),
    block('/c', inner([3], 2, 4)),
    block('/d', inner([4], 2, 4)),
    block('/j', leaf(5)),
    block('/m', leaf(6)),
    block('/p', leaf(7)),
    block('/z', leaf(8)),
    block('/zz', inner([5, 7], 3, 6, 8))
  ])
  const deletions = [await vm.request('remove', ['/m']), await vm.request('remove', ['/p'])]
  await vm.commit(deletions, { changes: changes => changes.clear() })
  await vm.publish()
  for (const options of [{}, { from: 2 }]) {
    const { verdict, findings } = await ground.audit(vm.key, { timeout: 3000, ...options })
    assert.deepEqual([verdict, findings[0].kind, findings[0].block], ['fraud', 'wrong-state', 2])
  }
})
