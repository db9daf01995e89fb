// Proofs of forks: what proves one, what does not, and what a changed byte makes of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import b4a from 'b4a'
import c from 'compact-encoding'
import { hash, parent, sign } from 'hypercore-crypto'
import caps from 'hypercore/lib/caps.js'
import { encodeBlock, type Block, type Commit } from '../../lib/ledger/blocks.js'
import {
  challengeOf,
  claim,
  claimOfCommit,
  claimOfConfirmation,
  claimOfCore,
  claimOfHead,
  claimOfReceipt,
  type Claim,
  type CoreName
} from '../../lib/ledger/claims.js'
import type { Head } from '../../lib/ledger/encoding.js'
import { forkProof, proveFork, verifyFork, type Fork, type ForkPath } from '../../lib/ledger/fork.js'
import { deriveKeys } from '../../lib/ledger/keys.js'
import {
  appendToRoots,
  hashOfRoots,
  endsOf,
  proveCore,
  provePath,
  rootIndexes,
  type CoreProof,
  type TreeNode
} from '../../lib/ledger/merkle.js'
import { sealProof, unsealProof } from '../../lib/ledger/sealed.js'
import { confirmation, headMessage, receipt } from '../../lib/ledger/statements.js'
import { hashOf, keyPairOf, Random } from './helper.js'
import { COMMITS, GENESIS } from './samples.js'

const HOST = keyPairOf(1)
const KEYS = deriveKeys(HOST.publicKey)

/** A core in memory, with every node of its tree. */
class History {
  readonly nodes = new Map<number, TreeNode>()
  private roots: TreeNode[] = []
  private readonly hashes: Uint8Array[] = [hashOfRoots([])]

  constructor(readonly blocks: Uint8Array[]) {
    for (const [i, block] of blocks.entries()) {
      this.nodes.set(2 * i, { ...appendToRoots([], 0, block)[0], index: 2 * i })
      this.roots = appendToRoots(this.roots, i, block)
      this.hashes.push(hashOfRoots(this.roots))
      for (let span = 2; (i + 1) % span === 0; span *= 2) this.join(i + 1 - span, span)
    }
  }

  /** A history of blocks that are these letters. */
  static of(letters: string): History {
    return new History([...letters].map(letter => b4a.from(`block ${letter}`)))
  }

  head(length = this.blocks.length): Head {
    return { length, hash: this.hashes[length] }
  }

  private join(start: number, span: number): void {
    const [left, right] = [2 * start + span / 2 - 1, 2 * start + (3 * span) / 2 - 1].map(index =>
      this.nodes.get(index)!
    )
    const index = 2 * start + span - 1
    this.nodes.set(index, { index, size: left.size + right.size, hash: parent(left, right) })
  }

  path = async (length: number, shorter: number): Promise<ForkPath> => {
    return { core: await this.prove(length, endsOf([shorter]), [shorter]), roots: null }
  }

  /** The same as somebody shows it who has nothing below the roots. */
  async bare(length: number, shorter: number, { roots }: { roots: TreeNode[] }): Promise<ForkPath> {
    const core = await provePath(length, shorter, index => Promise.resolve(this.nodes.get(index)!))
    return { core, roots: roots.map(({ size, hash }) => ({ size, hash })) }
  }

  rootsAt(length: number): { roots: TreeNode[] } {
    return { roots: rootIndexes(length).map(index => this.nodes.get(index)!) }
  }

  prove(length: number, blocks: number[], lengths: number[] = []): Promise<CoreProof> {
    const contents = blocks.map(index => ({ index, content: this.blocks[index] }))
    return proveCore(length, contents, lengths, index => Promise.resolve(this.nodes.get(index)!))
  }
}

const headOf = (head: Head, time = 1000, by = HOST, vm = KEYS.log): Claim =>
  claimOfHead(headMessage.sign({ vm, ...head, time }, by))

const coreOf = (head: Head, core: CoreName = 'log', fork = 0, by = HOST, keys = KEYS): Claim => {
  const signature = sign(caps.treeSignable(keys[core], head.hash, head.length, fork), by.secretKey)
  return claimOfCore({ ...head, fork, signature })
}

const receiptOf = ({ length, hash }: Head): Claim => {
  const [request, record] = [hashOf('request'), hashOf('record')]
  return claimOfReceipt(
    receipt.sign({ vm: KEYS.log, request, block: length - 1, index: 7, record, hash }, HOST)
  )
}

