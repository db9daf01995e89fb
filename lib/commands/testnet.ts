// vms testnet: a local DHT, to try things on without the public network.

import createTestnet from 'hyperdht/testnet.js'
import { VMSError } from '../errors.js'
import { parsePort, type Context } from './context.js'
import { print, printJSON } from './output.js'

const NODES = 3

export async function testnet(context: Context, options: { port?: string }): Promise<number> {
  context.runsUntilStopped()
  const port = options.port === undefined ? 0 : parsePort(options.port)
  const nodes = await createTestnet(NODES, { host: '127.0.0.1', port })
  context.use({ close: () => nodes.destroy() })
  const bootstrap = nodes.bootstrap.map(node => `${node.host}:${node.port}`)
  if (port !== 0 && nodes.bootstrap[0].port !== port) {
    throw new VMSError('USAGE', `port ${port} is in use: choose another with --port`)
  }
  if (context.json) printJSON({ event: 'ready', bootstrap })
  else {
    const command = `export VMS_BOOTSTRAP=${bootstrap.join()}`
    print('A local DHT is running. Let the other commands use it:', '', `  ${command}`, '')
  }
  return context.stopped
}
