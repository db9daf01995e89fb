// vms mirror: keeps VMs available while their hosts are away.

import { messageOf, VMSError } from '../errors.js'
import { decodeKey, encodeKey } from '../ledger/keys.js'
import { Mirror } from '../mirror/mirror.js'
import type { FullCopy, Synced } from '../replica/full-copy.js'
import type { Reach } from '../swarm/watchdog.js'
import { dataFolder } from '../user/folders.js'
import { IdList } from '../user/ids.js'
import { formatSize, parseSize } from '../user/sizes.js'
import { parsePort, type Context } from './context.js'
import { escapeControls } from './escape.js'
import { log, print, printJSON } from './output.js'
import { describeKept } from './proof.js'
import { tellReach } from './reach.js'

export interface MirrorFlags {
  mirrorAllFrom?: string[]
  disk?: string
  port?: string
}

/** How often it is looked whether the lists have changed, ms. */
const LOOK_MS = 1000

export async function mirror(context: Context, keys: string[], flags: MirrorFlags): Promise<number> {
  context.runsUntilStopped()
  const named = keys.map(key => encodeKey(decodeKey(key)))
  const limit = flags.disk === undefined ? undefined : parseSize('--disk', flags.disk)
  const port = flags.port === undefined ? undefined : parsePort(flags.port)
  const list = new IdList('--mirror-all-from', flags.mirrorAllFrom ?? [], why => log(`vms: ${why}`))
  const wanted = () => new Set([...named, ...list.ids])
  if (named.length === 0 && flags.mirrorAllFrom === undefined)
    throw new VMSError('USAGE', 'name the VMs to keep, or a file with one key a line: --mirror-all-from FILE')

  const storage = context.storage ?? dataFolder()
  const network = await context.network()
  const mirror = context.use(new Mirror({ ...network, storage, data: dataFolder(), port, limit }))
  mirror.on('reach', (reach: Reach) => tellReach(context, reach))
  await mirror.ready()

  const told = new Map<string, () => void>()
  const follow = async () => {
    const ids = wanted()
    for (const id of mirror.vms.keys()) {
      if (ids.has(id)) continue
      await mirror.remove(id)
      told.get(id)?.()
      tell(context, id, 'removed', {}, 'is not on the list any more')
    }
    for (const id of ids) {
      if (!mirror.vms.has(id)) told.set(id, tellOf(context, id, await mirror.add(id), limit))
    }
  }
  await follow()
  let following: Promise<void> | null = null
  const timer = setInterval(() => {
    following ??= follow()
      .catch((error: unknown) => log(`vms: ${messageOf(error)}`))
      .finally(() => (following = null))
  }, LOOK_MS)
  context.use({
    close: async () => {
      clearInterval(timer)
      await following
      for (const silence of told.values()) silence()
    }
  })
  return context.stopped
}

function tell(context: Context, id: string, event: string, fields: object, sentence: string): void {
  if (context.json) printJSON({ event, key: id, ...fields })
  else print(`${id.slice(0, 8)}  ${sentence}`)
}

/** Tells what becomes of a VM. @returns ends that */
function tellOf(context: Context, id: string, copy: FullCopy, limit = Infinity): () => void {
  let ready = false
  const onsynced = ({ length, bytes }: Synced) => {
    const event = ready ? 'synced' : 'ready'
    ready = true
    tell(context, id, event, { length, bytes }, `${length} blocks, ${formatSize(bytes)}`)
  }
  const search = setTimeout(() => {
    if (copy.synced === null && !copy.full) tell(context, id, 'waiting', {}, 'nobody has sent all of it yet')
  }, context.timeout)
  copy.on('synced', onsynced)
  copy.on('no-room', (bytes: number) => {
    const sentence = `there is no room for it: it has ${formatSize(bytes)}, and --disk ${formatSize(limit)} is for all`
    tell(context, id, 'no-room', { bytes, limit }, sentence)
  })
  copy.on('fraud', (error: VMSError) => {
    const proof = copy.replica.fork?.file
    tell(context, id, 'fraud', { message: error.message, proof }, `FRAUD: ${escapeControls(error.message)}`)
    if (proof !== undefined) log(describeKept(proof))
  })
  if (copy.synced !== null) onsynced(copy.synced)
  return () => clearTimeout(search)
}
