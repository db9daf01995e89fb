// The other side of the protomux-rpc benchmark, a process of its own: answers with what it is sent.
// Arguments: bootstrap node, topic (hex). Prints a line once it can be found.

import b4a from 'b4a'
import c from 'compact-encoding'
import Hyperswarm from 'hyperswarm'
import ProtomuxRPC from 'protomux-rpc'
import { createDHT } from '../../../lib/swarm/bootstrap.js'

const [bootstrap, topicHex] = process.argv.slice(2)
const topic = b4a.from(topicHex, 'hex')
const swarm = new Hyperswarm({ dht: createDHT([bootstrap]) })
swarm.on('connection', stream => {
  stream.on('error', () => {})
  new ProtomuxRPC(stream, { id: topic, valueEncoding: c.raw }).respond('echo', value => value)
})
await swarm.join(topic, { server: true, client: false }).flushed()
process.stdout.write('ready\n')
process.on('SIGTERM', () => void swarm.destroy().then(() => process.exit(0)))
