// What peers know of a VM that its host must not go on without: more of the log than is here, or another history of it. The
// next call would begin a second history then, or go on with one of two.

import b4a from 'b4a'
import { VMSError } from '../errors.js'
import { MAX_FORK_BYTES, verifyFork } from '../ledger/fork.js'
import { encodeKey } from '../ledger/keys.js'
import { headMessage } from '../ledger/statements.js'
import type { Machine } from '../machine/machine.js'

/** Sets the machine's failure once: it takes no calls from then on. */
export class Overtaken {
  /** whether peers have seen more of the log than is here */
  lost = false
  /** whether peers have proved that two histories were signed */
  private forked = false

  /** @param onfail told of each failure, with what happened */
  constructor(
    private readonly machine: Machine,
    private readonly onfail: (what: 'lost' | 'forked', failure: VMSError) => void
  ) {}

  /** A head that a peer passes on: it cannot be longer than the log, unless its end was lost here. Throws if it is none of the VM. */
  hear(bytes: Uint8Array): void {
    const { machine } = this
    const head = headMessage.decode(bytes)
    if (head.length <= machine.block || this.lost) return
    if (!b4a.equals(head.vm, machine.key) || !headMessage.verify(head, machine.keyPair.publicKey))
      throw new Error('it is no head of this VM')
    this.lost = true
    this.fail(
      'lost',
      `the host has signed ${head.length} blocks of ${encodeKey(machine.key)}, and has ${machine.block}: ` +
        'the end of its log was lost, and it has to be started again to fetch it'
    )
  }

  /** The body of a proof that a peer passes on: a copy of the storage was served somewhere else, or is now. Throws if it is none. */
  adopt(bytes: Uint8Array): void {
    if (this.forked) return
    if (bytes.byteLength > MAX_FORK_BYTES || !b4a.equals(verifyFork(b4a.from(bytes)).key, this.machine.key))
      throw new Error('it is no proof of a fork of this VM')
    this.fork()
  }

  /** Peers hold another history of the VM that was signed with its keys. */
  fork(): void {
    if (this.forked) return
    this.forked = true
    this.fail(
      'forked',
      'a peer has another history of this VM that this host has signed: its storage was copied and served twice. ' +
        'It takes no more calls'
    )
  }

  private fail(what: 'lost' | 'forked', message: string): void {
    this.machine.failure = new VMSError('HOST_FAILED', message)
    this.onfail(what, this.machine.failure)
  }
}
