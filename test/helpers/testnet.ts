// A local DHT for a test. Nodes take the same few ports unless they are told others, so a port of a node that is gone would be
// taken by whatever test comes next, and answer those who ask whether their network is still there.

import DHT from 'hyperdht'
import createTestnet, { type Testnet } from 'hyperdht/testnet.js'
import { freePort } from './port.js'

const HOST = '127.0.0.1'
const NODES = 3

export async function makeTestnet(): Promise<Testnet> {
  const testnet = await createTestnet(1, { host: HOST, port: await freePort() })
  const { nodes } = testnet
  const bootstrap = testnet.bootstrap.map(({ host, port }) => `${host}:${port}`)
  while (nodes.length < NODES) {
    const port = await freePort()
    const node = new DHT({ ephemeral: false, firewalled: false, bootstrap, port, host: HOST })
    await node.fullyBootstrapped()
    nodes.push(node)
  }
  return testnet
}
