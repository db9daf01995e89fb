// A local DHT for a test. Nodes take the same few ports unless they are told others, so a port of a node that is gone would be
// taken by whatever test comes next, and answer those who ask whether their network is still there.

import { randomInt } from 'node:crypto'
import DHT from 'hyperdht'
import createTestnet, { type Testnet } from 'hyperdht/testnet.js'

const HOST = '127.0.0.1'
const NODES = 3

/** Below the ports that systems give to whoever asks for any. */
const PORTS = [10_000, 32_000] as const

export async function makeTestnet(): Promise<Testnet> {
  const port = () => randomInt(...PORTS) // the next ones, or any, if it is taken
  const testnet = await createTestnet(1, { host: HOST, port: port() })
  const { nodes } = testnet
  const bootstrap = testnet.bootstrap.map(({ host, port }) => `${host}:${port}`)
  while (nodes.length < NODES) {
    const node = new DHT({ ephemeral: false, firewalled: false, bootstrap, port: port(), host: HOST })
    await node.fullyBootstrapped()
    nodes.push(node)
  }
  return testnet
}
