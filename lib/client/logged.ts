// The newest commits of the log, decoded once for all calls that stand in them.

import type { Commit } from '../ledger/blocks.js'
import { headOf } from '../machine/tree.js'
import type { Replica } from '../replica/replica.js'
import { NEVER } from '../replica/within.js'

const KEPT = 16

export interface Logged {
  /** null if the block is no commit */
  commit: Commit | null
  /** the log's tree hash after the block */
  hash: Uint8Array
}

export class LoggedCommits {
  private readonly blocks = new Map<number, Promise<Logged>>()

  constructor(private readonly replica: Replica) {}

  /**
   * Waits for a block until a peer has it: who calls knows how long that may take.
   * @throws VMSError BAD_HOST, CLOSED, FRAUD
   */
  at(number: number): Promise<Logged> {
    const known = this.blocks.get(number)
    if (known) return known
    const reading = this.read(number)
    reading.catch(() => this.blocks.delete(number)) // the next one tries again
    this.blocks.set(number, reading)
    if (this.blocks.size > KEPT) this.blocks.delete(this.blocks.keys().next().value!)
    return reading
  }

  private async read(number: number): Promise<Logged> {
    const block = await this.replica.block(number, NEVER)
    const { hash } = await headOf(this.replica.log, number + 1)
    return { commit: block.type === 'commit' ? block : null, hash }
  }
}
