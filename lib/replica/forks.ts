// The contradictions of a host that a copy knows of: found here, passed on by a peer, or remembered by another command.

import { VMSError } from '../errors.js'
import type { CoreName } from '../ledger/claims.js'
import { proveFork, verifyFork, type Contradiction } from '../ledger/fork.js'
import { encodeKey, type VMKeys } from '../ledger/keys.js'
import type { KnownFork, Memory } from './memory.js'
import type { Path } from './witness.js'

/** Proofs that are tried at once, at most. */
const AT_ONCE = 4

export class Forks {
  /** what every use of the VM ends with, once the host has contradicted itself */
  error: VMSError | null = null
  /** the proof, if there is one */
  known: KnownFork | null = null
  /** resolves once what is looked into now is settled */
  settled: Promise<void> = Promise.resolve()
  private tried = 0
  /** where a contradiction was found that could not be proved */
  private unproven: CoreName | null = null

  /** @param onfound is called once, when `error` is set */
  constructor(
    private readonly key: Uint8Array,
    private readonly memory: Memory,
    private readonly onfound: () => void
  ) {}

  /** Looks for a proof that was found before. */
  async load(): Promise<void> {
    const known = await this.memory.fork()
    if (known) this.found(known)
  }

  /**
   * Proves a contradiction, and keeps the proof. One is enough; several are tried, for a core may close before one of them has
   * what it takes.
   */
  accuse(keys: VMKeys, contradiction: Contradiction, path: Path): void {
    if (this.known || this.tried >= AT_ONCE) return
    let missing = false
    // started at once: a core may be about to close
    const proof = proveFork(keys, contradiction, async (length, shorter) => {
      try {
        return await path(length, shorter)
      } catch (error) {
        missing = true
        throw error
      }
    })
    const kept = proof.then(
      body => this.keep(body),
      () => {
        if (missing) this.unproven = contradiction.core // what the proof takes is not to be had
      }
    )
    this.attempt(kept)
  }

  /**
   * Takes the proof that a peer has passed on.
   * @throws Error if it proves nothing
   */
  adopt(body: Uint8Array): void {
    if (this.known || this.tried >= AT_ONCE) return
    verifyFork(body)
    this.attempt(this.keep(body))
  }

  private attempt(keeping: Promise<void>): void {
    this.tried++
    const done = keeping
      .catch(() => {}) // about another VM, or the disk is full
      .finally(() => {
        if (--this.tried === 0 && this.unproven) this.suspect(this.unproven)
      })
    this.settled = Promise.all([this.settled, done]).then(() => {})
  }

  /** Hypercore has checked a contradiction of which nothing is left to show. */
  suspect(core: CoreName): void {
    if (this.error) return
    this.error = new VMSError(
      'FRAUD',
      `the host of ${encodeKey(this.key)} has signed two histories of its ${core}: do not rely on it`
    )
    this.onfound()
  }

  private async keep(body: Uint8Array): Promise<void> {
    if (this.known) return
    this.found(await this.memory.rememberFork(body))
  }

  private found(known: KnownFork): void {
    if (this.known) return
    this.known = known
    this.error = new VMSError(
      'FRAUD',
      `the host of ${encodeKey(this.key)} has contradicted itself: ${known.detail}. The proof is in ${known.file}: ` +
        `"vms verify ${known.file}" checks it`
    )
    this.onfound()
  }
}
