// What peers have seen of this host's VMs: the newest head of each that it has signed.

import b4a from 'b4a'
import type { NoiseStream } from 'hyperswarm'
import { encodeKey, type VMKeys } from '../ledger/keys.js'
import type { HeadMessage, Signed } from '../ledger/statements.js'
import { Link } from '../replica/link.js'
import { within } from '../replica/within.js'
import type { Swarm } from '../swarm/swarm.js'

/** What peers say of one VM. */
export interface Seen {
  /** the newest head; null if nobody has one */
  head: Signed<HeadMessage> | null
  /** whether another host serves the VM now */
  served: boolean
}

/** How long those who were found have to say what they know, ms. */
const SPEAK_MS = 2500

/** How long somebody is dialled who has this host's own key on the network, ms: a copy of it answers sooner. */
const STALE_MS = 700

/** How often it is looked whether they have, ms. */
const LOOK_MS = 20

/**
 * Asks whoever is on the topics of some VMs. It is announced there too: whoever was connected to this host comes back, and
 * says what he knows.
 * @param own the key that this host has on the network: if it was killed, the network still names it for a while
 * @param timeout ms
 * @returns by the VM's key as printed
 */
export async function askPeers(
  swarm: Swarm,
  vms: VMKeys[],
  own: Uint8Array,
  timeout: number
): Promise<Map<string, Seen>> {
  const seen = new Map<string, Seen>(vms.map(keys => [encodeKey(keys.log), { head: null, served: false }]))
  const links = new Set<Link>() // those that are gone are not waited for
  const onstream = (stream: NoiseStream) => {
    for (const keys of vms) {
      const known = seen.get(encodeKey(keys.log))!
      open(stream, keys, links, (link, head) => {
        known.served ||= link.isHost
        if (known.head === null || known.head.length < head.length) known.head = head
      })
    }
  }
  swarm.on('connection', onstream)
  const search = async () => {
    await Promise.all(
      vms.map(({ log }) =>
        swarm
          .meet(log)
          .flushed()
          .catch(() => {})
      )
    )
    const since = performance.now()
    const settled = () => {
      const waited = performance.now() - since
      const dialled = swarm.dialled.filter(key => waited < STALE_MS || !b4a.equals(key, own))
      return dialled.length === 0 && (waited > SPEAK_MS || [...links].every(link => link.spoken))
    }
    while (!settled()) await new Promise(resolve => setTimeout(resolve, LOOK_MS))
  }
  await within<void>(timeout, search(), () => {})
  swarm.off('connection', onstream)
  for (const link of links) link.close()
  return seen
}

function open(
  stream: NoiseStream,
  keys: VMKeys,
  links: Set<Link>,
  onhead: (link: Link, head: Signed<HeadMessage>) => void
): void {
  const link = new Link(stream, keys.log, () => keys, {
    onopen: () => {},
    onclose: link => void links.delete(link),
    onkeys: () => {},
    onhead: (link, head) => {
      if (b4a.equals(head.vm, keys.log)) onhead(link, head)
    },
    onreceipt: () => {},
    onrefusal: () => {},
    onfork: () => {},
    onattestation: () => {}
  })
  links.add(link)
}