const confirmationOf = (head: Head, challenge = hashOf('challenge')): Claim =>
  claimOfConfirmation(confirmation.sign({ vm: KEYS.log, challenge, head }, HOST))

const LEFT = History.of('abcdefghijk')
const RIGHT = History.of('abcdeFGHIJK')

const prove = (claims: [Claim] | [Claim, Claim], path = LEFT.path, core: CoreName = 'log', keys = KEYS) =>
  proveFork(keys, { core, claims }, path)

/** A log whose block 2 is a commit, which says that the files are as `files`. */
function logWith(files: Partial<Commit>): History {
  const commit = { ...COMMITS[0][1], ...files }
  const blocks: Block[] = [GENESIS, COMMITS[0][1], commit]
  return new History(blocks.map(encodeBlock))
}

/** A claim of a commit of that log, which says something else about when. */
function withWhen({ type, bytes }: Claim, log: History, when: number): Claim {
  const changed = b4a.from(bytes)
  changed[c.encode(claim, headOf(log.head())).byteLength] = when
  return { type, bytes: changed }
}

const change = (body: Uint8Array, changes: Partial<Fork>) =>
  c.encode(forkProof, { ...c.decode(forkProof, body), ...changes })

/** Every kind of proof. */
async function proofs(): Promise<{ name: string; body: Uint8Array; lengths: number[]; core: CoreName }[]> {
  const all: { name: string; body: Uint8Array; lengths: number[]; core: CoreName }[] = []
  const add = async (
    name: string,
    lengths: number[],
    claims: [Claim] | [Claim, Claim],
    core: CoreName = 'log',
    path = LEFT.path
  ) => all.push({ name, lengths, core, body: await prove(claims, path, core) })
  await add('two heads of one length', [8, 8], [headOf(LEFT.head(8)), headOf(RIGHT.head(8))])
  await add('a shorter head of another branch', [7, 11], [headOf(LEFT.head()), headOf(RIGHT.head(7))])
  await add('a core and a head', [6, 11], [headOf(RIGHT.head(6)), coreOf(LEFT.head())])
  await add('a core and a receipt', [9, 11], [receiptOf(RIGHT.head(9)), coreOf(LEFT.head())])
  await add('two receipts', [9, 9], [receiptOf(RIGHT.head(9)), receiptOf(LEFT.head(9))])
  await add('two cores', [10, 11], [coreOf(RIGHT.head(10)), coreOf(LEFT.head())])
  await add('a confirmation and a head', [10, 10], [confirmationOf(RIGHT.head(10)), headOf(LEFT.head(10))])
  const later = headOf(LEFT.head(9))
  await add('a rewind', [4, 9], [later, confirmationOf(LEFT.head(4), challengeOf(later))])
  const answer = receiptOf(LEFT.head(9))
  await add('a rewind of a receipt', [4, 9], [answer, confirmationOf(LEFT.head(4), challengeOf(answer))])
  for (const core of ['log', 'db', 'blobs'] as const) {
    await add(`the ${core} cut`, [5], [coreOf(LEFT.head(5), core, 3)], core)
    await add(`two of the ${core}`, [8, 10], [coreOf(LEFT.head(10), core), coreOf(RIGHT.head(8), core)], core)
  }
  const files = { db: RIGHT.head(7), blobs: RIGHT.head(6) }
  const log = logWith({ after: files })
  const said = claimOfCommit(headOf(log.head()), await log.prove(3, [2]), 'after')
  await add('a commit and the db', [7, 11], [said, coreOf(LEFT.head(), 'db')], 'db')
  await add('a commit and the blobs', [6, 6], [said, coreOf(LEFT.head(6), 'blobs')], 'blobs')
  const cut = logWith({ before: files })
  const before = claimOfCommit(coreOf(cut.head()), await cut.prove(3, [2]), 'before')
  await add('what a commit goes on from', [7, 11], [before, coreOf(LEFT.head(), 'db')], 'db')
  return all
}

const PROOFS = await proofs()

for (const { name, body, lengths, core } of PROOFS) {
  test(`${name}: proven`, () => {
    const proven = verifyFork(body)
    assert.deepEqual([proven.lengths, proven.core], [lengths, core])
    assert.ok(b4a.equals(proven.key, KEYS.log))
    assert.match(proven.detail, /^the host has /)
    const { type, body: unsealed } = unsealProof(sealProof('fork', body))
    assert.equal(type, 'fork')
    assert.ok(b4a.equals(unsealed, body))
    assert.ok(body.byteLength < 2048, `${body.byteLength} bytes`)
  })
}

