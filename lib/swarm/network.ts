// Where and how a process enters the DHT.

import DHT from 'hyperdht'
import { decode, isValid } from 'hypercore-id-encoding'
import { messageOf, VMSError } from '../errors.js'

/** How a process takes part in the network. */
export interface NetworkOptions {
  /** nodes as host:port; undefined means the public network */
  bootstrap?: string[]
  /** keys of relays, as `vms relay` prints them: used where peers do not reach each other otherwise */
  relays?: string[]
}

/**
 * Reads `host:port[,host:port…]`.
 * @throws VMSError USAGE
 */
export function parseBootstrap(text: string): string[] {
  const nodes = text.split(',').map(node => node.trim())
  for (const node of nodes) {
    const port = Number(/^[^:\s]+:(\d{1,5})$/.exec(node)?.[1])
    if (!(port > 0 && port < 65536)) {
      throw new VMSError(
        'USAGE',
        `"${node}" is no bootstrap node: expected host:port, several separated by commas`
      )
    }
  }
  return nodes
}

/**
 * Reads `key[,key…]`.
 * @throws VMSError USAGE
 */
export function parseRelays(text: string): string[] {
  const relays = text.split(',').map(key => key.trim())
  for (const key of relays) {
    if (isValid(key)) continue
    throw new VMSError(
      'USAGE',
      `"${key}" is no relay: expected the key that "vms relay" prints, several separated by commas`
    )
  }
  return relays
}

/** The public keys of relays. */
export function decodeRelays(relays: string[] = []): Uint8Array[] {
  return relays.map(key => decode(key))
}

/**
 * Pause between two attempts to find the port that a router has chosen by chance, ms: by default 20 s, and the next peer waits
 * that long.
 */
const RANDOM_PUNCH_MS = 2000

/** How many such attempts are made at once: one whose peer has gone takes 35 s, and would keep all others waiting. */
const RANDOM_PUNCHES = 4

export interface NodeOptions extends Pick<NetworkOptions, 'bootstrap'> {
  /** the UDP port, any that is free if not given */
  port?: number
  /** whether a router may stand before it: it finds out then */
  firewalled?: boolean
}

/** A node of the DHT; it binds its port when it is used, or told to. */
export function createDHT({ bootstrap, port, firewalled = true }: NodeOptions): DHT {
  // a range of one: it would take the next port that is free otherwise
  const fixed = port === undefined ? {} : { port: [port, port + 1] as [number, number], anyPort: false }
  const local = bootstrap !== undefined && bootstrap.length > 0 && bootstrap.every(isLoopback)
  // on loopback there is nothing to punch through, and the usual socket would not be reachable
  const place = local ? { host: '127.0.0.1', firewalled: false } : { firewalled }
  const dht = new DHT({ bootstrap, ...fixed, ...place, randomPunchInterval: RANDOM_PUNCH_MS })
  dht._randomPunchLimit = RANDOM_PUNCHES // private: hyperdht is pinned
  return dht
}

/**
 * Takes the port that a process is to be reached at.
 * @throws VMSError USAGE if it cannot be had
 */
export async function bindPort(dht: DHT, port: number): Promise<void> {
  try {
    await dht.bind()
  } catch (error) {
    throw new VMSError('USAGE', `the UDP port ${port} cannot be used: ${messageOf(error)}`)
  }
}

function isLoopback(node: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|localhost):/.test(node)
}
