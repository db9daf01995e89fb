// Brings the VMs of a host to another machine: their keys in a backup, log and files from whoever keeps them.

import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import b4a from 'b4a'
import Corestore from 'corestore'
import type { KeyPair } from 'hypercore'
import { codeOf, messageOf, VMSError } from '../errors.js'
import crypto from '../ledger/crypto.js'
import { deriveKeys, encodeKey } from '../ledger/keys.js'
import { closeCores, openOwnCores } from '../machine/cores.js'
import { Durability } from '../machine/durable.js'
import { readBlock } from '../machine/load.js'
import { CORES, openOwnStore } from '../replica/slot.js'
import type { NetworkOptions } from '../swarm/network.js'
import { syncFolder } from '../user/synced.js'
import { writeWhole } from '../user/whole.js'
import type { BackedUpVM, Backup } from './backup.js'
import { recover } from './recovery.js'
import { Registry, type Registered } from './registry.js'

/** A file of the storage that says that a backup was made: from then on another host may serve its VMs. */
const MARK = 'backed-up'

/** Names of oracles' modules: their hash. */
const MODULE = /^[0-9a-f]{64}\.mjs$/

/** Whether a backup was ever made of the storage. */
export async function wasBackedUp(storage: string): Promise<boolean> {
  return (await stat(path.join(storage, MARK)).catch(() => null)) !== null
}

/** Takes note of that; call it before anybody can have the backup. */
export async function markBackedUp(storage: string): Promise<void> {
  await writeFile(path.join(storage, MARK), '', { mode: 0o600 })
  await syncFolder(storage)
}

/**
 * What a backup of a host has to hold; the host may be running meanwhile.
 * @throws VMSError USAGE if the storage holds no VMs; STORAGE_BROKEN if one cannot be read
 */
export async function backUp(storage: string): Promise<Backup> {
  const listed = await new Registry(path.join(storage, 'vms')).list()
  const damaged = listed.find(one => 'error' in one)
  if (damaged) throw damaged.error
  const registered = listed.flatMap(one => ('error' in one ? [] : [one]))
  if (registered.length === 0) throw new VMSError('USAGE', `${storage} holds no VMs`)
  const store = new Corestore(path.join(storage, CORES), { readOnly: true })
  try {
    await store.ready()
    const vms: BackedUpVM[] = []
    for (const one of registered) vms.push(await readVM(store, one))
    return { vms, oracles: await readOracles(path.join(storage, 'oracles')) }
  } catch (error) {
    if (error instanceof VMSError) throw error
    throw new VMSError('STORAGE_BROKEN', `the storage ${storage} cannot be read: ${messageOf(error)}`)
  } finally {
    await store.close().catch(() => {})
  }
}

async function readVM(store: Corestore, { origin, stopped }: Registered): Promise<BackedUpVM> {
  const keyPair =
    'seed' in origin ? crypto.keyPair(origin.seed) : await store.createKeyPair(`vm/${origin.name}`)
  const cores = await openOwnCores(store, keyPair)
  try {
    const genesis = await readBlock(cores.log, 0)
    const title = genesis.type === 'genesis' ? genesis.title : ''
    return { seed: seedOf(keyPair), title, length: cores.log.length, stopped }
  } finally {
    await closeCores(cores)
  }
}

// an ed25519 secret key is its seed and its public key (RFC 8032, as libsodium keeps it)
function seedOf({ secretKey }: KeyPair): Uint8Array {
  return b4a.from(secretKey.subarray(0, 32))
}

async function readOracles(folder: string): Promise<Map<string, Uint8Array>> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  })
  const modules = names.filter(name => MODULE.test(name))
  return new Map(
    await Promise.all(modules.map(async name => [name, await readFile(path.join(folder, name))] as const))
  )
}

/** What became of a VM of a backup. */
export interface Restored {
  id: string
  title: string
  /** blocks of its log on this machine */
  length: number
  /** whether the storage had it before */
  known: boolean
  /** why it is not there */
  error: VMSError | null
}

export interface RestoreOptions extends NetworkOptions {
  /** folder of the host; it may hold other VMs */
  storage: string
  /** ms to wait for somebody who has the blocks */
  timeout: number
  onprogress: (text: string) => void
}

/**
 * Restores the VMs of a backup. Those that cannot be fetched now are left out; the same backup restores them later.
 * @throws VMSError STORAGE_IN_USE, STORAGE_BROKEN
 */
export async function restore(backup: Backup, options: RestoreOptions): Promise<Restored[]> {
  const { storage, timeout, onprogress, ...network } = options
  await mkdir(storage, { recursive: true, mode: 0o700 })
  const opened = await openOwnStore(storage)
  const { store } = opened
  const durability = new Durability(store)
  try {
    const registry = new Registry(path.join(storage, 'vms'))
    const known = new Set((await registry.list()).map(({ id }) => id))
    const vms = backup.vms.map(vm => {
      const keyPair = crypto.keyPair(vm.seed)
      return { ...vm, keyPair, id: encodeKey(deriveKeys(keyPair.publicKey).log) }
    })
    for (const [name, module] of backup.oracles)
      if (MODULE.test(name)) await writeWhole(path.join(storage, 'oracles'), name, module)
    const missing = vms.filter(({ id }) => !known.has(id))
    const folder = path.join(storage, 'recovery')
    const { publicKey: own } = await store.createKeyPair('swarm')
    const recovered = await recover(missing, {
      store,
      durability,
      network,
      own,
      folder,
      stall: timeout,
      onprogress
    })
    const failures = new Map(recovered.map(({ id, error }) => [id, error]))
    const results: Restored[] = []
    for (const { id, seed, title, stopped, keyPair } of vms) {
      const error = failures.get(id) ?? null
      // what others have seen is compared once more before it is served for the first time
      if (!known.has(id) && !error) await registry.put({ id, origin: { seed }, stopped, doubtful: true })
      const cores = await openOwnCores(store, keyPair)
      results.push({ id, title, length: cores.log.length, known: known.has(id), error })
      await closeCores(cores)
    }
    return results
  } finally {
    await durability.close()
    await opened.close()
  }
}
