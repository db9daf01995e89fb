// A host that can lie. It makes VMs out of the product's own pieces, on a real Corestore and over a real DHT, and a test
// changes on the way whatever a dishonest host could change. What it does not change is as an honest host does it.

import path from 'node:path'
import Corestore from 'corestore'
import type { KeyPair } from 'hypercore'
import type { NoiseStream } from 'hyperswarm'
import ReadyResource from 'ready-resource'
import b4a from 'b4a'
import type { Changes } from '../../lib/files/overlay.js'
import { decodeBlock, encodeBlock, type Block, type Commit, type Genesis } from '../../lib/ledger/blocks.js'
import {
  INIT,
  MIGRATE,
  readUpgrade,
  UPGRADE_NEVER,
  upgradeArguments,
  type Upgrade
} from '../../lib/ledger/contract.js'
import crypto from '../../lib/ledger/crypto.js'
import type { Head } from '../../lib/ledger/encoding.js'
import { encodeHello } from '../../lib/ledger/messages.js'
import { advance, positionAfterGenesis, type Position } from '../../lib/ledger/position.js'
import { hashRecord, type Record } from '../../lib/ledger/record.js'
import { hashRequest, signRequest, type Request, type CheckedRequest } from '../../lib/ledger/request.js'
import {
  confirmation,
  headMessage,
  hello,
  receipt,
  type Receipt,
  type Signed
} from '../../lib/ledger/statements.js'
import { encodeValue } from '../../lib/ledger/values.js'
import { Session } from '../../lib/host/session.js'
import { openOwnCores, type Cores } from '../../lib/machine/cores.js'
import { Durability } from '../../lib/machine/durable.js'
import { asCalled, execute, mergeChanges, unexported } from '../../lib/machine/execute.js'
import { DEFAULT_LIMITS } from '../../lib/machine/genesis.js'
import { ENGINE, RUNTIME } from '../../lib/machine/runtime.js'
import { stateOf, Transaction } from '../../lib/machine/transaction.js'
import { headOf } from '../../lib/machine/tree.js'
import { LiveOracles, type Oracle } from '../../lib/oracles/index.js'
import { Executor } from '../../lib/sandbox/executor.js'
import { Swarm } from '../../lib/swarm/swarm.js'

export const ALICE = crypto.keyPair(b4a.alloc(32, 1))
export const BOB = crypto.keyPair(b4a.alloc(32, 2))

/** What to change while a commit is made; each gets what an honest host would have. */
export interface Lies {
  /** the records, in place or others instead */
  records?: (records: Record[]) => Record[] | void
  /** what reaches the files */
  changes?: (changes: Changes) => void
  /** what reaches the files and is signed there, while the commit says that the others did */
  signed?: (changes: Changes) => void
  /** the commit's other fields */
  commit?: (commit: Commit) => void
  /** the bytes of the block */
  block?: (bytes: Uint8Array) => Uint8Array
}

type CoreName = 'log' | 'db' | 'blobs'

/** What a test may choose about a VM. */
export interface VMOptions {
  source: string
  keyPair?: KeyPair
  genesis?: (genesis: Genesis) => void
  /** the bytes of block 0 */
  block?: (bytes: Uint8Array) => Uint8Array
  /** what genesis lists, and the contract may ask */
  oracles?: Oracle[]
}

/** What a test may choose about a request. */
export interface RequestOptions extends Partial<Request> {
  by?: KeyPair
}

/** A process that hosts forged VMs. */
export class Forger extends ReadyResource {
  readonly vms: Forgery[] = []
  readonly executor = new Executor()
  readonly store: Corestore
  /** what peers get, if not the store itself */
  private served: Corestore | null = null
  durability!: Durability
  swarm!: Swarm

  constructor(
    private readonly folder: string,
    private readonly bootstrap: string[]
  ) {
    super()
    this.store = new Corestore(path.join(folder, 'forger'))
  }

  protected override async _open(): Promise<void> {
    await this.store.ready()
    this.durability = new Durability(this.store)
    this.swarm = new Swarm({ bootstrap: this.bootstrap })
    this.swarm.on('connection', (stream: NoiseStream) => this.connect(stream))
    await this.swarm.ready()
  }

  protected override async _close(): Promise<void> {
    await this.executor.close()
    await this.swarm.close()
    await this.durability.close()
    await this.served?.close()
    await this.store.close()
  }

  /** A VM with nothing but its genesis. */
  async vm(options: VMOptions): Promise<Forgery> {
    const vm = await Forgery.create(this, options)
    this.vms.push(vm)
    return vm
  }

  /** Ends this process and starts another on the same storage, with the same VMs; nothing is published yet. */
  async restart(): Promise<Forger> {
    await this.close()
    const forger = new Forger(this.folder, this.bootstrap)
    await forger.ready()
    for (const vm of this.vms) forger.vms.push(await vm.resume(forger))
    return forger
  }

  /** Serves a VM without one of its blocks from here on. */
  async withhold(vm: Forgery, name: CoreName, block: number): Promise<void> {
    this.served = new Corestore(path.join(this.folder, 'sparse'))
    await this.show(vm, (core, i) => core !== name || i !== block)
  }

