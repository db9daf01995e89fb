// The three cores of a VM: its call log, and the database and the blobs of its files.

import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type { KeyPair } from 'hypercore'
import b4a from 'b4a'
import { VMSError } from '../errors.js'
import { guardClosing } from './closing.js'
import { guardConflict } from './conflict.js'
import { deriveKeys, encodeKey, keysFromManifest, type VMKeys } from '../ledger/keys.js'

export interface Cores {
  keys: VMKeys
  log: Hypercore
  db: Hypercore
  blobs: Hypercore
}

/**
 * Opens the cores that `keyPair` signs. They are made if the store does not hold them. Rests on a private part of hypercore,
 * which is pinned for that.
 */
export async function openOwnCores(store: Corestore, keyPair: KeyPair): Promise<Cores> {
  const keys = deriveKeys(keyPair.publicKey)
  const { manifests } = keys
  const cores = {
    keys,
    log: store.get({ manifest: manifests.log, keyPair }),
    db: store.get({ manifest: manifests.db, keyPair }),
    blobs: store.get({ manifest: manifests.blobs, keyPair })
  }
  await Promise.all([cores.log.ready(), cores.db.ready(), cores.blobs.ready()])
  for (const core of [cores.log, cores.db, cores.blobs]) {
    guard(core)
    // a peer that has more than is here would make them longer, one by one, in the middle of a commit
    core.core.replicator.eagerUpgrade = false
  }
  if (!b4a.equals(cores.log.key, keys.log) || !b4a.equals(cores.db.key, keys.db)) {
    throw new VMSError('STORAGE_BROKEN', `the storage holds other cores than those of ${encodeKey(keys.log)}`)
  }
  return cores
}

/** Opens the log of a VM to read. A host that truncates it is not followed. */
export async function openLog(store: Corestore, key: Uint8Array): Promise<Hypercore> {
  const log = store.get({ key, writable: false, allowFork: false })
  await log.ready()
  guard(log)
  return log
}

/**
 * Opens the files' cores of a VM to read, once its log's manifest is known (with the first block at the latest).
 * @throws VMSError BAD_HOST if the manifest is not a VM's
 */
export async function openFilesCores(store: Corestore, log: Hypercore): Promise<Cores> {
  if (log.manifest === null)
    throw new VMSError('NOT_AVAILABLE', `nothing is known of ${encodeKey(log.key)} yet`)
  const keys = keysFromManifest(log.key, log.manifest)
  const db = store.get({ manifest: keys.manifests.db, writable: false, allowFork: false })
  const blobs = store.get({ manifest: keys.manifests.blobs, writable: false, allowFork: false })
  await Promise.all([db.ready(), blobs.ready()])
  for (const core of [db, blobs]) guard(core)
  return { keys, log, db, blobs }
}

/** What Hypercore lets peers or the time of closing do to a core, and to the process with it. */
function guard(core: Hypercore): void {
  guardConflict(core)
  guardClosing(core)
}

export async function closeCores(cores: Omit<Cores, 'keys'>): Promise<void> {
  await Promise.all([cores.log.close(), cores.db.close(), cores.blobs.close()])
}

/** Bytes of the blocks of a VM: its log, its files and all that they were before. */
export function storedBytes({ log, db, blobs }: Omit<Cores, 'keys'>): number {
  return log.byteLength + db.byteLength + blobs.byteLength
}
