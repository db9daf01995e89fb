// Where copies of a VM lie. A storage directory admits one process, and many commands of one user may look at the same VM
// at once: each takes the first free slot. The first slot is kept, so that what was read once can be read again offline;
// the others go when their process does.

import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import Corestore from 'corestore'
import { messageOf, VMSError } from '../errors.js'

const MAX_SLOTS = 256

export interface OpenStore {
  store: Corestore
  /** Closes the store, and removes it if it is not to be kept. */
  close(): Promise<void>
}

/**
 * Opens a store that this process has for itself.
 * @throws VMSError STORAGE_IN_USE, STORAGE_BROKEN
 */
export async function openStore(folder: string): Promise<OpenStore> {
  const store = await tryOpen(folder)
  if (store === null) {
    throw new VMSError(
      'STORAGE_IN_USE',
      `the storage ${folder} is in use by another process: stop it, or use another --storage`
    )
  }
  return { store, close: () => store.close() }
}

/** Opens the first free slot below `folder`. */
export async function openSlot(folder: string): Promise<OpenStore> {
  for (let slot = 0; slot < MAX_SLOTS; slot++) {
    const place = path.join(folder, String(slot))
    const store = await tryOpen(place)
    if (store === null) continue
    return {
      store,
      close: async () => {
        await store.close()
        if (slot > 0) await rm(place, { recursive: true, force: true })
      }
    }
  }
  throw new VMSError('STORAGE_IN_USE', `all ${MAX_SLOTS} slots of ${folder} are in use`)
}

/** @returns null if another process has the store */
async function tryOpen(folder: string): Promise<Corestore | null> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new VMSError('STORAGE_BROKEN', `the storage ${folder} cannot be made: ${messageOf(error)}`)
  })
  await checkFolder(folder)
  const store = new Corestore(folder)
  try {
    await store.ready()
    return store
  } catch (error) {
    await store.close().catch(() => {})
    if (/lock/i.test(messageOf(error))) return null
    throw new VMSError('STORAGE_BROKEN', `the storage ${folder} cannot be opened: ${messageOf(error)}`, {
      cause: error
    })
  }
}

// a folder with other things in it is not ours to fill
async function checkFolder(folder: string): Promise<void> {
  const names = await readdir(folder)
  if (names.length > 0 && !names.some(name => name === 'db' || name === 'CORESTORE')) {
    throw new VMSError(
      'STORAGE_BROKEN',
      `${folder} holds other files than a storage of VMS: use an empty folder`
    )
  }
}
