// The vectors of proofs: what is in fixtures/vectors/proofs.json. They do not depend on the runtime: the genesis names an
// engine that no release has any more, so nothing is executed, and what is wrong is seen without that.

import b4a from 'b4a'
import c, { type Encoder } from 'compact-encoding'
import Corestore from 'corestore'
import { answerProof } from '../../../lib/audit/proof/answer.js'
import { commitProof } from '../../../lib/audit/proof/commit.js'
import {
  challengeOfAnswer,
  challengeOfFiles,
  proveAnswer,
  proveAnswerBeyond,
  proveUnlogged,
  signedFiles,
  verifyProof,
  writeProof
} from '../../../lib/audit/proof/index.js'
import { unloggedProof } from '../../../lib/audit/proof/unlogged.js'
import { commitChanges } from '../../../lib/files/commit.js'
import { FileTree } from '../../../lib/files/filetree.js'
import { encodeBlock, type Commit, type Genesis } from '../../../lib/ledger/blocks.js'
import { claimOfHead } from '../../../lib/ledger/claims.js'
import crypto from '../../../lib/ledger/crypto.js'
import { decodeExactly, type Head } from '../../../lib/ledger/encoding.js'
import { forkProof, proveFork } from '../../../lib/ledger/fork.js'
import { hashRecord, type Record } from '../../../lib/ledger/record.js'
import { hashRequest, signRequest } from '../../../lib/ledger/request.js'
import { sealProof, unsealProof, type ProofType } from '../../../lib/ledger/sealed.js'
import { confirmation, headMessage, receipt, type Receipt } from '../../../lib/ledger/statements.js'
import { encodeValue } from '../../../lib/ledger/values.js'
import { openOwnCores, type Cores } from '../../../lib/machine/cores.js'
import { stateOf } from '../../../lib/machine/transaction.js'
import { headOf } from '../../../lib/machine/tree.js'
import { sourceOf } from '../../helpers/copy.js'
import { hashOf, hex, keyPairOf, toJSON, type JSONValue } from '../../ledger/helper.js'
import { CALLER_SEED, GENESIS, VM_SEED } from '../../ledger/samples.js'

export interface ProofVector {
  name: string
  type: ProofType
  /** the file */
  bytes: string
  /** its body */
  decoded: JSONValue
  /** of the VM */
  key: string
  findings: { kind: string; block: number; index: number | null }[]
}

export const BODIES: { [type in ProofType]: Encoder<object> } = {
  replay: commitProof,
  fork: forkProof,
  answer: answerProof,
  unlogged: unloggedProof
}

const SOURCE = 'exports.echo = value => value'
const caller = keyPairOf(CALLER_SEED)

/** A VM whose blocks are made by hand, and never by chance. */
class Scene {
  private index = 0

  private constructor(readonly cores: Cores) {}

  static async open(store: Corestore, seed: number): Promise<Scene> {
    const cores = await openOwnCores(store, keyPairOf(seed))
    const genesis: Genesis = {
      ...GENESIS,
      source: SOURCE,
      sourceHash: crypto.hash(b4a.from(SOURCE)),
      methods: ['echo'],
      files: cores.keys.db,
      owner: caller.publicKey,
      oracles: [],
      engine: 0
    }
    await cores.log.append(encodeBlock(genesis))
    return new Scene(cores)
  }

  head(length = this.cores.log.length): Promise<Head> {
    return headOf(this.cores.log, length)
  }

  /** A record of a call that gives null; the first one is init. */
  async record(id: number, seen?: Head): Promise<Record> {
    const method = this.cores.log.length === 1 ? 'init' : 'echo'
    const request = {
      vm: this.cores.keys.log,
      caller: caller.publicKey,
      method,
      args: encodeValue([]),
      id: b4a.alloc(16, id),
      seen: seen ?? (await this.head())
    }
    const { bytes, signature } = signRequest(request, caller)
    const outcome = { ok: true as const, value: encodeValue(null) }
    return { request: bytes, signature, outcome, gas: 0, writes: [], oracles: [] }
  }

  /** Commits a record, and writes to the files. */
  async commit(record: Record, files: [string, string][] = []): Promise<Commit> {
    const before = await this.state()
    await this.write(files)
    const commit: Commit = {
      type: 'commit',
      upgrade: null,
      first: this.index++,
      base: 0,
      before,
      after: await this.state(),
      records: [record],
      time: 1_700_000_000_000
    }
    await this.cores.log.append(encodeBlock(commit))
    return commit
  }

  async write(files: [string, string][]): Promise<void> {
    const { db, blobs } = this.cores
    await commitChanges(new FileTree(db, blobs), new Map(files.map(([path, text]) => [path, b4a.from(text)])))
  }

  async receipt(commit: Commit, block: number, lie: Partial<Receipt> = {}) {
    const [one] = commit.records
    const fields: Receipt = {
      vm: this.cores.keys.log,
      request: hashRequest({ bytes: one.request, signature: one.signature }),
      block,
      index: commit.first,
      record: hashRecord(one),
      hash: (await this.head(Math.min(block + 1, this.cores.log.length))).hash,
      ...lie
    }
    return receipt.sign(fields, keyPairOf(VM_SEED))
  }

