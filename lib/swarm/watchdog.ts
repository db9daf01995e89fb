// Keeps a server announced. When a line was down, or a router has got another public address, Hyperswarm's announcer has lost
// its relays or names an address that is no longer true, and looks again after five minutes only; no event tells. So they are
// asked every two seconds where they see us, and everything is announced anew when that has changed, or one does not answer.
// Topics are announced with the relays of that moment: when others take their place that is said anew too.

import type DHT from 'hyperdht'
import type Hyperswarm from 'hyperswarm'

const CHECK_MS = 2000

/** How often it is looked whether the network is back, ms. */
const OFFLINE_CHECK_MS = 500

/** Other nodes that are asked too: that nobody introduces us need not mean that the network is away. */
const OTHERS = 3

/** How a router maps us: not at all, always to the same port, or to another one for each peer. */
export type NAT = 'open' | 'cone' | 'symmetric' | 'unknown'

/** Whether others can find this process. */
export interface Reach {
  /** whether nodes of the network answer */
  online: boolean
  /** nodes that hold the announcement and introduce peers */
  relays: number
  nat: NAT
}

type Address = { host: string; port: number }

export class Watchdog {
  /** what was told last */
  reach: Reach | null = null
  private timer: NodeJS.Timeout | null = null
  /** the addresses at which the nodes saw us when they were asked last, by the nodes */
  private seen = new Map<string, string>()
  /** the nodes that were named when all topics were announced last */
  private named: string | null = null
  /** nodes that introduced us last */
  private known: Address[] = []
  private online = true
  private announcing = false

  /** @param onchange told of each change, and of how it was in the beginning */
  constructor(
    private readonly swarm: Hyperswarm,
    private readonly dht: DHT,
    private readonly onchange: (reach: Reach) => void
  ) {}

  /** Looks from here on; call it when everything was announced for the first time. */
  start(): void {
    if (this.timer === null) this.again(0)
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
  }

  private again(ms: number): void {
    this.timer = setTimeout(() => {
      void this.check().finally(
        () => this.timer !== null && this.again(this.online ? CHECK_MS : OFFLINE_CHECK_MS)
      )
    }, ms)
    this.timer.unref()
  }

  private async check(): Promise<void> {
    const relays = this.relays()
    if (relays.length > 0) this.known = relays
    this.named ??= namesOf(relays)
    const seen = await this.ask([...this.known, ...this.dht.toArray({ limit: OTHERS })])
    const back = !this.online
    this.online = seen.size > 0
    const answering = relays.filter(relay => seen.has(textOf(relay))).length
    this.tell({ online: this.online, relays: answering, nat: natOf(this.dht) })
    // what is announced while the network is away ends late, and without success
    if (!this.online) return this.dht.refresh()
    const moved = [...seen].some(([node, at]) => (this.seen.get(node) ?? at) !== at)
    this.seen = seen
    const lost = relays.length === 0 || answering < relays.length
    if (back || moved || lost || namesOf(relays) !== this.named) void this.announceAgain()
  }

  /** Those that introduce us; who is not behind a router is among them itself, and always answers itself. */
  private relays(): Address[] {
    const own = this.dht.remoteAddress()
    return this.swarm.server.relayAddresses.filter(node => own === null || textOf(node) !== textOf(own))
  }

  /** Where the nodes that answer see us. */
  private async ask(nodes: Address[]): Promise<Map<string, string>> {
    const asked = new Map(nodes.map(node => [textOf(node), node]))
    const options = { retry: this.online } // what may just have been lost is asked again before we say that we are offline
    const answers = await Promise.all(
      [...asked].map(([name, node]) =>
        this.dht.ping(node, options).then(
          ({ to }) => [[name, textOf(to)] as const],
          () => []
        )
      )
    )
    return new Map(answers.flat())
  }

  // what is under way when the line comes back finds nobody: its relays are others then, and are announced once more
  private async announceAgain(): Promise<void> {
    this.dht.refresh()
    this.swarm.server.refresh()
    this.swarm.server.notifyOnline() // it waits for a later sign of that otherwise
    if (this.announcing) return
    this.announcing = true
    const named = namesOf(this.relays())
    const refreshed = [...this.swarm.topics()].map(discovery => discovery.refresh())
    await Promise.allSettled(refreshed)
    this.named = named
    this.announcing = false
  }

  private tell(reach: Reach): void {
    const { reach: last } = this
    if (last?.online === reach.online && last.relays === reach.relays && last.nat === reach.nat) return
    this.reach = reach
    this.onchange(reach)
  }
}

/** How the router of this process maps it, as far as the nodes that were asked say. */
export function natOf(dht: DHT): NAT {
  if (!dht.firewalled) return 'open'
  if (dht.host === null) return 'unknown'
  return dht.randomized ? 'symmetric' : 'cone'
}

function textOf({ host, port }: Address): string {
  return `${host}:${port}`
}

function namesOf(nodes: Address[]): string {
  return nodes.map(textOf).sort().join()
}
