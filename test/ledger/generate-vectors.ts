// Writes fixtures/vectors. Not a test: the vectors fix the formats, so run this only when a format has changed on purpose,
// and read the difference:
//
//   npm run build && node dist/test/ledger/generate-vectors.js
//   npx prettier --write fixtures/vectors && git diff fixtures/vectors

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import Corestore from 'corestore'
import { commitChanges } from '../../lib/files/commit.js'
import { FileTree } from '../../lib/files/filetree.js'
import { openOwnCores } from '../../lib/machine/cores.js'
import { headOf } from '../../lib/machine/tree.js'
import { proofVectors, type ProofVector } from '../audit/proof/vectors.js'
import { hex, keyPairOf } from './helper.js'
import {
  blockVectors,
  changesOf,
  FILES,
  keysVectors,
  messageVectors,
  recordVectors,
  refusedVectors,
  requestVectors,
  statementVectors,
  valueVectors,
  type FilesVector
} from './vectors.js'

const target = new URL('../../../fixtures/vectors/', import.meta.url)

async function filesVectors(): Promise<FilesVector[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'vmswarm-vectors-'))
  const store = new Corestore(folder)
  try {
    const { db, blobs } = await openOwnCores(store, keyPairOf(1))
    const tree = new FileTree(db, blobs)
    const vectors: FilesVector[] = []
    for (const one of FILES) {
      await commitChanges(tree, changesOf(one.changes))
      const [dbHead, blobsHead] = [await headOf(db), await headOf(blobs)]
      vectors.push({
        ...one,
        db: { length: dbHead.length, hash: hex(dbHead.hash) },
        blobs: { length: blobsHead.length, hash: hex(blobsHead.hash) }
      })
    }
    return vectors
  } finally {
    await store.close()
    await rm(folder, { recursive: true })
  }
}

async function proofs(): Promise<ProofVector[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'vmswarm-vectors-'))
  try {
    return await proofVectors(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function write(name: string, vectors: unknown): Promise<void> {
  await writeFile(new URL(`${name}.json`, target), JSON.stringify(vectors, null, 2) + '\n')
}

await mkdir(target, { recursive: true })
await write('values', valueVectors())
await write('requests', requestVectors())
await write('records', recordVectors())
await write('blocks', blockVectors())
await write('statements', statementVectors())
await write('messages', messageVectors())
await write('keys', keysVectors())
await write('refused', refusedVectors())
await write('files', await filesVectors())
await write('proofs', await proofs())
