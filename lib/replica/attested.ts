// What auditors say of a VM (ledger/attestation.ts): our own word is handed to every peer that asks, and that of the auditors
// whom the user trusts is collected. Of each of them one statement a verdict is kept, so memory is bounded; on the disk
//
//   <folder>/<VM key>/attestations/<auditor>.<verdict>    a signed attestation
//
// written by rename, as all that a user remembers (memory.ts).

import { readFile } from 'node:fs/promises'
import path from 'node:path'
import b4a from 'b4a'
import type { KeyPair } from 'hypercore'
import { VMSError } from '../errors.js'
import { attestation, VERDICTS, type Attestation, type Verdict } from '../ledger/attestation.js'
import { encodeKey } from '../ledger/keys.js'
import type { Signed } from '../ledger/statements.js'
import { writeWhole } from '../user/whole.js'
import type { Link } from './link.js'

/** What an auditor attests: how its audit of all blocks up to `length` has ended. */
export type Attesting = Pick<Attestation, 'length' | 'hash' | 'verdict'>

/** What one auditor has said, by verdict. */
export type Statements = Map<Verdict, Signed<Attestation>>

/** How often what has come is written down, at most. */
const SAVE_INTERVAL_MS = 1000

const NOTHING = b4a.alloc(0)

export class Attested {
  /** ids of the auditors that the user trusts */
  readonly trusted = new Set<string>()
  /** grows with each statement that is new */
  version = 0
  private readonly folder: string
  private own: Uint8Array | null = null
  /** peers that have asked */
  private readonly asking = new Set<Link>()
  private readonly known = new Map<string, Statements>()
  private readonly loaded = new Map<string, Promise<void>>()
  private readonly unsaved = new Map<string, Signed<Attestation>>()
  private saving: NodeJS.Timeout | null = null

  /**
   * @param folder what the user knows of VMs
   * @param key the VM's
   * @param onchange called after something new was said
   */
  constructor(
    folder: string,
    private readonly key: Uint8Array,
    private readonly onchange: () => void
  ) {
    this.folder = path.join(folder, encodeKey(key), 'attestations')
  }

  /** Says how an audit has ended, to all who have asked and who will. */
  attest(auditor: KeyPair, statement: Attesting): void {
    const said = { ...statement, auditor: auditor.publicKey, vm: this.key, time: Date.now() }
    this.own = attestation.encode(attestation.sign(said, auditor))
    for (const link of this.asking) link.sendAttestation('attestation', this.own)
  }

  /** What the trusted auditors have said, by their ids. */
  async all(): Promise<Map<string, Statements>> {
    await Promise.all([...this.trusted].map(id => this.load(id)))
    return new Map([...this.trusted].map(id => [id, this.known.get(id) ?? new Map<Verdict, never>()]))
  }

  onopen(link: Link): void {
    if (this.trusted.size > 0) link.sendAttestation('attestations', NOTHING)
  }

  onclose(link: Link): void {
    this.asking.delete(link)
  }

  /** @throws Error if the peer lies */
  onmessage(link: Link, name: 'attestations' | 'attestation', bytes: Uint8Array): void {
    if (name === 'attestation') return this.hear(bytes)
    if (this.asking.has(link)) return
    this.asking.add(link)
    if (this.own !== null) link.sendAttestation('attestation', this.own)
  }

  /** Writes down what is not yet. */
  async close(): Promise<void> {
    if (this.saving) clearTimeout(this.saving)
    await this.save()
  }

  private hear(bytes: Uint8Array): void {
    const said = attestation.decode(b4a.from(bytes)) // a copy: it must not keep a whole network frame in memory
    if (!b4a.equals(said.vm, this.key)) throw new VMSError('BAD_HOST', 'an attestation is of another VM')
    const id = encodeKey(said.auditor)
    if (!this.trusted.has(id)) return
    if (!attestation.verify(said, said.auditor))
      throw new VMSError('BAD_HOST', 'an attestation is not signed by its auditor')
    if (!this.learn(id, said)) return
    this.unsaved.set(nameOf(id, said.verdict), said)
    this.saving ??= setTimeout(() => void this.save(), SAVE_INTERVAL_MS)
    this.onchange()
  }

  /** @returns whether it is new */
  private learn(id: string, said: Signed<Attestation>): boolean {
    const statements = this.known.get(id) ?? new Map<Verdict, Signed<Attestation>>()
    const before = statements.get(said.verdict)
    if (before && !supersedes(said, before)) return false
    this.known.set(id, statements.set(said.verdict, said))
    this.version++
    return true
  }

  private load(id: string): Promise<void> {
    const loading = this.loaded.get(id) ?? this.read(id)
    this.loaded.set(id, loading)
    return loading
  }

  private async read(id: string): Promise<void> {
    for (const verdict of VERDICTS) {
      const bytes = await readFile(path.join(this.folder, nameOf(id, verdict))).catch(() => null)
      if (bytes === null) continue
      try {
        const said = attestation.decode(bytes)
        const ours = b4a.equals(said.vm, this.key) && encodeKey(said.auditor) === id
        if (ours && said.verdict === verdict && attestation.verify(said, said.auditor)) this.learn(id, said)
      } catch {
        // damaged: the auditor says it again
      }
    }
  }

  private async save(): Promise<void> {
    this.saving = null
    const unsaved = [...this.unsaved]
    this.unsaved.clear()
    for (const [name, said] of unsaved) {
      const id = encodeKey(said.auditor)
      await this.load(id)
      if (this.known.get(id)?.get(said.verdict) !== said) continue // another command knew better
      await writeWhole(this.folder, name, attestation.encode(said)).catch(() => {}) // said again at the next connection
    }
  }
}

/** An audit that came further says more; of any other kind the latest counts. */
function supersedes(said: Attestation, before: Attestation): boolean {
  if (said.verdict === 'verified' && said.length !== before.length) return said.length > before.length
  return said.time > before.time
}

function nameOf(id: string, verdict: Verdict): string {
  return `${id}.${verdict}`
}