  /** Serves a VM's log from here on, and nothing of its files. */
  async withholdFiles(vm: Forgery): Promise<void> {
    this.served = new Corestore(path.join(this.folder, 'sparse'))
    await this.show(vm, () => true, ['log'])
  }

  /** Serves all blocks of a VM again of which one was withheld. */
  deliver(vm: Forgery): Promise<void> {
    return this.show(vm, () => true)
  }

  private async show(
    { cores }: Forgery,
    which: (core: CoreName, block: number) => boolean,
    names: CoreName[] = ['log', 'db', 'blobs']
  ): Promise<void> {
    const [ours, theirs] = [this.store.replicate(true), this.served!.replicate(false)]
    ours.pipe(theirs).pipe(ours)
    for (const name of names) {
      const copy = this.served!.get({ key: cores[name].key })
      for (let i = 0; i < cores[name].length; i++) if (which(name, i)) await copy.get(i)
    }
    ours.destroy()
  }

  private connect(stream: NoiseStream): void {
    const store = this.served ?? this.store
    store.replicate(stream)
    for (const vm of this.vms) vm.serve(stream)
  }
}

/** A VM that its host lies about. */
export class Forgery {
  /** what the host says about its log, where it is not the truth */
  shown: Head | null = null
  /** further signed heads that it sends */
  heads: Head[] = []
  /** what it says when it is asked for its head, if not what it has shown; null: nothing */
  confirmed: Head | null | undefined = undefined

  private readonly sessions = new Set<Session>()

  private constructor(
    readonly forger: Forger,
    readonly keyPair: KeyPair,
    readonly cores: Cores,
    readonly genesis: Genesis,
    private readonly oracles: LiveOracles,
    /** where the log stands, in truth */
    public position: Position
  ) {}

  static async create(forger: Forger, options: VMOptions): Promise<Forgery> {
    const { source, keyPair = crypto.keyPair(), block = (bytes: Uint8Array) => bytes, oracles = [] } = options
    const specs = oracles.map(({ spec }) => spec)
    const cores = await openOwnCores(forger.store, keyPair)
    const genesis: Genesis = {
      type: 'genesis',
      source,
      sourceHash: crypto.hash(b4a.from(source)),
      methods: (await forger.executor.inspect(source, { oracles: specs })).methods,
      files: cores.keys.db,
      owner: ALICE.publicKey,
      title: 'forged',
      oracles: specs,
      upgrade: UPGRADE_NEVER,
      factory: null,
      limits: { ...DEFAULT_LIMITS },
      runtime: { ...RUNTIME },
      engine: ENGINE
    }
    options.genesis?.(genesis)
    const position = positionAfterGenesis(genesis, await stateOf(cores.db, cores.blobs))
    const vm = new Forgery(forger, keyPair, cores, genesis, new LiveOracles(oracles), position)
    await vm.append(block(encodeBlock(genesis)))
    return vm
  }

  /** The same VM in another process of its host. */
  async resume(forger: Forger): Promise<Forgery> {
    const cores = await openOwnCores(forger.store, this.keyPair)
    return new Forgery(forger, this.keyPair, cores, this.genesis, this.oracles, this.position)
  }

  get key(): Uint8Array {
    return this.cores.keys.log
  }

  head(length = this.cores.log.length): Promise<Head> {
    return headOf(this.cores.log, length)
  }

  /** A signed request that has seen all of the log, if the options do not say otherwise. */
  async request(
    method: string,
    args: unknown[] = [],
    { by = ALICE, ...rest }: RequestOptions = {}
  ): Promise<CheckedRequest> {
    const request: Request = {
      vm: this.key,
      caller: by.publicKey,
      method,
      args: encodeValue(args),
      id: crypto.randomBytes(16),
      seen: rest.seen ?? (await this.head()),
      ...rest
    }
    return { request, signed: signRequest(request, by) }
  }

  /** Executes one call and commits it. */
  async call(method: string, args: unknown[] = [], lies: Lies = {}): Promise<Commit> {
    return this.commit([await this.request(method, args)], lies)
  }

  /** The owner's `init`. */
  init(lies: Lies = {}): Promise<Commit> {
    return this.call(INIT, [], lies)
  }

