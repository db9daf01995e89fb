// Proofs of files that the log knows nothing of: a head that it passes over, or one that the host had signed when it stood by
// a log that ends before.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import b4a from 'b4a'
import c from 'compact-encoding'
import { sign } from 'hypercore-crypto'
import caps from 'hypercore/lib/caps.js'
import {
  challengeOfFiles,
  proveUnlogged,
  signedFiles,
  verifyProof,
  type FilesCore,
  type SignedFiles
} from '../../../lib/audit/proof/index.js'
import { proveLog } from '../../../lib/audit/proof/log.js'
import { unloggedProof, type UnloggedProof } from '../../../lib/audit/proof/unlogged.js'
import { decodeExactly, type Head } from '../../../lib/ledger/encoding.js'
import { encodeKey } from '../../../lib/ledger/keys.js'
import { sealProof, unsealProof } from '../../../lib/ledger/sealed.js'
import { confirmation, type Confirmation, type Signed } from '../../../lib/ledger/statements.js'
import { RUNTIME } from '../../../lib/machine/runtime.js'
import { headOf } from '../../../lib/machine/tree.js'
import type { Forgery } from '../../helpers/forger.js'
import { Ground } from '../../helpers/ground.js'
import { forge } from './frauds.js'

const ground = await Ground.open()
const forger = await ground.forger()
const CORES: FilesCore[] = ['db', 'blobs']
const nothing = b4a.alloc(32, 7)

/** A VM whose files are changed before some block, and how they were signed then. */
async function tampered(before: number, change?: (vm: Forgery) => Promise<void>) {
  const signed = new Map<FilesCore, SignedFiles>()
  const tamper = async (vm: Forgery) => {
    await vm.tamper([['/n', '50']])
    for (const core of CORES) signed.set(core, await signedFiles(vm.cores, core))
    await change?.(vm)
  }
  const vm = await forge(forger, { before: { [before]: tamper } })
  return { vm, db: signed.get('db')!, blobs: signed.get('blobs')! }
}

function confirm(
  vm: Forgery,
  head: Head,
  files: SignedFiles,
  lie: Partial<Confirmation> = {}
): Signed<Confirmation> {
  return confirmation.sign({ vm: vm.key, challenge: challengeOfFiles(files), head, ...lie }, vm.keyPair)
}

function change(bytes: Uint8Array, lie: (proof: UnloggedProof) => Partial<UnloggedProof>): Uint8Array {
  const proof = decodeExactly(unloggedProof, unsealProof(bytes).body)
  return sealProof('unlogged', c.encode(unloggedProof, { ...proof, ...lie(proof) }))
}

async function refused(bytes: Uint8Array, reason: RegExp): Promise<void> {
  const { verdict, reason: why } = await verifyProof(bytes)
  assert.equal(verdict, 'unproven')
  assert.match(why!, reason)
}

const changes = await tampered(4)
const honest = await forge(forger, {})

/** Files that the log knows nothing of, in the end. */
async function ending() {
  const vm = await forge(forger, {})
  await vm.tamper([['/n', '50']])
  const [db, blobs] = [await signedFiles(vm.cores, 'db'), await signedFiles(vm.cores, 'blobs')]
  return { vm, db, blobs }
}

for (const core of CORES) {
  test(`a head of the ${core} that lies between two commits`, async () => {
    const bytes = await proveUnlogged(changes.vm.cores, changes[core], { from: 3, to: 4 })
    const { verdict, type, key, findings } = await verifyProof(bytes)
    assert.deepEqual([verdict, type, key], ['proven', 'unlogged', encodeKey(changes.vm.key)])
    const [{ kind, block, index }] = findings
    assert.deepEqual([findings.length, kind, block, index], [1, 'unlogged-write', 3, null])
  })

  test(`a head of the ${core} before init`, async () => {
    const { vm, ...files } = await tampered(1)
    const bytes = await proveUnlogged(vm.cores, files[core], { from: 0, to: 1 })
    assert.equal((await verifyProof(bytes)).findings[0].block, 0)
  })

  test(`a head of the ${core} between two commits, and the runtime changed between them`, async () => {
    const { vm, ...files } = await tampered(4, async vm => {
      await vm.changeRuntime(RUNTIME)
      await vm.changeRuntime(RUNTIME)
    })
    const bytes = await proveUnlogged(vm.cores, files[core], { from: 3, to: 6 })
    assert.equal((await verifyProof(bytes)).findings[0].block, 3)
    for (const to of [4, 5]) {
      await assert.rejects(proveUnlogged(vm.cores, files[core], { from: 3, to }), /incomplete/)
    }
    await assert.rejects(proveUnlogged(vm.cores, files[core], { from: 4, to: 6 }), /not in a row/)
  })

  test(`a head of the ${core} that was signed before a log which ends sooner`, async () => {
    const { vm, ...files } = await ending()
    const row = { from: 5, to: 5 }
    const confirmed = confirm(vm, await vm.head(), files[core])
    assert.equal(
      (await verifyProof(await proveUnlogged(vm.cores, files[core], row, confirmed))).verdict,
      'proven'
    )
    await assert.rejects(proveUnlogged(vm.cores, files[core], row), /incomplete/)
    await vm.changeRuntime(RUNTIME)
    const longer = confirm(vm, await vm.head(), files[core])
    assert.equal(
      (await verifyProof(await proveUnlogged(vm.cores, files[core], { from: 5, to: 6 }, longer))).verdict,
      'proven'
    )
    // the log may have gone on since
    assert.equal(
      (await verifyProof(await proveUnlogged(vm.cores, files[core], row, confirmed))).verdict,
      'proven'
    )
    await assert.rejects(proveUnlogged(vm.cores, files[core], row, longer), /incomplete/)
  })

  test(`no head of the ${core} of an honest host is unlogged`, async () => {
    for (let at = 1; at <= 5; at++) {
      const head = await headOf(honest.cores[core], (await honest.commitAt(at)).after[core].length)
      const signable = caps.treeSignable(honest.cores.keys[core], head.hash, head.length, 0)
      const files = { core, head, signature: sign(signable, honest.keyPair.secretKey) }
      for (let from = 0; from < 5; from++) {
        await assert.rejects(proveUnlogged(honest.cores, files, { from, to: from + 1 }), /nothing is wrong/)
      }
      for (let length = at + 1; length <= 6; length++) {
        const confirmed = confirm(honest, await honest.head(length), files)
        for (let from = 0; from < length; from++) {
          const row = { from, to: length - 1 }
          const reason = from === length - 1 ? /nothing is wrong/ : /incomplete|not in a row/
          await assert.rejects(proveUnlogged(honest.cores, files, row, confirmed), reason)
        }
      }
    }
  })
}

