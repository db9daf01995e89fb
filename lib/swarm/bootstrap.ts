// Where a process enters the DHT.

import DHT from 'hyperdht'
import { VMSError } from '../errors.js'

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

/** @param bootstrap nodes as host:port; undefined means the public network */
export function createDHT(bootstrap?: string[]): DHT {
  if (bootstrap === undefined) return new DHT()
  const local = bootstrap.length > 0 && bootstrap.every(isLoopback)
  // on loopback there is nothing to punch through, and the usual socket would not be reachable
  return new DHT(local ? { bootstrap, host: '127.0.0.1', firewalled: false } : { bootstrap })
}

function isLoopback(node: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|localhost):/.test(node)
}