test('every pair of lengths of two branches, and none of one', async () => {
  for (let long = 1; long <= 11; long++) {
    for (let short = 1; short <= long; short++) {
      const honest = prove([coreOf(LEFT.head(long)), headOf(LEFT.head(short))])
      await assert.rejects(honest, /both (are of one history|claims say the same)/)
      const claims: [Claim, Claim] = [coreOf(LEFT.head(long)), headOf(RIGHT.head(short))]
      if (short <= 5) await assert.rejects(prove(claims), /both (are of one history|claims say the same)/)
      else assert.deepEqual(verifyFork(await prove(claims)).lengths, [short, long])
    }
  }
})

const MALLORY = keyPairOf(9)
const OTHERS = deriveKeys(MALLORY.publicKey)

const REFUSED: [string, RegExp, () => Promise<unknown>][] = [
  [
    'one head twice',
    /both claims say the same/,
    () => prove([headOf(LEFT.head(8)), headOf(LEFT.head(8), 2000)])
  ],
  ['the very same head', /say the same/, () => prove([headOf(LEFT.head(8)), headOf(LEFT.head(8))])],
  [
    'a head by another key',
    /not signed by the VM/,
    () => prove([headOf(LEFT.head(8)), headOf(RIGHT.head(8), 1, MALLORY)])
  ],
  [
    'a head of another VM',
    /another VM/,
    () => prove([headOf(LEFT.head(8)), headOf(RIGHT.head(8), 1, HOST, OTHERS.log)])
  ],
  [
    'a core by another key',
    /is not signed so/,
    () => prove([headOf(LEFT.head(8)), coreOf(RIGHT.head(8), 'log', 0, MALLORY)])
  ],
  [
    'a core of another kind',
    /is not signed so/,
    () => prove([headOf(LEFT.head(8)), coreOf(RIGHT.head(8), 'db')])
  ],
  [
    'another key altogether',
    /another VM/,
    () => prove([headOf(LEFT.head(8)), headOf(RIGHT.head(8))], LEFT.path, 'log', OTHERS)
  ],
  ['one core that was not cut', /one claim alone/, () => prove([coreOf(LEFT.head(8))])],
  ['one head', /one claim alone/, () => prove([headOf(LEFT.head(8))])],
  [
    'a cut core beside another',
    /needs no second claim/,
    () => prove([coreOf(LEFT.head(8), 'log', 1), coreOf(RIGHT.head(8))])
  ],
  [
    'a cut core after another',
    /needs no second claim/,
    () => prove([coreOf(LEFT.head(8)), coreOf(RIGHT.head(8), 'log', 1)])
  ],
  [
    'heads about the files',
    /says nothing about the db/,
    () => prove([headOf(LEFT.head(8)), headOf(RIGHT.head(8))], LEFT.path, 'db')
  ],
  ['no blocks', /no blocks/, () => prove([headOf({ length: 0, hash: hashOf('x') }), headOf(LEFT.head(8))])],
  [
    'a shorter head that was confirmed for something else',
    /of one history/,
    () => prove([headOf(LEFT.head(8)), confirmationOf(LEFT.head(4), hashOf('another'))])
  ],
  [
    'a longer head that was confirmed',
    /of one history/,
    () => {
      const old = headOf(LEFT.head(4))
      return prove([old, confirmationOf(LEFT.head(8), challengeOf(old))])
    }
  ],
  [
    'the same head, confirmed',
    /say the same/,
    () => {
      const old = headOf(LEFT.head(4))
      return prove([old, confirmationOf(LEFT.head(4), challengeOf(old))])
    }
  ],
  [
    'a shorter head, confirmed after Hypercore had signed more',
    /of one history/,
    () => {
      const core = coreOf(LEFT.head(8))
      return prove([core, confirmationOf(LEFT.head(4), challengeOf(core))])
    }
  ],
  [
    'a path of other nodes',
    /does not lead to the longer claim/,
    () => prove([headOf(LEFT.head(8)), headOf(RIGHT.head(7))], RIGHT.path)
  ],
  [
    'a path of another length',
    /the path is another/,
    () => prove([headOf(LEFT.head(8)), headOf(RIGHT.head(7))], () => LEFT.path(9, 7))
  ],
  [
    'a path that shows another length',
    /malformed/,
    () => prove([headOf(LEFT.head(8)), headOf(RIGHT.head(7))], () => LEFT.path(8, 6))
  ],
  [
    'a path with blocks',
    /more than it takes/,
    () => {
      const path = async () => ({ core: await LEFT.prove(8, [1, 6], [7]), roots: null })
      return prove([headOf(LEFT.head(8)), headOf(RIGHT.head(7))], path)
    }
  ],
  [
    'a path without the last block of an odd length',
    /the last block of a length is missing/,
    () => {
      const path = async () => ({ core: await LEFT.prove(8, [], [7]), roots: null })
      return prove([headOf(LEFT.head(8)), headOf(RIGHT.head(7))], path)
    }
  ],
  [
    'roots of another claim',
    /the roots are not those of the shorter claim/,
    () => prove([headOf(LEFT.head(8)), headOf(RIGHT.head(7))], () => LEFT.bare(8, 7, LEFT.rootsAt(7)))
  ],
  [
    'roots of another length',
    /the roots are others/,
    () => prove([headOf(LEFT.head(8)), headOf(RIGHT.head(7))], () => LEFT.bare(8, 7, RIGHT.rootsAt(8)))
  ],
  [
    'a bare path of one history',
    /both are of one history/,
    () => prove([headOf(LEFT.head(8)), headOf(LEFT.head(7))], () => LEFT.bare(8, 7, LEFT.rootsAt(7)))
  ],
  [
    'a bare path with a block',
    /a path has no blocks/,
    async () => {
      const path = { core: await LEFT.prove(8, [6], [7]), roots: RIGHT.rootsAt(7).roots }
      return prove([headOf(LEFT.head(8)), headOf(RIGHT.head(7))], () => Promise.resolve(path))
    }
  ],
  [
    'a length beyond all cores',
    /malformed: a core of/,
    () => prove([headOf({ length: 2 ** 40, hash: hashOf('x') }), headOf(LEFT.head(8))])
  ],
  [
    'a core of a length beyond all cores',
    /malformed: a core of/,
    () => prove([coreOf({ length: 2 ** 40, hash: hashOf('x') }), headOf(LEFT.head(8))])
  ]
]

