// A copy of a VM that follows its log over the swarm. Clients and auditors each work on one.

import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type { KeyPair } from 'hypercore'
import ReadyResource from 'ready-resource'
import { messageOf, VMSError } from '../errors.js'
import { decodeBlock, type Block, type Genesis } from '../ledger/blocks.js'
import type { Contradiction } from '../ledger/fork.js'
import { encodeKey, keysFromManifest, type VMKeys } from '../ledger/keys.js'
import type { Confirmation, HeadMessage, Receipt, Signed } from '../ledger/statements.js'
import { closeCores, openFilesCores, openLog, type Cores } from '../machine/cores.js'
import { Attested, type Attesting } from './attested.js'
import { Cuts } from './cuts.js'
import { Forks } from './forks.js'
import { Heads } from './heads.js'
import type { Link } from './link.js'
import { Memory, type KnownFork } from './memory.js'
import { Peers } from './peers.js'
import { openPlace, type ReplicaOptions } from './place.js'
import type { OpenStore } from './slot.js'
import { Trust } from './trust.js'
import { until } from './until.js'
import { NEVER, within } from './within.js'
import { statedByConfirmation, statedByReceipt, Witness, type Path } from './witness.js'

/** How long a search for peers goes on once the network says that there are none. */
const LOOKUP_INTERVAL_MS = 1000

/** A copy that others find stays for long, and there may be many of them: it asks less and less often, up to this. */
const LONGEST_INTERVAL_MS = 30_000

/** Events after which a condition may hold that did not before. */
const CHANGES = ['append', 'link', 'head', 'contradiction', 'closing', 'attestation']

export class Replica extends ReadyResource {
  log!: Hypercore
  readonly memory: Memory
  /** what auditors say of the VM */
  readonly attested: Attested
  /** the keys of the VM, once somebody has shown its manifest */
  keys: VMKeys | null = null
  private readonly peers: Peers
  private readonly forks: Forks
  private readonly cuts: Cuts
  private witness!: Witness
  private trust!: Trust
  private heads!: Heads
  private slot: OpenStore | null = null
  private filesCores: Promise<Cores> | null = null

  constructor(
    readonly key: Uint8Array,
    private readonly options: ReplicaOptions
  ) {
    super()
    this.memory = new Memory(`${options.data}/known`, key)
    this.attested = new Attested(`${options.data}/known`, key, () => this.emit('attestation'))
    this.forks = new Forks(key, this.memory, () => this.oncontradiction())
    const { announce, shared } = options
    this.peers = new Peers({
      key,
      network: options,
      swarm: shared?.swarm,
      announce,
      keys: () => this.keys,
      behind: () => this.witness.behind?.claim.bytes ?? null,
      onconnection: stream => {
        if (shared === undefined) this.store.replicate(stream)
      },
      onchange: () => this.emit('link'),
      handlers: {
        onopen: link => {
          this.witness.retry()
          this.attested.onopen(link)
        },
        onkeys: keys => this.setKeys(keys),
        onhead: (link, head) => this.onhead(link, head),
        onreceipt: (link, receipt) => {
          this.witness.hear(link, statedByReceipt(receipt))
          this.emit('receipt', receipt)
        },
        onrefusal: refusal => this.emit('refusal', refusal),
        onfork: body => this.forks.adopt(body),
        onclose: link => {
          this.witness.forget(link)
          this.trust.onclose(link)
          this.attested.onclose(link)
        },
        onattestation: (link, name, bytes) => this.attested.onmessage(link, name, bytes)
      }
    })
    const none: Path = () => Promise.reject(new Error('one claim needs no path'))
    this.cuts = new Cuts(this.peers, options, (core, claim) => this.accuse({ core, claims: [claim] }, none))
    this.setMaxListeners(0)
  }

  get store(): Corestore {
    return this.slot!.store
  }

  /** the newest head that the host has signed, as far as this process knows */
  get head(): Signed<HeadMessage> | null {
    return this.heads.newest
  }

  /** ms since the host signed the newest head that is known, by its clock; null if none is. */
  get age(): number | null {
    return this.head && Math.max(0, Date.now() - this.head.time)
  }

  get links(): ReadonlySet<Link> {
    return this.peers.links
  }

  /** The connected host, if there is one that stands by what it has signed. */
  get host(): Link | null {
    return this.peers.host
  }

  /** Whether the host is reached through a relay just now. */
  get relayed(): boolean {
    return this.peers.relayed
  }

  /** What every use of this VM ends with, once its host has contradicted itself: FRAUD. */
  get contradiction(): VMSError | null {
    return this.forks.error
  }

  /** The proof that the host has contradicted itself, kept for all commands; null if there is none. */
  get fork(): KnownFork | null {
    return this.forks.known
  }

