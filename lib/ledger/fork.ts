// The proof that a host has contradicted itself: two things that it signed about one core cannot both be true of one history.
// It convinces anybody who has nothing else. The body of a proof file (sealed.ts):
//
//   namespace   32 bytes   of the log's manifest: with the public key it gives the keys of all three cores
//   public key  32 bytes
//   core        1 byte     0 log, 1 database, 2 blobs
//   shorter     a claim (claims.ts)
//   longer      0, or 1 and a claim
//   path        0, or 1 and a path from the longer one's core to the shorter one's length (merkle.ts), then
//                 0: the path shows the tree hash there
//                 1 and the roots there (size, hash) that the shorter claim is about: the path shows hashes of other roots
//
// It is a contradiction if
//   - there is no longer claim, and the shorter is of a core with a fork number above 0: its history was cut, or
//   - both claim one length, and different hashes, or
//   - what the longer one commits to has another hash at the shorter one's length, or
//   - the shorter one is a confirmation that was asked for with the hash of the longer one: the host has signed the longer
//     one, and stood by a shorter log after that.
// Clocks say nothing here: those of honest hosts are set back too.

import b4a from 'b4a'
import c from 'compact-encoding'
import { messageOf } from '../errors.js'
import { challengeOf, claim, CORES, readClaim, type Claim, type Claimed, type CoreName } from './claims.js'
import { decodeExactly, key, list, optional, struct } from './encoding.js'
import { deriveKeys, type VMKeys } from './keys.js'
import {
  coreProof,
  endsOf,
  hashOfRoots,
  openCoreProof,
  openPath,
  rootIndexes,
  type CoreProof,
  type TreeNode
} from './merkle.js'

/** What is too large for a proof of a fork that a peer passes on. */
export const MAX_FORK_BYTES = 2 * 1024 * 1024

export interface Fork {
  namespace: Uint8Array
  publicKey: Uint8Array
  core: number
  shorter: Claim
  longer: Claim | null
  path: ForkPath | null
}

/** From the core of the longer claim to the shorter one's length. */
export interface ForkPath {
  core: CoreProof
  /** the roots that the shorter claim is about, if the longer one's core is shown without what is below it there */
  roots: { size: number; hash: Uint8Array }[] | null
}

const forkPath = struct<ForkPath>({
  core: coreProof,
  roots: optional(list(struct<{ size: number; hash: Uint8Array }>({ size: c.uint, hash: key }), 64))
})

export const forkProof = struct<Fork>({
  namespace: key,
  publicKey: key,
  core: c.uint8,
  shorter: claim,
  longer: optional(claim),
  path: optional(forkPath)
})

/** What a proof of a fork shows. */
export interface ProvenFork {
  /** the VM's key */
  key: Uint8Array
  core: CoreName
  /** of the claims, ascending; one if the core was cut */
  lengths: number[]
  /** a sentence that says what contradicts what */
  detail: string
}

/** What was signed about one core, that cannot all be true. */
export interface Contradiction {
  core: CoreName
  claims: [Claim] | [Claim, Claim]
}

/**
 * Makes the proof of a contradiction.
 * @param path makes the path from the longer claim's core to the shorter length
 * @returns the body of a proof
 * @throws Error if it is none
 */
export async function proveFork(
  keys: VMKeys,
  { core, claims }: Contradiction,
  path: (length: number, shorter: number) => Promise<ForkPath>
): Promise<Uint8Array> {
  const read = claims.map(one => ({ one, claimed: readClaim(one, keys, core) }))
  read.sort((a, b) => a.claimed.length - b.claimed.length)
  const [shorter, longer] = read
  const needed =
    longer !== undefined &&
    longer.claimed.length > shorter.claimed.length &&
    !isRewind(shorter.claimed, longer.one)
  const { namespace, publicKey } = keys.manifests.log.signers[0]
  const body = c.encode(forkProof, {
    namespace,
    publicKey,
    core: CORES.indexOf(core),
    shorter: shorter.one,
    longer: longer?.one ?? null,
    path: needed ? await path(longer.claimed.length, shorter.claimed.length) : null
  })
  verifyFork(body)
  return body
}