for (const [name, error, make] of REFUSED) {
  test(`${name}: refused`, async () => {
    await assert.rejects(make(), error)
  })
}

test('what a commit says is refused unless the log that holds it is signed', async () => {
  const files = { db: RIGHT.head(7), blobs: RIGHT.head(6) }
  const log = logWith({ after: files })
  const proof = await log.prove(3, [2])
  const endless = logWith({ after: { ...files, db: { ...files.db, length: 2 ** 32 + 1 } } })
  const db = coreOf(LEFT.head(), 'db')
  const claims: [RegExp, Claim][] = [
    [/another VM/, claimOfCommit(headOf(log.head(), 1, HOST, OTHERS.log), proof, 'after')],
    [/not signed by the VM/, claimOfCommit(headOf(log.head(), 1, MALLORY), proof, 'after')],
    [/the commit is not in the log/, claimOfCommit(headOf(LEFT.head(3)), proof, 'after')],
    [/a commit is one block/, claimOfCommit(headOf(log.head(2)), proof, 'after')],
    [/a commit is one block/, claimOfCommit(headOf(log.head()), await log.prove(3, [1, 2]), 'after')],
    [/the block is no commit/, claimOfCommit(headOf(log.head()), await log.prove(3, [0]), 'after')],
    [/speaks of the files/, claimOfCommit(claimOfCommit(headOf(log.head()), proof, 'after'), proof, 'after')],
    [/neither before nor after/, withWhen(claimOfCommit(headOf(log.head()), proof, 'after'), log, 2)],
    [/too many blocks/, claimOfCommit(headOf(endless.head()), await endless.prove(3, [2]), 'after')]
  ]
  for (const [error, one] of claims) await assert.rejects(prove([one, db], LEFT.path, 'db'), error)
  const said = claimOfCommit(headOf(log.head()), proof, 'after')
  await assert.rejects(prove([said, coreOf(LEFT.head())]), /speaks of the files/)
  await assert.rejects(prove([said, coreOf(RIGHT.head(), 'db')], RIGHT.path, 'db'), /of one history/)
})

test('a path that shows nothing below the roots', async () => {
  for (const [length, shorter] of [
    [8, 7],
    [11, 6],
    [9, 6]
  ]) {
    const claims: [Claim, Claim] = [headOf(LEFT.head(length)), headOf(RIGHT.head(shorter))]
    const body = await prove(claims, () => LEFT.bare(length, shorter, RIGHT.rootsAt(shorter)))
    assert.deepEqual(verifyFork(body).lengths, [shorter, length])
  }
})

