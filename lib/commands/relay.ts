// vms relay: passes on what two peers send each other that do not get through to each other.

import path from 'node:path'
import { encode } from 'hypercore-id-encoding'
import { Relay } from '../swarm/relay.js'
import { dataFolder } from '../user/folders.js'
import { loadIdentity } from '../user/identity.js'
import { formatSize, parseSize } from '../user/sizes.js'
import { parsePort, type Context } from './context.js'
import { log, print, printJSON } from './output.js'

export interface RelayFlags {
  port?: string
  rate?: string
}

const DEFAULT_RATE = 256 * 1024

/** How often its figures are printed while they change, ms. */
const TELL_MS = 60_000

export async function relay(context: Context, flags: RelayFlags): Promise<number> {
  context.runsUntilStopped()
  const port = flags.port === undefined ? undefined : parsePort(flags.port)
  const bytesPerSecond = flags.rate === undefined ? DEFAULT_RATE : parseSize('--rate', flags.rate)
  const { bootstrap } = await context.network()
  // what peers know it by: it stays the same
  const keyPair = await loadIdentity(path.join(context.storage ?? path.join(dataFolder(), 'relay'), 'key'))
  const relay = context.use(new Relay({ bootstrap, port, keyPair, bytesPerSecond }))
  await relay.ready()
  const key = encode(keyPair.publicKey)
  if (context.json) printJSON({ event: 'ready', key })
  else print('Peers that do not reach each other may use this relay:', '', `  --relay ${key}`, '')

  let told = ''
  const tell = () => {
    const { bytes, pairs } = relay
    const text = `${pairs} connections, ${formatSize(bytes)} passed on so far`
    if (text === told) return
    told = text
    if (context.json) printJSON({ event: 'relayed', connections: pairs, bytes })
    else log(text)
  }
  const timer = setInterval(tell, TELL_MS)
  context.use({ close: () => Promise.resolve(clearInterval(timer)) })
  return context.stopped
}
