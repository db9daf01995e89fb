// The public nodes of a lab's DHT, one for each address that is given. Prints a line of JSON once all are there, and one for
// each line that it reads:
//
//   kill <address>…   these nodes end without a word to anybody
//   relays <topic>    the addresses that were announced with the topic: of nodes that introduce whoever has announced it
//
//   node dht-process.js <port> <address>…

import { createInterface } from 'node:readline'
import DHT from 'hyperdht'

const [port, ...hosts] = process.argv.slice(2)
const nodes = new Map<string, DHT>()
const bootstrap = [`${hosts[0]}:${port}`]
for (const host of hosts) {
  const options = { bootstrap, ephemeral: false, firewalled: false, host, port: Number(port) }
  const node = nodes.size === 0 ? DHT.bootstrapper(Number(port), host, { host }) : new DHT(options)
  nodes.set(host, node)
  await node.fullyBootstrapped()
}
tell({ ready: true })
for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...words] = line.split(' ')
  tell(command === 'kill' ? await kill(words) : await relaysOf(words[0]))
}
process.exit(0)

async function kill(addresses: string[]): Promise<object> {
  for (const host of addresses) {
    await nodes.get(host)?.destroy({ force: true })
    nodes.delete(host)
  }
  return { left: [...nodes.keys()] }
}

async function relaysOf(topic: string): Promise<object> {
  const relays = new Set<string>()
  const [node] = nodes.values()
  for await (const { peers } of node.lookup(Buffer.from(topic, 'hex')))
    for (const peer of peers) for (const { host } of peer.relayAddresses) relays.add(host)
  return { relays: [...relays] }
}

function tell(result: object): void {
  process.stdout.write(JSON.stringify(result) + '\n')
}
