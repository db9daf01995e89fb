// A host that has cut a core says so without a signature: with a fork number, in replication. What it has signed since then
// proves it. A copy that is kept does not follow it; this one does, and is thrown away.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import b4a from 'b4a'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type { NoiseStream } from 'hyperswarm'
import { claimOfCore, type Claim, type CoreName } from '../ledger/claims.js'
import type { VMKeys } from '../ledger/keys.js'
import { hashOfRoots } from '../ledger/merkle.js'
import { guardClosing } from '../machine/closing.js'
import { signatureOf } from '../machine/tree.js'
import type { NetworkOptions } from '../swarm/network.js'
import { Swarm } from '../swarm/swarm.js'
import type { Peers } from './peers.js'
import { within } from './within.js'

/** How often it is looked at what hosts show, and how long the proof may take, ms. */
const INTERVAL_MS = 500
const FETCH_MS = 5000

export class Cuts {
  private readonly cores = new Map<CoreName, Hypercore>()
  private timer: NodeJS.Timeout | null = null
  private fetching: Promise<void> | null = null
  private done = false

  /** @param onproof is called once, with a claim that proves the fork alone */
  constructor(
    private readonly peers: Peers,
    private readonly network: NetworkOptions,
    private readonly onproof: (core: CoreName, claim: Claim) => Promise<void>
  ) {}

  /** The core that a connected host shows to be cut, if there is one; anybody else may say what he likes. */
  get shown(): CoreName | null {
    const hosts = [...this.peers.links].filter(link => link.isHost)
    for (const [name, { peers, fork }] of this.cores) {
      const isCut = peers.some(
        ({ remoteFork, remotePublicKey }) =>
          remoteFork > fork && hosts.some(({ peer }) => b4a.equals(peer, remotePublicKey))
      )
      if (isCut) return name
    }
    return null
  }

  /** Looks from here on whether a core is shown to be cut: there is no event for it. */
  watch(name: CoreName, core: Hypercore): void {
    this.cores.set(name, core)
    this.timer ??= setInterval(() => this.look(), INTERVAL_MS).unref()
  }

  async close(): Promise<void> {
    if (this.timer) clearInterval(this.timer)
    await this.fetching
  }

  private look(): void {
    const { shown } = this
    const { keys } = this.peers
    if (shown === null || keys === null || this.done || this.fetching) return
    this.fetching = this.prove(keys, shown)
      .catch(() => {}) // it stays unproven, until it is tried again
      .finally(() => (this.fetching = null))
  }

  private async prove(keys: VMKeys, name: CoreName): Promise<void> {
    const claim = await fetchCut(keys, name, this.network, FETCH_MS)
    if (claim === null) return
    this.done = true
    await this.onproof(name, claim)
  }
}

/**
 * Fetches what the host has signed of a core under a fork number above 0.
 * @param timeout ms
 * @returns a claim that proves the fork alone; null if none comes in time
 */
async function fetchCut(
  keys: VMKeys,
  name: CoreName,
  network: NetworkOptions,
  timeout: number
): Promise<Claim | null> {
  const folder = await mkdtemp(path.join(tmpdir(), 'vms-cut-'))
  const store = new Corestore(folder)
  const swarm = new Swarm(network)
  swarm.on('connection', (stream: NoiseStream) => void store.replicate(stream))
  try {
    const core = store.get({ manifest: keys.manifests[name], writable: false })
    await core.ready()
    guardClosing(core)
    const claim = () => {
      const signed = signatureOf(core)
      if (signed === null || signed.fork === 0) return null
      return claimOfCore({ ...signed, hash: hashOfRoots(core.state.roots) })
    }
    const followed = new Promise<Claim>(resolve => {
      const look = () => {
        const found = claim()
        if (found) resolve(found)
      }
      core.on('append', look)
      core.on('truncate', look)
    })
    await swarm.ready()
    swarm.lookup(keys.log)
    return await within<Claim | null>(timeout, followed, claim)
  } finally {
    await swarm.close()
    await store.close()
    await rm(folder, { recursive: true, force: true })
  }
}
