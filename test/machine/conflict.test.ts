// What a peer sends as another history of a core, and is none, closes the core for nobody.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import b4a from 'b4a'
import type { ConflictProof } from 'hypercore'
import type Hypercore from 'hypercore'
import Corestore from 'corestore'
import { guardConflict } from '../../lib/machine/conflict.js'
import { openOwnCores } from '../../lib/machine/cores.js'
import { keyPairOf, temporary } from '../ledger/helper.js'

/** The private parts that a hostile peer uses. */
interface Hostile {
  proof(options: { upgrade: { start: number; length: number } }): Promise<ConflictProof>
  peers: { wireData: { send(data: object): void } }[]
}

/** A writer of 4 blocks, and a stranger who has them too. */
async function connected(t: TestContext) {
  const [ours, theirs] = [new Corestore(await temporary(t)), new Corestore(await temporary(t))]
  t.after(() => Promise.all([ours.close(), theirs.close()]))
  const { log } = await openOwnCores(ours, keyPairOf(1))
  await log.append(['genesis', 'init', 'one', 'two'].map(text => b4a.from(text)))
  const copy = theirs.get({ key: log.key })
  await copy.ready()
  guardConflict(copy)
  const [a, b] = [ours.replicate(true), theirs.replicate(false)]
  a.on('error', () => {})
  b.on('error', () => {})
  a.pipe(b).pipe(a)
  await copy.download({ start: 0, end: 4 }).done()
  return { log, copy }
}

const LIES: { [name: string]: (proof: ConflictProof) => void } = {
  'bytes moved from a root to the node beside it': ({ upgrade }) => {
    upgrade.nodes.at(-1)!.size += 1
    upgrade.additionalNodes[0].size -= 1
  },
  'a node too many': ({ upgrade }) => {
    upgrade.nodes.push({ index: 7, size: 1, hash: b4a.alloc(32) })
  },
  'a signature of something else': ({ upgrade }) => {
    upgrade.signature[10] ^= 1
  },
  'other nodes': ({ upgrade }) => {
    upgrade.nodes[0].hash[0] ^= 1
  },
  'nothing wrong': () => {}
}

for (const [name, lie] of Object.entries(LIES)) {
  for (const who of ['writer', 'reader'] as const) {
    test(`${name}, sent to the ${who}`, async t => {
      const { log, copy } = await connected(t)
      const proof = await (log as unknown as Hostile).proof({ upgrade: { start: 0, length: 3 } })
      lie(proof)
      const [victim, sender] = who === 'writer' ? [log, copy] : [copy, log]
      victim.on('conflict', () => assert.fail('there is no conflict'))
      const looked = asked(victim)
      const [peer] = (sender as unknown as Hostile).peers
      peer.wireData.send({ request: 0, ...proof, manifest: log.manifest })
      await looked
      await log.append(b4a.from('three'))
      assert.deepEqual(await copy.get(4), b4a.from('three'))
      assert.deepEqual([victim.closed, victim.length >= 4], [false, true])
    })
  }
}

/** Resolves once a core has looked at what came as a conflict. */
function asked(core: Hypercore): Promise<void> {
  const check = core.core.checkConflict.bind(core.core)
  return new Promise(resolve => {
    core.core.checkConflict = async (...args) => {
      const dealt = await check(...args)
      resolve()
      return dealt
    }
  })
}