test('a confirmation of something else, by somebody else, or of another log', async () => {
  const { vm, db } = await ending()
  const head = await vm.head()
  const refuses = (confirmed: Signed<Confirmation>, why: RegExp) =>
    assert.rejects(proveUnlogged(vm.cores, db, { from: 5, to: 5 }, confirmed), why)
  await refuses(confirm(vm, head, db, { challenge: nothing }), /something else/)
  await refuses(confirm(honest, head, db, { vm: vm.key }), /not signed by the key/)
  await refuses(confirm(vm, head, db, { vm: honest.key }), /not signed by the key/)
  await refuses(confirm(vm, { ...head, hash: nothing }, db), /not the one that is shown/)
  await refuses(confirm(vm, { ...head, length: 7 }, db), /not the one that is shown/)
})

test('files that somebody else signed, or other ones', async () => {
  const { vm, db, blobs } = changes
  const row = { from: 3, to: 4 }
  const refuses = (files: SignedFiles) =>
    assert.rejects(proveUnlogged(vm.cores, files, row), /head of the files is not signed/)
  await refuses({ ...db, signature: blobs.signature })
  await refuses({ ...db, core: 'blobs' })
  await refuses({ ...db, head: { ...db.head, length: db.head.length + 1 } })
  await refuses({ ...db, head: { ...db.head, hash: nothing } })
  const bytes = await proveUnlogged(vm.cores, db, row)
  for (const core of [0, 3, 255])
    await refused(
      change(bytes, () => ({ core })),
      /no core of the files/
    )
  await assert.rejects(proveUnlogged(honest.cores, db, row), /head of the files is not signed/)
})

test('blocks that are not in a row, other lengths, or none', async () => {
  const { vm, db } = changes
  const bytes = await proveUnlogged(vm.cores, db, { from: 3, to: 4 })
  for (const [blocks, lengths, reason] of [
    [[], [], /holds no blocks/],
    [[3], [], /incomplete/],
    [[3, 5], [], /not in a row/],
    [[2, 4], [], /not in a row/],
    [[3, 4, 5], [], /not in a row/],
    [[0, 3, 4], [], /not in a row/],
    [[3, 4], [5], /more of the log than it takes/]
  ] as [number[], number[], RegExp][]) {
    const read = new Map(await Promise.all(blocks.map(async n => [n, (await vm.cores.log.get(n))!] as const)))
    const log = await proveLog(vm.cores.log, read, lengths)
    await refused(
      change(bytes, () => ({ log })),
      reason
    )
  }
})

test('a second genesis is no beginning, and no change of the runtime', async () => {
  const { vm, db } = await tampered(4, async vm => vm.append(vm.genesis))
  await assert.rejects(proveUnlogged(vm.cores, db, { from: 3, to: 5 }), /not in a row/)
  await assert.rejects(proveUnlogged(vm.cores, db, { from: 4, to: 5 }), /not in a row/)
})

test('a copy that has nothing to show', async () => {
  const vm = await forger.vm({ source: 'exports.none = () => null' })
  await assert.rejects(signedFiles(vm.cores, 'db'), { code: 'NOT_AVAILABLE' })
  await assert.rejects(proveUnlogged(vm.cores, changes.db, { from: 0, to: 1 }), { code: 'NOT_AVAILABLE' })
})
