// What a copy of a VM is given: where it lies, and how it meets others.

import type Corestore from 'corestore'
import { encodeKey } from '../ledger/keys.js'
import type { NetworkOptions } from '../swarm/network.js'
import type { Swarm } from '../swarm/swarm.js'
import { openSlot, openStore, type OpenStore } from './slot.js'

export interface ReplicaOptions extends NetworkOptions {
  /** a folder for this copy alone; else a slot below `data` */
  storage?: string
  /** the user's data folder */
  data: string
  /** whether others are to find this copy, and get from it what it has */
  announce?: boolean
  /** what several copies share, instead of a store and a swarm of their own: whoever made it replicates it, and closes it */
  shared?: Shared
}

export interface Shared {
  store: Corestore
  swarm: Swarm
}

/** Opens the store of a copy. @throws VMSError STORAGE_IN_USE, STORAGE_BROKEN */
export async function openPlace(
  key: Uint8Array,
  { storage, data, shared }: ReplicaOptions
): Promise<OpenStore> {
  if (shared) return { store: shared.store, close: () => Promise.resolve() }
  const id = encodeKey(key)
  if (storage !== undefined) return openStore(`${storage}/copies/${id}`)
  return openSlot(`${data}/copies/${id}`)
}