  /**
   * Whether the host shows a core that was cut. It says so without a signature: what it has signed of that core is not here.
   */
  get truncated(): boolean {
    return this.cuts.shown !== null
  }

  get online(): boolean {
    return this.links.size > 0
  }

  protected override async _open(): Promise<void> {
    try {
      await this.start()
    } catch (error) {
      await this._close() // which nobody calls on what never opened
      throw error
    }
  }

  private async start(): Promise<void> {
    this.slot = await openPlace(this.key, this.options)
    this.log = await openLog(this.store, this.key)
    this.log.on('append', () => {
      this.learn()
      this.emit('append')
    })
    this.witness = new Witness(this.log, {
      oncontradiction: (contradiction, path) => {
        if (this.keys !== null) this.forks.accuse(this.keys, contradiction, path)
      },
      onbehind: () => this.peers.tell(),
      onconflict: core => this.forks.suspect(core)
    })
    this.trust = new Trust(this.key, this.witness, link => {
      if (link) this.emit('host', link)
      this.emit('link')
    })
    this.heads = new Heads(
      this.memory,
      this.witness,
      () => this.keys,
      head => this.peers.tellHead(head)
    )
    await this.forks.load()
    this.learn()
    await this.heads.recall()
    await this.peers.join()
    this.cuts.watch('log', this.log)
    this.search().catch(() => {}) // it ends when the replica closes
  }

  protected override async _close(): Promise<void> {
    await Promise.resolve() // until `closing` is set, for those who wait
    this.emit('closing')
    await this.cuts.close()
    await this.peers.close()
    await this.forks.settled
    await this.heads?.close()
    await this.attested.close()
    const cores = await this.filesCores?.catch(() => null)
    if (cores) await closeCores(cores)
    else await this.log?.close()
    await this.slot?.close()
  }

  /**
   * Brings the copy up to date with the host, or with what peers there are.
   * @param timeout ms to wait for a peer
   * @returns whether the host was there; if not, the copy is as it was when it was last online, or as peers have it
   * @throws VMSError UNREACHABLE if there is no peer and no copy; FRAUD if the host contradicts what it signed; REWOUND if it
   * shows an older log than one that it signed
   */
  async sync(timeout: number): Promise<boolean> {
    await this.ready()
    const synced = () => this.host !== null && this.caughtUp()
    const { peers } = this
    const alone = () => (peers.none && this.log.length >= 2) || (peers.onlyMirrors && this.caughtUp())
    let online = false
    await this.until(() => (online = synced()) || alone(), timeout)
    if (!online && this.log.length < 2) {
      throw new VMSError(
        'UNREACHABLE',
        `no host of ${encodeKey(this.key)} was found within ${timeout / 1000} s: is it running, and on the same network (--bootstrap)?` +
          (this.slot?.temporary ? ' Another command is using the own copy of it.' : '')
      )
    }
    await this.explained(this.heads.check(timeout))
    await this.forks.settled
    if (this.contradiction) throw this.contradiction
    if (online) await this.bytes(0, timeout) // what the VM is can be told offline too
    return online
  }

  /**
   * Waits until `condition` holds; it is looked at whenever the copy or its peers change.
   * @param timeout ms
   * @returns whether it held in time
   * @throws VMSError FRAUD, REWOUND; CLOSED
   */
  until(condition: () => boolean, timeout: number): Promise<boolean> {
    const look = () => {
      const rewound = this.trust?.rewound ?? null
      if (this.contradiction) throw this.contradiction
      if (rewound && this.host === null) throw rewound
      if (this.closing) throw closed()
      return condition()
    }
    return until(this, CHANGES, look, timeout)
  }

  /** @throws VMSError NOT_AVAILABLE, BAD_HOST */
  async genesis(timeout?: number): Promise<Genesis> {
    const block = await this.block(0, timeout)
    if (block.type !== 'genesis')
      throw new VMSError('BAD_HOST', `the log of ${encodeKey(this.key)} has no genesis`)
    return block
  }

  /**
   * The bytes of a block; null if no peer sends them in time.
   * @throws VMSError FRAUD if the log was closed because there are two of it; CLOSED
   */
  bytes(number: number, timeout: number): Promise<Uint8Array | null> {
    return this.explained(within(timeout, this.log.get(number), () => null))
  }

  /** Why something failed: what is read of a core that was closed, as one with two histories is, has errors of its own. */
  async explain(error: unknown): Promise<unknown> {
    await this.forks.settled
    return this.contradiction ?? (this.closing && !(error instanceof VMSError) ? closed() : error)
  }

