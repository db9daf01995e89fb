// Where copies of a VM lie. A storage directory admits one process, and many commands of one user may look at the same VM
// at once. The first slot is kept, so that what was read once can be read again offline. Whoever finds it taken gets a slot
// of its own that goes when its process does: its name is never used again, since RocksDB dies if its folder is removed
// while it opens it.

import { randomBytes } from 'node:crypto'
import { chmod, mkdir, open, readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import Corestore from 'corestore'
import { codeOf, messageOf, VMSError } from '../errors.js'
import { syncWay } from '../user/synced.js'

const KEPT = '0'

/** The folder in a host's storage where its store lies. */
export const CORES = 'cores'

/** The file by which a store knows that it is where it was made. */
const MARK = 'CORESTORE'

const MOVED = 'moved'
const OWN = `${hostname().replace(/[^\w.]/g, '_')}-`

export interface OpenStore {
  store: Corestore
  /** whether it goes when it is closed, because another process has the one that is kept */
  temporary?: boolean
  /** Closes the store, and removes it if it is not to be kept. */
  close(): Promise<void>
}

/**
 * Opens a store that this process has for itself.
 * @param storage what the user knows it as
 * @throws VMSError STORAGE_IN_USE, STORAGE_BROKEN
 */
export async function openStore(folder: string, storage = folder): Promise<OpenStore> {
  const store = await tryOpen(folder)
  if (store === null) {
    throw new VMSError(
      'STORAGE_IN_USE',
      `the storage ${storage} is in use by another process: stop it, or use another --storage`
    )
  }
  return { store, close: () => store.close() }
}

/**
 * Opens the store of a storage that a host signs with: after a power cut it is found as it is, its mark too, without which it
 * would pass for one that was moved.
 * @throws VMSError STORAGE_IN_USE, STORAGE_BROKEN
 */
export async function openOwnStore(storage: string): Promise<OpenStore> {
  const folder = path.join(storage, CORES)
  const opened = await openStore(folder, storage)
  try {
    const mark = await open(path.join(folder, MARK), 'r')
    await mark.sync().finally(() => mark.close())
    await syncWay(folder)
    return opened
  } catch (error) {
    await opened.close()
    throw new VMSError('STORAGE_BROKEN', `the storage ${folder} cannot be kept: ${messageOf(error)}`)
  }
}

/** Opens the first slot below `folder`, or if somebody has it, one that is removed when it is closed. */
export async function openSlot(folder: string): Promise<OpenStore> {
  const kept = await tryOpenCopy(path.join(folder, KEPT))
  if (kept !== null) return { store: kept, close: () => kept.close() }
  await removeAbandoned(folder)
  const place = path.join(folder, `${OWN}${process.pid}-${randomBytes(6).toString('hex')}`)
  const { store } = await openStore(place)
  return {
    store,
    temporary: true,
    close: async () => {
      await store.close()
      await rm(place, { recursive: true, force: true })
    }
  }
}

// slots of processes of this machine that were killed
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [pid] = name.startsWith(OWN) ? name.slice(OWN.length).split('-') : []
    if (pid === undefined || isRunning(Number(pid))) continue
    await rm(path.join(folder, name), { recursive: true, force: true }).catch(() => {}) // somebody else does it too
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) !== 'ESRCH'
  }
}

// Two processes that make a store at once may leave behind the mark of one that was moved. A copy signs nothing, so it can be
// taken for what it is.
async function tryOpenCopy(folder: string): Promise<Corestore | null> {
  try {
    return await tryOpen(folder)
  } catch (error) {
    if (!(error instanceof VMSError) || error.cause !== MOVED) throw error
    await rm(path.join(folder, MARK), { force: true })
    return tryOpen(folder)
  }
}

/** @returns null if another process has the store */
async function tryOpen(folder: string): Promise<Corestore | null> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await checkFolder(folder)
    await chmod(folder, 0o700) // private keys lie in it
  } catch (error) {
    if (error instanceof VMSError) throw error
    throw new VMSError('STORAGE_BROKEN', `the storage ${folder} cannot be made: ${messageOf(error)}`)
  }
  const store = new Corestore(folder)
  try {
    await store.ready()
    return store
  } catch (error) {
    await store.close().catch(() => {})
    if (/lock/i.test(messageOf(error))) return null
    if (/moved unsafely|was modified|different platform/i.test(messageOf(error))) {
      throw new VMSError(
        'STORAGE_BROKEN',
        `the storage ${folder} was copied or moved: if no other copy of it will ever be served, which would fork its VMs, ` +
          `remove ${path.join(folder, MARK)} and start again`,
        { cause: MOVED }
      )
    }
    throw new VMSError('STORAGE_BROKEN', `the storage ${folder} cannot be opened: ${messageOf(error)}`, {
      cause: error
    })
  }
}

// a folder with other things in it is not ours to fill
async function checkFolder(folder: string): Promise<void> {
  const names = await readdir(folder)
  if (names.length > 0 && !names.some(name => name === 'db' || name === MARK)) {
    throw new VMSError(
      'STORAGE_BROKEN',
      `${folder} holds other files than a storage of VMS: use an empty folder`
    )
  }
}