test('bytes moved from a node to the one beside it make no fork of one history', async () => {
  for (let length = 2; length <= 11; length++) {
    for (let shorter = 1; shorter < length; shorter++) {
      const [long, short] = [LEFT.head(length), LEFT.head(shorter)]
      for (const path of [
        await LEFT.path(length, shorter),
        await LEFT.bare(length, shorter, LEFT.rootsAt(shorter))
      ]) {
        const { nodes } = path.core
        for (let i = 0; i < nodes.length; i++) {
          for (let j = 0; j < nodes.length; j++) {
            const moved = nodes.map(({ size, hash }, k) => ({ size: size + +(k === i) - +(k === j), hash }))
            const forged = { ...path, core: { ...path.core, nodes: moved } }
            if (moved[j].size < 0) continue
            const body = prove([headOf(long), headOf(short)], () => Promise.resolve(forged))
            await assert.rejects(body, /both are of one history|does not lead to the longer claim/)
          }
        }
      }
    }
  }
})

test('a body is refused in any form but the one', async () => {
  const equal = PROOFS.find(({ name }) => name === 'two heads of one length')!.body
  const unequal = PROOFS.find(({ name }) => name === 'a shorter head of another branch')!.body
  const rewind = PROOFS.find(({ name }) => name === 'a rewind')!.body
  const cut = PROOFS.find(({ name }) => name === 'the log cut')!.body
  const path = await LEFT.path(11, 7)
  const { shorter, longer } = c.decode(forkProof, unequal)
  const bodies: [RegExp, Uint8Array][] = [
    [/claims of one length need no path/, change(equal, { path })],
    [/claims of two lengths need a path/, change(unequal, { path: null })],
    [/the longer claim comes first/, change(unequal, { shorter: longer!, longer: shorter })],
    [/what was confirmed needs no path/, change(rewind, { path: await LEFT.path(9, 4) })],
    [/one claim alone/, change(cut, { path })],
    [/no core 3/, change(equal, { core: 3 })],
    [/malformed/, b4a.concat([equal, b4a.from([0])])],
    [/malformed/, equal.subarray(0, -1)],
    [/malformed/, new Uint8Array(0)],
    [/claims of type 9 are unknown/, changeType(equal, 9)]
  ]
  for (const [error, body] of bodies) assert.throws(() => verifyFork(body), error)
})

function changeType(body: Uint8Array, type: number): Uint8Array {
  const changed = b4a.from(body)
  changed[65] = type
  return changed
}

test('10,000 mutations: none proves anything, none crashes', () => {
  const random = new Random(4)
  let refused = 0
  for (let i = 0; i < 10_000; i++) {
    const { body, name } = PROOFS[i % PROOFS.length]
    const mutated = mutate(body, random)
    if (PROOFS.some(one => b4a.equals(mutated, one.body))) continue // it became another that is true
    // the outer hash is right: it is not what protects
    const { body: unsealed } = unsealProof(sealProof('fork', mutated))
    assert.throws(
      () => verifyFork(unsealed),
      error => error instanceof Error && error.constructor === Error,
      `${name}: ${b4a.toString(mutated, 'hex')}`
    )
    refused++
  }
  assert.ok(refused > 9000, String(refused))
})

test('a file that was damaged is no proof', () => {
  const file = sealProof('fork', PROOFS[0].body)
  for (let i = 0; i < file.byteLength; i++) {
    const damaged = b4a.from(file)
    damaged[i] ^= 1
    assert.throws(() => unsealProof(damaged))
  }
  const begin = file.subarray(0, 9) // which lacks the type
  assert.throws(() => unsealProof(b4a.concat([begin, hash(begin)])), /no proof/)
})

function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  const changed = b4a.from(bytes)
  const at = random.int(bytes.byteLength)
  switch (random.int(5)) {
    case 0:
      changed[at] ^= 1 << random.int(8)
      return changed
    case 1:
      changed[at] = random.pick([0, 1, 2, 0xfc, 0xfd, 0xfe, 0xff])
      return changed
    case 2:
      return changed.subarray(0, at)
    case 3:
      return b4a.concat([changed.subarray(0, at), random.bytes(1 + random.int(4)), changed.subarray(at)])
    default: {
      const other = random.pick(PROOFS).body
      return b4a.concat([changed.subarray(0, at), other.subarray(Math.min(at, other.byteLength))])
    }
  }
}
