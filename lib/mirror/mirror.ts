// A mirror: keeps VMs of others available. It holds every block of their logs and files, follows them as they grow, and is
// found on their topics like a host, so that readers and auditors need not know where they read from. What it serves is
// signed by the hosts; it can hold something back, and forge nothing.

import path from 'node:path'
import type Corestore from 'corestore'
import b4a from 'b4a'
import type Hypercore from 'hypercore'
import type { Manifest } from 'hypercore'
import type { NoiseStream } from 'hyperswarm'
import ReadyResource from 'ready-resource'
import { VMSError } from '../errors.js'
import { decodeKey, encodeKey, keysFromManifest } from '../ledger/keys.js'
import { closeCores, openFilesCores, openLog } from '../machine/cores.js'
import { Replica } from '../replica/replica.js'
import { FullCopy } from '../replica/full-copy.js'
import { openStore, type OpenStore } from '../replica/slot.js'
import type { NetworkOptions } from '../swarm/network.js'
import { Swarm } from '../swarm/swarm.js'
import type { Reach } from '../swarm/watchdog.js'

export interface MirrorOptions extends NetworkOptions {
  /** a folder for its store */
  storage: string
  /** the user's data folder */
  data: string
  /** the UDP port that others reach it at; any that is free if not given */
  port?: number
  /** bytes that the blocks of all VMs may have, with BLOCK_BYTES for each; as many as they like if not given */
  limit?: number
}

/** What stands beside the log of a VM: for how many bytes of its blocks there was room. */
const HELD = 'vms/held'

/** Emits 'reach' when it changes whether others can find this process. */
export class Mirror extends ReadyResource {
  /** by the VM's key as printed */
  readonly vms = new Map<string, FullCopy>()
  private store: OpenStore | null = null
  private swarm: Swarm | null = null
  /** bytes of the blocks that it holds, or is about to; of VMs too that it keeps no longer, until others need the room */
  private readonly held = new Map<string, number>()
  private reserving: Promise<unknown> = Promise.resolve()

  constructor(private readonly options: MirrorOptions) {
    super()
  }

  /** Bytes of all blocks that it holds, or is about to. */
  get bytes(): number {
    return sum(this.held.values())
  }

  /** Keeps a VM from here on; it need not be reachable yet. */
  async add(id: string): Promise<FullCopy> {
    await this.ready()
    const known = this.vms.get(id)
    if (known) return known
    if (this.closing) throw new VMSError('CLOSED', 'the mirror is closed')
    const { data } = this.options
    const shared = { store: this.store!.store, swarm: this.swarm! }
    const replica = new Replica(decodeKey(id), { data, announce: true, shared })
    const copy = new FullCopy(replica, { reserve: bytes => this.reserve(id, replica.log, bytes) })
    this.vms.set(id, copy)
    await copy.ready()
    return copy
  }

  /** Keeps a VM no longer. Its blocks stay on the disk until others need the room. */
  async remove(id: string): Promise<void> {
    await this.vms.get(id)?.close()
    this.vms.delete(id)
  }

  protected override async _open(): Promise<void> {
    const { storage, bootstrap, relays, port } = this.options
    this.store = await openStore(path.join(storage, 'mirror'))
    const { store } = this.store
    try {
      await this.count(store)
      const keyPair = await store.createKeyPair('swarm')
      const swarm = (this.swarm = new Swarm({ bootstrap, relays, port, keyPair }))
      swarm.on('connection', (stream: NoiseStream) => store.replicate(stream))
      swarm.on('reach', (reach: Reach) => this.emit('reach', reach))
      await swarm.ready()
    } catch (error) {
      await this._close() // which nobody calls on what never opened
      throw error
    }
  }

  protected override async _close(): Promise<void> {
    // at once: the swarm waits for nobody who does not answer, and a copy that leaves it alone does
    await Promise.all([this.swarm?.close(), ...[...this.vms.values()].map(copy => copy.close())])
    await this.reserving
    await this.store?.close()
  }

  /** Finds out what the store holds. */
  private async count(store: Corestore): Promise<void> {
    for await (const discoveryKey of store.list()) {
      const { key, manifest } = (await store.getAuth(discoveryKey)) ?? {}
      if (!key || !manifest || !isLog(key, manifest)) continue
      const log = await openLog(store, key)
      const text = await log.getUserData(HELD)
      await log.close()
      if (text !== null) this.held.set(encodeKey(key), Number(b4a.toString(text)))
    }
  }

  // one after the other: each is to see what those before have taken
  private reserve(id: string, log: Hypercore, bytes: number): Promise<boolean> {
    const turn = this.reserving.then(() => this.take(id, log, bytes))
    this.reserving = turn.catch(() => {})
    return turn
  }

  private async take(id: string, log: Hypercore, bytes: number): Promise<boolean> {
    const more = bytes - (this.held.get(id) ?? 0)
    if (more <= 0) return true
    if (!(await this.makeRoom(more))) return false
    await this.hold(id, log, bytes)
    return true
  }

  /** Deletes what is kept no longer, as far as that is needed. */
  private async makeRoom(more: number): Promise<boolean> {
    const { limit = Infinity } = this.options
    const lacking = () => this.bytes + more - limit
    const dropped = [...this.held].filter(([id]) => !this.vms.has(id))
    if (lacking() > sum(dropped.map(([, bytes]) => bytes))) return false
    for (const [id] of dropped) if (lacking() > 0) await this.clear(id)
    return lacking() <= 0
  }

  private async clear(id: string): Promise<void> {
    const { store } = this.store!
    const cores = await openFilesCores(store, await openLog(store, decodeKey(id)))
    for (const core of [cores.blobs, cores.db, cores.log]) await core.clear(0, core.length)
    await this.hold(id, cores.log, 0)
    await closeCores(cores)
  }

  private async hold(id: string, log: Hypercore, bytes: number): Promise<void> {
    await log.setUserData(HELD, String(bytes))
    this.held.set(id, bytes)
  }
}

function isLog(key: Uint8Array, manifest: Manifest): boolean {
  try {
    keysFromManifest(key, manifest)
    return true
  } catch {
    return false // the files of one
  }
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((a, b) => a + b, 0)
}
