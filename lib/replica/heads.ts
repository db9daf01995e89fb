// The newest head that the host has signed, as far as this user's commands and their peers know.

import b4a from 'b4a'
import type { VMKeys } from '../ledger/keys.js'
import { headMessage, type HeadMessage, type Signed } from '../ledger/statements.js'
import type { Memory } from './memory.js'
import { statedByHead, type Witness } from './witness.js'

/** How often the newest head is compared with the log and written down, at most. */
const SAVE_INTERVAL_MS = 1000

export class Heads {
  newest: Signed<HeadMessage> | null = null
  /** the head of an earlier command, until it can be checked */
  private remembered: Signed<HeadMessage> | null = null
  private saving: NodeJS.Timeout | null = null

  /**
   * @param keys of the VM, once they are known
   * @param onnewer is called with each head that is newer than all before
   */
  constructor(
    private readonly memory: Memory,
    private readonly witness: Witness,
    private readonly keys: () => VMKeys | null,
    private readonly onnewer: (head: Signed<HeadMessage>) => void
  ) {}

  /** Takes a head whose signature was checked. Of the same log, the one that was signed last is kept: it is the younger one. */
  take(source: object, head: Signed<HeadMessage>): void {
    const { newest } = this
    const isNewer = this.witness.hear(source, statedByHead(head))
    const isSame = newest && head.length === newest.length && b4a.equals(head.hash, newest.hash)
    if (!isNewer && !(isSame && head.time > newest.time)) return
    this.newest = head
    this.saving ??= setTimeout(() => void this.save(), SAVE_INTERVAL_MS)
    this.onnewer(head)
  }

  /** Takes what other commands have remembered. */
  async recall(): Promise<void> {
    this.remembered = await this.memory.head()
    this.keysKnown()
  }

  /** What was remembered can be checked now. */
  keysKnown(): void {
    const [head, keys] = [this.remembered, this.keys()]
    if (head === null || keys === null) return
    this.remembered = null
    if (b4a.equals(head.vm, keys.log) && headMessage.verify(head, keys.signer)) this.take(this, head)
  }

  /** Compares the newest head with the log, and remembers it if the log is as it says. */
  async check(timeout: number): Promise<void> {
    const head = this.newest
    if (head && (await this.witness.agrees(statedByHead(head), timeout))) await this.memory.rememberHead(head)
  }

  async close(): Promise<void> {
    if (this.saving) clearTimeout(this.saving)
    if (this.newest) await this.memory.rememberHead(this.newest).catch(() => {})
  }

  private async save(): Promise<void> {
    try {
      await this.recall() // other commands may know of another log
      await this.check(SAVE_INTERVAL_MS)
    } catch {
      // the log was closed, or the disk is full: it is tried again with the next head
    }
    this.saving = null
  }
}
