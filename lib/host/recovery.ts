// A host that lost the end of a log (the power went and the disk had lied, or a backup was restored) would sign a second
// history of it with the next call, and nobody could trust the VM again. So before it serves after a stop that was not clean,
// it asks peers what they have seen of its VMs, and takes back what it has signed and lost.

import { rm } from 'node:fs/promises'
import path from 'node:path'
import type Corestore from 'corestore'
import type { KeyPair } from 'hypercore'
import type { NoiseStream } from 'hyperswarm'
import { messageOf, VMSError } from '../errors.js'
import { decodeKey, deriveKeys, encodeKey, type VMKeys } from '../ledger/keys.js'
import { continueFrom } from '../machine/continue.js'
import { closeCores, openOwnCores } from '../machine/cores.js'
import type { Durability } from '../machine/durable.js'
import { FullCopy, type Lengths } from '../replica/full-copy.js'
import { Replica } from '../replica/replica.js'
import { openStore } from '../replica/slot.js'
import type { NetworkOptions } from '../swarm/network.js'
import { Swarm } from '../swarm/swarm.js'
import { askPeers, type Seen } from './seen.js'

/** How long peers are asked, ms. */
const ASK_MS = 3000

/** How long a copy may stand still, and how often it is looked whether it does, ms. */
const STALL_MS = 30_000
const LOOK_MS = 50

/**
 * What comes more slowly than this is waited for no longer than if nothing came, bytes/s: a block now and then would keep all
 * VMs of the host waiting. A block counts as so many bytes more.
 */
const SLOWEST = 8192
const BLOCK_WORTH = 1024

export interface RecoveryOptions {
  store: Corestore
  durability: Durability
  network: NetworkOptions
  /** the key that the host has on the network */
  own: Uint8Array
  /** a folder for what is fetched; it is removed */
  folder: string
  /** ms that a copy may stand still, 30,000 if not given */
  stall?: number
  /** is told what was found */
  onprogress: (text: string) => void
}

/** What a VM is to have at least. */
export interface Wanted {
  keyPair: KeyPair
  /** blocks of its log; 0 if that is not known */
  length: number
}

/** What became of a VM. */
export interface Recovered {
  id: string
  /** why it must not be served */
  error: VMSError | null
}

/** @returns what became of each, in order */
export async function recover(vms: Wanted[], options: RecoveryOptions): Promise<Recovered[]> {
  const { folder, network } = options
  await rm(folder, { recursive: true, force: true }) // of a host that was killed meanwhile
  const keys = vms.map(({ keyPair }) => deriveKeys(keyPair.publicKey))
  // under another name than the host has: a copy of its storage that is served elsewhere has the same
  const swarm = new Swarm(network)
  try {
    await swarm.ready()
    return await recoverAll(vms, keys, swarm, options)
  } finally {
    await swarm.close()
  }
}

async function recoverAll(
  vms: Wanted[],
  keys: VMKeys[],
  swarm: Swarm,
  options: RecoveryOptions
): Promise<Recovered[]> {
  const seen = await askPeers(swarm, keys, options.own, ASK_MS)
  const results: Recovered[] = []
  let { stall = STALL_MS } = options
  for (const [i, { keyPair, length }] of vms.entries()) {
    const id = encodeKey(keys[i].log)
    try {
      await recoverOne(id, keyPair, length, seen.get(id)!, swarm, { ...options, stall })
      results.push({ id, error: null })
    } catch (error) {
      const failure = error instanceof VMSError ? error : unsettled(id, error)
      results.push({ id, error: failure })
      // where one was waited for in vain, many are not
      if (failure.code === 'NOT_AVAILABLE') stall = Math.min(stall, ASK_MS)
    }
  }
  return results
}

async function recoverOne(
  id: string,
  keyPair: KeyPair,
  least: number,
  { head, served }: Seen,
  swarm: Swarm,
  options: Required<RecoveryOptions>
): Promise<void> {
  if (served)
    throw new VMSError(
      'STORAGE_IN_USE',
      `${id} is not served: another host serves it now, and two would sign two histories of it; stop that one first`
    )
  const { store, durability, onprogress } = options
  const own = await openOwnCores(store, keyPair)
  try {
    const before = own.log.length
    const length = Math.max(least, head?.length ?? 0)
    if (length <= before) return
    onprogress(
      before === 0
        ? `${id} is fetched: ${length} blocks`
        : `${id} has ${before} blocks here, and ${length} that its host has signed: the rest is fetched`
    )
    const held = { log: before, db: own.db.length, blobs: own.blobs.length }
    await withCopy(id, length, held, swarm, options, async ({ replica, synced }) => {
      await continueFrom(own, await replica.cores(), synced!.length, durability)
    })
  } finally {
    await closeCores(own)
  }
}

/** Fetches every block that is not held, of so many or more. @throws VMSError NOT_AVAILABLE if nobody sends them */
async function withCopy(
  id: string,
  length: number,
  held: Lengths,
  swarm: Swarm,
  { folder, stall }: Required<RecoveryOptions>,
  action: (copy: FullCopy) => Promise<void>
): Promise<void> {
  const place = path.join(folder, id)
  const slot = await openStore(path.join(place, 'store'))
  const replicate = (stream: NoiseStream) => void slot.store.replicate(stream)
  swarm.on('connection', replicate)
  drop(swarm)
  const shared = { store: slot.store, swarm }
  const copy = new FullCopy(new Replica(decodeKey(id), { data: place, shared }), { held })
  try {
    await copy.ready()
    await fetched(copy, length, stall)
    await action(copy)
  } finally {
    swarm.off('connection', replicate)
    await copy.close()
    await slot.close()
    await rm(place, { recursive: true, force: true })
  }
}

/** Waits until a copy is so long. */
async function fetched(copy: FullCopy, length: number, stall: number): Promise<void> {
  const { replica } = copy
  const begun = performance.now()
  let [known, since] = [0, begun]
  while ((copy.synced?.length ?? 0) < length) {
    if (replica.contradiction) throw replica.contradiction
    const { blocks, bytes } = copy.received
    const now = performance.now()
    if (blocks > known) [known, since] = [blocks, now]
    const earned = ((bytes + blocks * BLOCK_WORTH) / SLOWEST) * 1000
    if (now - since > stall || now - begun > stall + earned) throw lost(encodeKey(replica.key), length)
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
  }
}

function unsettled(id: string, error: unknown): VMSError {
  return new VMSError(
    'HOST_FAILED',
    `${id} is not served: what peers have seen of it could not be looked into: ${messageOf(error)}`,
    { cause: error }
  )
}

function lost(id: string, length: number): VMSError {
  return new VMSError(
    'NOT_AVAILABLE',
    `${id} is not served: its host has signed ${length} blocks, they are not all on this disk, and nobody who is online has ` +
      'them; start again when a mirror is there'
  )
}

/** Ends all connections, which nothing is replicated on yet: peers come again. */
function drop(swarm: Swarm): void {
  for (const stream of swarm.streams) stream.destroy()
}
