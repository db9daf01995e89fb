// Compares what a host signs with everything else that it has signed. Heads, receipts and confirmations come from peers; what
// Hypercore signs comes with replication.
//
// The work does not grow with what peers send: of each source one statement waits to be compared with the log, its newest.

import b4a from 'b4a'
import type Hypercore from 'hypercore'
import type { ConflictProof } from 'hypercore'
import {
  claimOfConfirmation,
  claimOfCore,
  claimOfHead,
  claimOfReceipt,
  type Claim,
  type CoreName
} from '../ledger/claims.js'
import type { Contradiction, ForkPath } from '../ledger/fork.js'
import type { Head } from '../ledger/encoding.js'
import {
  endsOf,
  hashOfRoots,
  openPath,
  proveCore,
  provePath,
  type CoreProof,
  type TreeNode
} from '../ledger/merkle.js'
import type { Confirmation, HeadMessage, Receipt, Signed } from '../ledger/statements.js'
import { fetchNode, nodeOf, rootsOf, shownBy, signatureOf } from '../machine/tree.js'
import { within } from './within.js'

/** How long to wait for a block that tells what the log's tree hash was, ms. */
const TIMEOUT_MS = 5000

/** Something that the host has signed about its log. */
export interface Stated extends Head {
  claim: Claim
}

export function statedByHead(head: Signed<HeadMessage>): Stated {
  return { length: head.length, hash: head.hash, claim: claimOfHead(head) }
}

export function statedByReceipt(one: Signed<Receipt>): Stated {
  return { length: one.block + 1, hash: one.hash, claim: claimOfReceipt(one) }
}

export function statedByConfirmation(one: Signed<Confirmation>): Stated {
  return { ...one.head, claim: claimOfConfirmation(one) }
}

/** Makes the path from the longer claim to the shorter one's length. */
export type Path = (length: number, shorter: number) => Promise<ForkPath>

export interface WitnessHandlers {
  /** What was signed cannot all be true. */
  oncontradiction(contradiction: Contradiction, path: Path): void
  /** The log is shorter than the newest head: `behind` is what others should hear of it. */
  onbehind(): void
  /** Hypercore has met another history of a core, of which nothing can be shown to others. */
  onconflict(core: CoreName): void
}

export class Witness {
  /** the longest log that the host has signed, as far as is known */
  newest: Stated | null = null
  /** the longest head that the log is known to go on from */
  private agreed: Stated | null = null
  private readonly waiting = new Map<object, Stated>()
  /** those that could not be compared with the blocks that were to be had */
  private readonly stuck = new Set<Stated>()
  private comparing = false

  constructor(
    private readonly log: Hypercore,
    private readonly handlers: WitnessHandlers
  ) {
    log.on('append', () => this.retry())
    this.watch(log, 'log')
  }

  /**
   * Takes note of a statement whose signature was checked.
   * @param source whose statement it replaces, if that was not compared yet
   * @returns whether it is of a longer log than all before
   */
  hear(source: object, stated: Stated): boolean {
    const { newest } = this
    if (newest?.length === stated.length) {
      if (b4a.equals(newest.hash, stated.hash)) return false
      this.report([newest.claim, stated.claim])
    }
    this.forget(source)
    this.waiting.set(source, stated)
    void this.compare()
    if (newest !== null && stated.length <= newest.length) return false
    this.newest = stated
    return true
  }

  /**
   * The head that the log has, while it is shorter than the newest; null if it is not, or if that is not known. Only who has
   * the longer log can tell whether it goes on from this one.
   */
  get behind(): Stated | null {
    return this.newest !== null && this.log.length < this.newest.length ? this.agreed : null
  }

  /** Nothing more is to be compared of a source. */
  forget(source: object): void {
    const stated = this.waiting.get(source)
    if (stated) this.stuck.delete(stated)
    this.waiting.delete(source)
  }

  /** Somebody may have blocks now that were missing. */
  retry(): void {
    this.stuck.clear()
    void this.compare()
  }

