// A copy of a VM that follows its log over the swarm. Clients and auditors each work on one.

import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import b4a from 'b4a'
import ReadyResource from 'ready-resource'
import type { Discovery, NoiseStream } from 'hyperswarm'
import { messageOf, VMSError } from '../errors.js'
import { decodeBlock, type Block, type Genesis } from '../ledger/blocks.js'
import type { Head } from '../ledger/encoding.js'
import { encodeKey } from '../ledger/keys.js'
import type { HeadMessage, Signed } from '../ledger/statements.js'
import { closeCores, openFilesCores, openLog, type Cores } from '../machine/cores.js'
import { Swarm } from '../swarm/swarm.js'
import { Link } from './link.js'
import { Memory } from './memory.js'
import { openSlot, openStore, type OpenStore } from './slot.js'
import { within } from './within.js'

export interface ReplicaOptions {
  /** nodes as host:port; undefined means the public network */
  bootstrap?: string[]
  /** a folder for this copy alone; else a slot below `data` */
  storage?: string
  /** the user's data folder */
  data: string
}

/** How long a search for peers goes on once the network says that there are none. */
const LOOKUP_INTERVAL_MS = 1000

/** How often the newest head is compared with the log and written down, at most. */
const SAVE_INTERVAL_MS = 1000

/** The longest that a timer can wait, ms. */
const NEVER = 2 ** 31 - 1

/** Events after which a condition may hold that did not before. */
const CHANGES = ['append', 'link', 'head', 'contradiction', 'closing']

export class Replica extends ReadyResource {
  log!: Hypercore
  readonly memory: Memory
  /** the newest head that the host has signed, as far as this process knows */
  head: Signed<HeadMessage> | null = null
  readonly links = new Set<Link>()
  private slot: OpenStore | null = null
  private swarm: Swarm | null = null
  private discovery: Discovery | null = null
  private filesCores: Promise<Cores> | null = null
  private saving: NodeJS.Timeout | null = null
  private contradiction: VMSError | null = null
  /** whether the network was asked once, and every answer tried */
  private searched = false
  /** blocks that hosts have shown when they connected */
  private shown = 0
  /** connections of which it is not known yet whether the peer has the VM */
  private readonly undecided = new Set<NoiseStream>()

  constructor(
    readonly key: Uint8Array,
    private readonly options: ReplicaOptions
  ) {
    super()
    this.memory = new Memory(`${options.data}/known`, key)
    this.setMaxListeners(0)
  }

  get store(): Corestore {
    return this.slot!.store
  }

  /** The connected host, if there is one. */
  get host(): Link | null {
    for (const link of this.links) if (link.isHost) return link
    return null
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
    const { storage, data, bootstrap } = this.options
    const id = encodeKey(this.key)
    this.slot =
      storage === undefined
        ? await openSlot(`${data}/copies/${id}`)
        : await openStore(`${storage}/copies/${id}`)
    this.log = openLog(this.store, this.key)
    await this.log.ready()
    this.log.on('append', () => this.emit('append'))
    this.head = await this.memory.head()
    this.swarm = new Swarm({ bootstrap, onconnection: stream => this.connect(stream) })
    await this.swarm.ready()
    this.discovery = this.swarm.lookup(this.key)
    this.search().catch(() => {}) // it ends when the replica closes
  }

  protected override async _close(): Promise<void> {
    await Promise.resolve() // until `closing` is set, for those who wait
    if (this.saving) clearTimeout(this.saving)
    this.emit('closing')
    await this.swarm?.close()
    if (this.head) await this.memory.rememberHead(this.head).catch(() => {})
    const cores = await this.filesCores?.catch(() => null)
    if (cores) await closeCores(cores)
    else await this.log?.close()
    await this.slot?.close()
  }

  /**
   * Brings the copy up to date with the host, or with what peers there are.
   * @param timeout ms to wait for a peer
   * @returns whether a peer was there; if not, the copy is as it was when it was last online
   * @throws VMSError UNREACHABLE if there is no peer and no copy; FRAUD, REWOUND if the host contradicts what it signed
   */
  async sync(timeout: number): Promise<boolean> {
    await this.ready()
    const synced = () => this.host !== null && this.caughtUp()
    const alone = () =>
      this.searched && this.undecided.size === 0 && this.links.size === 0 && this.log.length >= 2
    let online = false
    await this.until(() => (online = synced()) || alone(), timeout)
    if (!online && this.log.length < 2) {
      throw new VMSError(
        'UNREACHABLE',
        `no host of ${encodeKey(this.key)} was found within ${timeout / 1000} s: is it running, and on the same network (--bootstrap)?` +
          (this.slot?.temporary ? ' Another command is using the own copy of it.' : '')
      )
    }
    await this.checkHead(timeout)
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
    return new Promise((resolve, reject) => {
      const settle = (result: () => void) => {
        clearTimeout(timer)
        for (const event of CHANGES) this.off(event, look)
        result()
      }
      const look = () => {
        if (this.contradiction) settle(() => reject(this.contradiction!))
        else if (this.closing) settle(() => reject(new VMSError('CLOSED', 'closed while it waited')))
        else if (condition()) settle(() => resolve(true))
      }
      const timer = setTimeout(() => settle(() => resolve(false)), timeout)
      for (const event of CHANGES) this.on(event, look)
      look()
    })
  }