  private state() {
    return stateOf(this.cores.db, this.cores.blobs)
  }
}

/** @param folder for the VMs' cores */
export async function proofVectors(folder: string): Promise<ProofVector[]> {
  const vectors: ProofVector[] = []
  const scene = async (name: string, make: (vm: Scene) => Promise<Uint8Array>) => {
    const store = new Corestore(`${folder}/${vectors.length}`)
    try {
      vectors.push(await vectorOf(name, await make(await Scene.open(store, VM_SEED))))
    } finally {
      await store.close()
    }
  }

  await scene('a signature that is not its caller’s, in the first commit', async vm => {
    const init = await vm.record(1)
    await vm.commit({ ...init, signature: b4a.alloc(64, 1) })
    return replayed(vm, 1)
  })
  await scene('a caller who has seen another log', async vm => {
    await vm.commit(await vm.record(1))
    await vm.commit(await vm.record(2))
    await vm.commit(await vm.record(3, { length: 2, hash: hashOf('another log') }))
    await vm.commit(await vm.record(4))
    return replayed(vm, 3)
  })
  await scene('a request that was executed before', async vm => {
    await vm.commit(await vm.record(1))
    const record = await vm.record(2)
    await vm.commit(record)
    await vm.commit(await vm.record(3))
    await vm.commit(record)
    return replayed(vm, 4)
  })
  await scene('files that hold something else than was logged', async vm => {
    await vm.commit(await vm.record(1), [['/a', 'a']])
    const record = await vm.record(2)
    const content = { byteLength: 1, hash: crypto.hash(b4a.from('b')) }
    await vm.commit({ ...record, writes: [{ path: '/a', content }] }, [['/a', 'c']])
    return replayed(vm, 2)
  })
  await scene('an answer with another record than the log', async vm => {
    await vm.commit(await vm.record(1))
    const commit = await vm.commit(await vm.record(2))
    return proveAnswer(vm.cores, await vm.receipt(commit, 2, { record: hashOf('another record') }))
  })
  await scene('an answer beyond a log that the host stood by afterwards', async vm => {
    await vm.commit(await vm.record(1))
    const commit = await vm.commit(await vm.record(2))
    const answer = await vm.receipt(commit, 2)
    const fields = { vm: vm.cores.keys.log, challenge: challengeOfAnswer(answer), head: await vm.head(2) }
    return proveAnswerBeyond(vm.cores.keys, answer, confirmation.sign(fields, keyPairOf(VM_SEED)))
  })
  await scene('a head of the files that lies between two commits', async vm => {
    await vm.commit(await vm.record(1), [['/a', 'a']])
    await vm.write([['/b', 'b']])
    const files = await signedFiles(vm.cores, 'db')
    await vm.commit(await vm.record(2), [['/c', 'c']])
    return proveUnlogged(vm.cores, files, { from: 1, to: 2 })
  })
  await scene('a head of the files before a log that ends sooner', async vm => {
    await vm.commit(await vm.record(1))
    await vm.write([['/b', 'b']])
    const files = await signedFiles(vm.cores, 'blobs')
    const fields = { vm: vm.cores.keys.log, challenge: challengeOfFiles(files), head: await vm.head() }
    const confirmed = confirmation.sign(fields, keyPairOf(VM_SEED))
    return proveUnlogged(vm.cores, files, { from: 1, to: 1 }, confirmed)
  })
  await scene('two heads of one length', async vm => {
    const head = { vm: vm.cores.keys.log, length: 7, time: 1_700_000_000_000 }
    const [one, two] = ['one', 'another'].map(name =>
      claimOfHead(headMessage.sign({ ...head, hash: hashOf(name) }, keyPairOf(VM_SEED)))
    )
    const path = () => Promise.reject(new Error('heads of one length need no path'))
    return sealProof('fork', await proveFork(vm.cores.keys, { core: 'log', claims: [one, two] }, path))
  })
  return vectors
}

async function replayed(vm: Scene, block: number): Promise<Uint8Array> {
  const bytes = await writeProof(sourceOf(vm.cores), block)
  if (bytes === null) throw new Error(`nothing is wrong with block ${block}`)
  return bytes
}

async function vectorOf(name: string, file: Uint8Array): Promise<ProofVector> {
  const { type, body } = unsealProof(file)
  const { key, findings } = await verifyProof(file)
  return {
    name,
    type,
    bytes: hex(file),
    decoded: toJSON(decodeExactly(BODIES[type], body)),
    key: key!,
    findings: findings.map(({ kind, block, index }) => ({ kind, block, index }))
  }
}

/** The body of a proof, as it is sealed again. */
export function encodeAgain(type: ProofType, fields: object): Uint8Array {
  return sealProof(type, c.encode(BODIES[type], fields))
}
