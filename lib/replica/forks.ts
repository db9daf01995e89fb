// The contradictions of a host that a copy knows of: found here, passed on by a peer, or remembered by another command.

import { VMSError } from '../errors.js'
import type { CoreName } from '../ledger/claims.js'
import { proveFork, verifyFork, type Contradiction } from '../ledger/fork.js'
import { encodeKey, type VMKeys } from '../ledger/keys.js'
import type { KnownFork, Memory } from './memory.js'
import type { Path } from './witness.js'

export class Forks {
  /** what every use of the VM ends with, once the host has contradicted itself */
  error: VMSError | null = null
  /** the proof, if there is one */
  known: KnownFork | null = null
  /** resolves once what is looked into now is settled */
  settled: Promise<void> = Promise.resolve()
  private busy = false

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

  /** Proves a contradiction, and keeps the proof. One is enough. */
  accuse(keys: VMKeys, contradiction: Contradiction, path: Path): void {
    if (this.busy || this.known) return
    this.busy = true
    // started at once: a core may be about to close
    let missing = false
    const proof = proveFork(keys, contradiction, async (length, shorter) => {
      try {
        return await path(length, shorter)
      } catch (error) {
        missing = true
        throw error
      }
    })
    this.settled = proof
      .then(body => this.keep(body))
      .catch(() => {
        if (missing) this.suspect(contradiction.core) // what the proof takes is not to be had
      })
      .finally(() => (this.busy = false))
  }

  /**
   * Takes the proof that a peer has passed on.
   * @throws Error if it proves nothing
   */
  adopt(body: Uint8Array): void {
    if (this.busy || this.known) return
    verifyFork(body)
    this.busy = true
    this.settled = this.keep(body)
      .catch(() => {}) // about another VM, or the disk is full
      .finally(() => (this.busy = false))
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