  private explained<T>(promise: Promise<T>): Promise<T> {
    return promise.catch(async (error: unknown) => {
      throw await this.explain(error)
    })
  }

  /**
   * Takes note of a contradiction that was found in what the copy holds. Its proof is kept.
   * @param path makes the path from the longer claim's core to the shorter one's length
   */
  async accuse(contradiction: Contradiction, path: Path): Promise<void> {
    if (this.keys !== null) this.forks.accuse(this.keys, contradiction, path)
    await this.forks.settled
  }

  /** Compares a host's answer with the log; `contradiction` is set after it if they are of two histories. */
  async compare(receipt: Signed<Receipt>, timeout: number): Promise<void> {
    await this.witness.agrees(statedByReceipt(receipt), timeout).catch(() => null)
    await this.forks.settled
  }

  /**
   * Asks the host what its head is now. If `challenge` is the hash of something that it has signed, its answer shows which log
   * it stood by after that.
   * @param timeout ms
   * @returns its signed answer, which is compared with what else it has signed; null if none came
   */
  async confirm(challenge: Uint8Array, timeout: number): Promise<Signed<Confirmation> | null> {
    for (const link of this.links) {
      if (!link.isHost) continue
      const answer = await within(timeout, link.confirm(challenge), () => null)
      if (answer !== null) this.witness.hear(link, statedByConfirmation(answer))
      return answer
    }
    return null
  }

  /** @throws VMSError NOT_AVAILABLE, BAD_HOST */
  async block(number: number, timeout = 20_000): Promise<Block> {
    const bytes = await this.bytes(number, timeout)
    if (bytes === null) {
      throw new VMSError(
        'NOT_AVAILABLE',
        `no peer has block ${number} of ${encodeKey(this.key)}: try again when its host is online`
      )
    }
    try {
      return decodeBlock(bytes)
    } catch (error) {
      throw new VMSError(
        'BAD_HOST',
        `block ${number} of ${encodeKey(this.key)} is malformed: ${messageOf(error)}`
      )
    }
  }

  /** The cores of the log and of the files. */
  cores(): Promise<Cores> {
    return (this.filesCores ??= this.openCores())
  }

  private async openCores(): Promise<Cores> {
    const cores = await openFilesCores(this.store, this.log)
    this.witness.watch(cores.db, 'db')
    this.witness.watch(cores.blobs, 'blobs')
    this.cuts.watch('db', cores.db)
    this.cuts.watch('blobs', cores.blobs)
    return cores
  }

  /** Ids of the auditors whose attestations are asked for and kept; add them before the replica is ready. */
  get trusted(): Set<string> {
    return this.attested.trusted
  }

  /** Attests how an audit of the log has ended, to every peer that asks, from now on until it is called again. */
  attest(auditor: KeyPair, statement: Attesting): void {
    this.attested.attest(auditor, statement)
  }

  /** Looks for peers once more. */
  async lookAgain(): Promise<void> {
    await this.peers.searchAgain()
  }

  private onhead(link: Link, head: Signed<HeadMessage>): void {
    const known = this.witness.newest
    this.heads.take(link, head)
    if (link.isHost) this.trust.onhead(link, head.length, known)
    this.emit('head')
  }

  private oncontradiction(): void {
    if (this.fork) this.peers.tellFork(this.fork.body)
    this.emit('contradiction')
  }

  private learn(): void {
    if (this.keys !== null || this.log.manifest === null) return
    try {
      this.setKeys(keysFromManifest(this.key, this.log.manifest))
    } catch {
      // the key of something else: whoever reads a block is told
    }
  }

  private setKeys(keys: VMKeys): void {
    if (this.keys !== null) return
    this.keys = keys
    this.heads.keysKnown()
    for (const link of this.links) link.keysKnown()
  }

  /** Whether the copy is as long as the host has shown its log to be. */
  caughtUp(): boolean {
    return this.head !== null && this.log.length >= Math.max(2, this.trust.shown, this.head.length)
  }

  // whoever wants one host keeps asking, also after one that shows too little, and while the network is away
  private async search(): Promise<void> {
    await this.peers.search().catch(() => {})
    const ended = () => this.closing !== null || this.contradiction !== null
    let interval = LOOKUP_INTERVAL_MS
    while ((await until(this, CHANGES, () => ended() || this.host === null, NEVER)) && !ended()) {
      await this.peers.searchAgain().catch(() => {})
      const found = await until(this, CHANGES, () => ended() || this.host !== null, interval)
      if (found) interval = LOOKUP_INTERVAL_MS
      else if (this.options.announce) interval = Math.min(LONGEST_INTERVAL_MS, interval * 1.5)
    }
  }
}

function closed(): VMSError {
  return new VMSError('CLOSED', 'closed while it waited')
}
