// The peers that a copy of a VM is connected to: the host, and others who have copies. Each is told of the newest head, and
// of a fork.

import type { Discovery, NoiseStream } from 'hyperswarm'
import type { VMKeys } from '../ledger/keys.js'
import { headMessage, type HeadMessage, type Signed } from '../ledger/statements.js'
import type { NetworkOptions } from '../swarm/network.js'
import { Swarm } from '../swarm/swarm.js'
import { Link, type LinkHandlers } from './link.js'
import { within } from './within.js'

export interface PeersOptions {
  key: Uint8Array
  network: NetworkOptions
  /** one that several VMs share, instead of one of its own */
  swarm?: Swarm
  /** whether others are to find this process */
  announce?: boolean
  /** the keys of the VM, once they are known */
  keys: () => VMKeys | null
  /** an older head that peers are told too, while the log is behind the newest (witness.ts) */
  behind: () => Uint8Array | null
  /** called for every connection, before anything else is opened on it */
  onconnection: (stream: NoiseStream) => void
  /** links came, went, or said who they are */
  onchange: () => void
  handlers: LinkHandlers
}

/** How often peers are told that the log has grown, at most. */
const GOSSIP_INTERVAL_MS = 100

/** How long a proof of a fork may take to reach peers when this process leaves, ms. */
const PROOF_MS = 500

/** How long more is expected where the network has named somebody who does not answer, ms. */
const PATIENCE_MS = 3000

export class Peers {
  readonly links = new Set<Link>()
  /** whether the network was asked once, and every answer tried */
  searched = false
  /** The network may name a host that has gone, and it takes long to find that out: mirrors are not kept waiting for it. */
  private patient = true
  private patience: NodeJS.Timeout | null = null
  private swarm: Swarm | null = null
  private readonly onstream = (stream: NoiseStream) => this.connect(stream)
  private discovery: Discovery | null = null
  private gossip: NodeJS.Timeout | null = null
  private head: Signed<HeadMessage> | null = null
  private fork: Uint8Array | null = null
  /** connections of which it is not known yet whether the peer has the VM */
  private readonly undecided = new Set<NoiseStream>()
  /** connections whose peer did not have the VM when it was asked last: a host that starts has it later */
  private readonly without = new Set<NoiseStream>()

  constructor(private readonly options: PeersOptions) {}

  get keys(): VMKeys | null {
    return this.options.keys()
  }

  /** The connected host, if there is one that stands by what it has signed. */
  get host(): Link | null {
    for (const link of this.links) if (link.trusted) return link
    return null
  }

  /** Whether the host is reached through a relay just now. */
  get relayed(): boolean {
    const { host } = this
    return host !== null && this.swarm!.isRelayed(host.stream)
  }

  /** Whether nobody is there who has the VM, as far as the network says. */
  get none(): boolean {
    return this.searched && this.undecided.size === 0 && this.links.size === 0
  }

  /** Whether those who are there, and have said what they have, are all no hosts, and no more is to be expected. */
  get onlyMirrors(): boolean {
    const { links, searched, undecided, patient } = this
    if (patient && !(searched && undecided.size === 0)) return false
    return links.size > 0 && [...links].every(({ spoken, isHost }) => spoken && !isHost)
  }

  /** Joins the others; resolves before anybody is found. */
  async join(): Promise<void> {
    const { key, announce, network } = this.options
    const swarm = (this.swarm = this.options.swarm ?? new Swarm(network))
    await swarm.ready()
    for (const stream of swarm.streams) this.connect(stream)
    swarm.on('connection', this.onstream)
    this.discovery = announce ? swarm.meet(key) : swarm.lookup(key)
    this.patience = setTimeout(() => {
      this.patient = false
      this.options.onchange()
    }, PATIENCE_MS)
  }

  async close(): Promise<void> {
    if (this.gossip) clearTimeout(this.gossip)
    if (this.patience) clearTimeout(this.patience)
    const { swarm } = this
    if (swarm === null) return
    if (this.fork) await within(PROOF_MS, this.arrived(), () => {})
    if (this.options.swarm === undefined) return swarm.close()
    swarm.off('connection', this.onstream)
    for (const link of this.links) link.close()
    await swarm.leave(this.options.key)
  }

  // what was found out is to reach the others, before they are left alone with it
  private async arrived(): Promise<void> {
    await Promise.all([...this.links].map(({ stream }) => stream.flush()))
  }

  /** Resolves once every peer that can be found now was tried. */
  async search(): Promise<void> {
    await this.discovery!.flushed()
    await this.swarm!.flush()
    this.searched = true
    this.options.onchange()
  }

  /** The swarm gives up a peer that went away: this asks the network again, and those who are connected and had no VM. */
  async searchAgain(): Promise<void> {
    for (const stream of this.without) this.open(stream)
    this.without.clear()
    await this.discovery!.refresh({ client: true, server: this.options.announce ?? false })
  }

  /** Passes on the newest head to all who have not got it, and to those who come. */
  tellHead(head: Signed<HeadMessage>): void {
    this.head = head
    this.tell()
  }

  /** Passes on what is new to each peer, soon. */
  tell(): void {
    this.gossip ??= setTimeout(() => {
      this.gossip = null
      for (const link of this.links) this.pass(link)
    }, GOSSIP_INTERVAL_MS)
  }

  /** Passes on the body of a proof of a fork to all, and to those who come; the host's operator has to know of it too. */
  tellFork(body: Uint8Array): void {
    this.fork = body
    for (const link of this.links) link.sendFork(body)
  }

  private pass(link: Link): void {
    const { head } = this
    if (head === null || link.isHost) return
    if (link.told < head.length) {
      link.told = head.length
      link.sendHead(headMessage.encode(head))
    }
    const behind = this.options.behind()
    if (behind === null || behind === link.toldBehind) return
    link.toldBehind = behind
    link.sendHead(behind)
  }

  private connect(stream: NoiseStream): void {
    const { onconnection, onchange } = this.options
    onconnection(stream)
    this.undecided.add(stream)
    this.open(stream)
    stream.on('close', () => {
      this.without.delete(stream)
      if (this.undecided.delete(stream)) onchange()
    })
  }

  private open(stream: NoiseStream): void {
    const { key, keys, onchange, handlers } = this.options
    new Link(stream, key, keys, {
      ...handlers,
      onopen: link => {
        this.links.add(link)
        if (this.fork) link.sendFork(this.fork)
        this.pass(link)
        if (this.undecided.delete(stream)) onchange()
        handlers.onopen(link)
      },
      onclose: link => {
        this.links.delete(link)
        this.undecided.delete(stream)
        if (!stream.destroying) this.without.add(stream)
        handlers.onclose(link)
        onchange()
      }
    })
  }
}