  async genesis(): Promise<Genesis> {
    const block = await this.block(0)
    if (block.type !== 'genesis')
      throw new VMSError('BAD_HOST', `the log of ${encodeKey(this.key)} has no genesis`)
    return block
  }

  /** The bytes of a block; null if no peer sends them in time. */
  bytes(number: number, timeout: number): Promise<Uint8Array | null> {
    return within(timeout, this.log.get(number), () => null)
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
    return (this.filesCores ??= openFilesCores(this.store, this.log))
  }

  private connect(stream: NoiseStream): void {
    this.store.replicate(stream)
    this.undecided.add(stream)
    const decided = () => {
      if (this.undecided.delete(stream)) this.emit('link')
    }
    stream.on('close', decided)
    new Link(stream, this.key, () => this.log.manifest?.signers.at(0)?.publicKey ?? null, {
      onopen: link => {
        this.links.add(link)
        decided()
      },
      onhost: (link, head) => this.onhost(link, head),
      onhead: head => this.onhead(head),
      onreceipt: receipt => this.emit('receipt', receipt),
      onrefusal: refusal => this.emit('refusal', refusal),
      onclose: link => {
        this.links.delete(link)
        this.undecided.delete(stream)
        this.emit('link')
      }
    })
  }

  private onhost(link: Link, head: Head): void {
    this.shown = Math.max(this.shown, head.length)
    this.emit('host', link)
    this.emit('link')
  }

  // A shorter head is a cut history only if it was signed later: on two connections the older may arrive last.
  private onhead(head: Signed<HeadMessage>): void {
    const known = this.head
    if (known && head.length < known.length) {
      if (head.time > known.time) this.contradict(this.rewound(known, head))
      return
    }
    if (known && head.length === known.length) {
      if (!b4a.equals(known.hash, head.hash)) return this.contradict(this.forked())
      if (head.time <= known.time) return
    }
    this.head = head
    this.saving ??= setTimeout(() => void this.save(), SAVE_INTERVAL_MS)
    this.emit('head')
  }

  /** Whether the copy is as long as the host has shown its log to be. */
  caughtUp(): boolean {
    return this.head !== null && this.log.length >= Math.max(2, this.shown, this.head.length)
  }

  /** What is replicated must be what the host's newest head commits to. */
  private async checkHead(timeout: number): Promise<void> {
    const { head } = this
    if (head === null || this.log.length < head.length) return
    // a tree hash needs the last block, which the host may hold back
    const hash = await within(timeout, this.log.treeHash(head.length), () => null)
    if (hash === null) return
    if (!b4a.equals(hash, head.hash)) {
      this.contradict(this.forked())
      throw this.contradiction!
    }
    await this.memory.rememberHead(head)
  }

  private async save(): Promise<void> {
    this.saving = null
    await this.checkHead(SAVE_INTERVAL_MS).catch(() => {}) // a contradiction is told to whoever waits
  }

  private rewound(known: Head, head: Head): VMSError {
    return new VMSError(
      'REWOUND',
      `the host of ${encodeKey(this.key)} shows ${head.length} blocks, but has signed ${known.length} before: its history was cut`
    )
  }

  private forked(): VMSError {
    return new VMSError('FRAUD', `the host of ${encodeKey(this.key)} has signed two different histories`)
  }

  private contradict(error: VMSError): void {
    this.contradiction ??= error
    this.emit('contradiction')
  }

  // the swarm gives up a peer that went away; whoever wants one host keeps asking
  private async search(): Promise<void> {
    await this.discovery!.flushed()
    await this.swarm!.flush()
    this.searched = true
    this.emit('link')
    while (await this.until(() => this.host === null, NEVER)) {
      await this.discovery!.refresh({ client: true, server: false })
      await this.until(() => this.host !== null, LOOKUP_INTERVAL_MS)
    }
  }
}