/**
 * Checks the proof of a fork, with nothing but its bytes.
 * @throws Error, always a plain one, if it proves nothing
 */
export function verifyFork(body: Uint8Array): ProvenFork {
  try {
    return verify(decodeExactly(forkProof, body))
  } catch (error) {
    throw new Error(messageOf(error)) // whatever its kind: what is in the body is a stranger's
  }
}

function verify({ namespace, publicKey, core: number, shorter, longer, path }: Fork): ProvenFork {
  const core = CORES[number]
  if (core === undefined) throw new Error(`malformed: a VM has no core ${number}`)
  const keys = deriveKeys(publicKey, namespace)
  const a = readClaim(shorter, keys, core)
  const proven = (lengths: number[], detail: string) => ({ key: keys.log, core, lengths, detail })
  if (longer === null) {
    if (a.fork === 0 || path !== null) throw new Error('one claim alone contradicts nothing')
    return proven(
      [a.length],
      `the host has cut the ${core}: it has signed ${a.length} blocks of it under fork number ${a.fork}`
    )
  }
  const b = readClaim(longer, keys, core)
  if (a.fork > 0 || b.fork > 0) throw new Error('malformed: a core that was cut needs no second claim')
  if (a.length > b.length) throw new Error('malformed: the longer claim comes first')
  const lengths = [a.length, b.length]
  if (a.length === b.length) {
    if (path !== null) throw new Error('malformed: claims of one length need no path')
    if (b4a.equals(a.hash, b.hash)) throw new Error('both claims say the same')
    return proven(lengths, `the host has signed two histories of the ${core}, both of ${a.length} blocks`)
  }
  if (isRewind(a, longer)) {
    if (path !== null) throw new Error('malformed: what was confirmed needs no path')
    return proven(
      lengths,
      `the host has signed ${b.length} blocks of the ${core}, and after that stood by ${a.length}`
    )
  }
  if (a.length === 0) throw new Error('no blocks contradict nothing')
  if (path === null) throw new Error('malformed: claims of two lengths need a path')
  if (path.core.length !== b.length) throw new Error('malformed: the path is another')
  if (isWay(path, a, b)) throw new Error('both are of one history')
  return proven(
    lengths,
    `the host has signed two histories of the ${core}: one of ${a.length} blocks, and one of ${b.length} that does not go on from it`
  )
}

/**
 * Whether what the longer claim commits to goes on from the shorter one.
 * @throws Error if the path is not one between the two
 */
function isWay({ core, roots }: ForkPath, shorter: Claimed, longer: Claimed): boolean {
  const leads = (found: TreeNode[]) => {
    if (!b4a.equals(hashOfRoots(found), longer.hash))
      throw new Error('the path does not lead to the longer claim')
  }
  if (roots === null) {
    const needed = endsOf([shorter.length])
    if (core.blocks.some(({ index }) => !needed.includes(index)))
      throw new Error('malformed: the path holds more than it takes')
    const shown = openCoreProof(core, [shorter.length])
    leads(shown.roots)
    return b4a.equals(hashOfRoots(shown.rootsAt.get(shorter.length)!), shorter.hash)
  }
  const shown = openPath(core, shorter.length)
  leads(shown.roots)
  const indexes = rootIndexes(shorter.length)
  if (roots.length !== indexes.length) throw new Error('malformed: the roots are others')
  const claimed = roots.map((root, i) => ({ index: indexes[i], ...root }))
  if (!b4a.equals(hashOfRoots(claimed), shorter.hash))
    throw new Error('the roots are not those of the shorter claim')
  return claimed.every(({ hash }, i) => b4a.equals(hash, shown.hashes[i]))
}

// A host signs statements from what its log is when it signs, so that none is newer than its log. What Hypercore signs may
// be on its way to a reader before the host counts it.
function isRewind({ challenge }: Claimed, longer: Claim): boolean {
  return challenge !== null && longer.type !== 'core' && b4a.equals(challenge, challengeOf(longer))
}