  /**
   * Executes requests as a batch, and commits what the lies make of it.
   * @returns the commit as it was written
   */
  async commit(requests: CheckedRequest[], lies: Lies = {}, upgrade: Upgrade | null = null): Promise<Commit> {
    const { cores, forger, genesis, position } = this
    const terms = { ...genesis, ...(upgrade ?? position.contract) }
    let transaction = await Transaction.open(cores, forger.durability)
    try {
      const once = upgrade ? MIGRATE : cores.log.length === 1 ? INIT : null
      const first = once !== null && !terms.methods.includes(once) ? requests.slice(0, 1) : []
      const rest = requests.slice(first.length).map(one => (upgrade ? asCalled(one) : one))
      const results = await execute(
        forger.executor,
        terms,
        position.index + first.length,
        transaction.files,
        rest,
        { oracles: this.oracles }
      )
      const executed = [...first.map(unexported), ...results.map((one, i) => one ?? unexported(rest[i]))]
      const changes = mergeChanges(executed)
      lies.changes?.(changes)
      const said = lies.signed && (await transaction.appendFiles(changes))
      if (said) {
        await transaction.close()
        transaction = await Transaction.open(cores, forger.durability)
        lies.signed?.(changes)
      }
      const truth: Commit = {
        type: 'commit',
        upgrade,
        first: position.index,
        base: position.base,
        before: await transaction.filesState(),
        after: await transaction.appendFiles(changes),
        records: executed.map(({ record }) => record),
        time: Date.now()
      }
      const told = { ...truth, records: structuredClone(truth.records) }
      told.records = lies.records?.(told.records) ?? told.records
      if (said) told.after = said
      lies.commit?.(told)
      const bytes = encodeBlock(told)
      await transaction.appendLog(lies.block?.(bytes) ?? bytes)
      await transaction.commit()
      this.position = advance(
        { ...position, block: cores.log.length - 1 },
        { ...truth, records: told.records }
      )
      return told
    } finally {
      await transaction.close()
    }
  }

  /** The owner replaces the contract. @param methods those that it exports, if they are not to be looked up */
  async upgrade(
    source: string,
    { methods, lies = {}, ...options }: RequestOptions & { methods?: string[]; lies?: Lies } = {}
  ): Promise<Commit> {
    const { contract } = this.position
    methods ??= (await this.forger.executor.inspect(source)).methods
    const args = upgradeArguments(contract, { source, methods })
    const request = await this.request(MIGRATE, args, options)
    return this.commit([request], lies, readUpgrade(request.request))
  }

  /** Appends a block by hand. */
  async append(block: Uint8Array | Block): Promise<void> {
    await this.cores.log.append('type' in block ? encodeBlock(block) : block)
  }

  /** Says that the host has another runtime from here on. */
  async changeRuntime(runtime: Genesis['runtime'], base = this.position.base): Promise<void> {
    const block: Block = { type: 'runtime', base, runtime }
    await this.append(block)
    this.position = advance({ ...this.position, block: this.cores.log.length - 1 }, block)
  }

  /** Changes the files, and logs nothing. */
  async tamper(changes: [string, string | null][]): Promise<void> {
    const transaction = await Transaction.open(this.cores, this.forger.durability)
    try {
      const bytes = changes.map(([file, text]) => [file, text === null ? null : b4a.from(text)] as const)
      const files = await transaction.appendFiles(new Map(bytes))
      await transaction.commit()
      this.position = { ...this.position, files }
    } finally {
      await transaction.close()
    }
  }

  /** A commit as it stands in the log. */
  async commitAt(block: number): Promise<Commit> {
    const decoded = decodeBlock((await this.cores.log.get(block))!)
    if (decoded.type !== 'commit') throw new Error(`block ${block} is no commit`)
    return decoded
  }

  /** The host's signed answer for a record of the log. */
  async receipt(commit: Commit, block: number, i = 0, lie: Partial<Receipt> = {}): Promise<Signed<Receipt>> {
    const record = commit.records[i]
    const statement: Receipt = {
      vm: this.key,
      request: hashRequest({ bytes: record.request, signature: record.signature }),
      block,
      index: commit.first + i,
      record: hashRecord(record),
      hash: (await this.head(Math.min(block + 1, this.cores.log.length))).hash,
      ...lie
    }
    return receipt.sign(statement, this.keyPair)
  }

  /** Makes the VM known to the network. */
  async publish(): Promise<void> {
    this.shown ??= await this.head()
    await this.forger.swarm.announce(this.key).flushed()
  }

  /** Tells everybody of the log as it is now. */
  async show(): Promise<void> {
    this.shown = await this.head()
    this.say(this.shown)
  }

  serve(stream: NoiseStream): void {
    Session.accept(stream, this.key, {
      onopen: session => {
        const { namespace, publicKey } = this.cores.keys.manifests.log.signers[0]
        const head = this.shown!
        const statement = hello.sign({ vm: this.key, handshake: stream.handshakeHash, head }, this.keyPair)
        session.sendHello(encodeHello({ namespace, publicKey, hello: hello.encode(statement) }))
        this.sessions.add(session)
        for (const one of [head, ...this.heads]) this.say(one)
      },
      onrequest: () => {},
      onhead: () => {},
      onfork: () => {},
      onask: (session, challenge) => {
        const head = this.confirmed === undefined ? this.shown! : this.confirmed
        if (head === null) return
        const answer = confirmation.sign({ vm: this.key, challenge, head }, this.keyPair)
        session.sendConfirmation(confirmation.encode(answer))
      },
      onclose: session => this.sessions.delete(session)
    })
  }

  /** Sends an answer to everybody. */
  answer(one: Signed<Receipt>): void {
    for (const session of this.sessions) session.sendReceipt(receipt.encode(one))
  }

  /** Sends a signed head to everybody. */
  say({ length, hash }: Head, time = Date.now()): void {
    const message = headMessage.sign({ vm: this.key, length, hash, time }, this.keyPair)
    for (const session of this.sessions) session.sendHead(headMessage.encode(message))
  }
}