  /** Notices when somebody sends another history of a core. */
  watch(core: Hypercore, name: CoreName): void {
    core.once('conflict', (_length: number, _fork: number, proof: ConflictProof) => {
      // the core closes right after this event: what is read of it is read now
      const signed = signatureOf(core)
      const theirs = shownBy(proof)
      if (signed === null || theirs === null) return this.handlers.onconflict(name)
      const ours = core.state.roots.map(({ size, hash }) => ({ size, hash }))
      const hash = hashOfRoots(core.state.roots)
      const nodes = theirs.nodes.map(({ size, hash }) => ({ size, hash }))
      const shown = { length: theirs.length, blocks: [], nodes }
      const kept =
        signed.length > theirs.length
          ? provePath(signed.length, theirs.length, index => nodeOf(core, index))
          : null
      kept?.catch(() => {})
      try {
        const { roots } = openPath(shown, proof.upgrade.length)
        const claims: [Claim, Claim] = [
          claimOfCore({ ...signed, hash }),
          claimOfCore({ ...theirs, hash: hashOfRoots(roots) })
        ]
        this.handlers.oncontradiction({ core: name, claims }, async () =>
          kept ? { core: await kept, roots } : { core: shown, roots: ours }
        )
      } catch {
        this.handlers.onconflict(name)
      }
    })
  }

  /**
   * Compares a statement with the log.
   * @returns whether the log is as it says; null if it is not that long, or blocks are missing
   */
  async agrees(stated: Stated, timeout: number): Promise<boolean | null> {
    const { log } = this
    if (stated.length > log.length) return null
    const roots = await within<TreeNode[] | null>(timeout, rootsOf(log, stated.length), () => null)
    if (roots === null) return null
    if (b4a.equals(hashOfRoots(roots), stated.hash)) return true
    const ours = await signedClaim(log)
    if (ours !== null)
      this.handlers.oncontradiction({ core: 'log', claims: [stated.claim, ours.claim] }, pathIn(log))
    return false
  }

  private async compare(): Promise<void> {
    if (this.comparing) return
    this.comparing = true
    try {
      for (let due = this.due(); due; due = this.due()) {
        const [source, stated] = due
        const agrees = await this.agrees(stated, TIMEOUT_MS).catch(() => null) // the log was closed
        if (agrees === true) this.agree(stated)
        if (this.waiting.get(source) !== stated) continue
        if (agrees === null) this.stuck.add(stated)
        else this.waiting.delete(source)
      }
    } finally {
      this.comparing = false
    }
  }

  private agree(stated: Stated): void {
    if (stated.claim.type !== 'head' || stated.length <= (this.agreed?.length ?? 0)) return
    this.agreed = stated
    if (this.behind) this.handlers.onbehind()
  }

  private due(): [object, Stated] | undefined {
    for (const one of this.waiting) {
      if (one[1].length <= this.log.length && !this.stuck.has(one[1])) return one
    }
    return undefined
  }

  /** Two statements that contradict each other by themselves. */
  report(claims: [Claim, Claim]): void {
    this.handlers.oncontradiction({ core: 'log', claims }, () => {
      throw new Error('these statements need no path')
    })
  }
}

/** What the owner has signed of a core, as far as the copy goes; null if that is nothing. */
export async function signedClaim(core: Hypercore): Promise<Stated | null> {
  const signed = signatureOf(core)
  if (signed === null) return null
  const hash = hashOfRoots(await rootsOf(core, signed.length))
  return { length: signed.length, hash, claim: claimOfCore({ ...signed, hash }) }
}

/** Proves blocks of a copy, as far as it holds what that takes. */
export function proveIn(core: Hypercore) {
  return (length: number, blocks: CoreProof['blocks'], lengths: number[] = []) =>
    proveCore(length, blocks, lengths, index => fetchNode(core, index))
}

const EMPTY = b4a.alloc(0)

/** How long the last block may take, ms. */
const FETCH_MS = 5000

export function pathIn(core: Hypercore): Path {
  return async (length, shorter) => {
    const blocks = endsOf([shorter]).map(index => ({ index, content: EMPTY }))
    // started at once: the core may be about to close
    const [proof, contents] = await Promise.all([
      proveIn(core)(length, blocks, [shorter]),
      Promise.all(blocks.map(({ index }) => core.get(index, { timeout: FETCH_MS })))
    ])
    if (contents.includes(null)) throw new Error(`block ${shorter - 1} is not available`)
    return {
      core: { ...proof, blocks: blocks.map(({ index }, i) => ({ index, content: contents[i]! })) },
      roots: null
    }
  }
}
