// An audit as a program asks for it: of a key, with a copy that is made and closed for it.

import { decodeKey } from '../ledger/keys.js'
import { Replica } from '../replica/replica.js'
import type { NetworkOptions } from '../swarm/network.js'
import { dataFolder } from '../user/folders.js'
import { audit as auditReplica, type AuditOptions } from './auditor.js'
import type { AuditResult } from './findings.js'

export interface AuditKeyOptions extends Partial<AuditOptions>, NetworkOptions {
  /** a folder for this audit alone; if not given, one below the user's data folder */
  storage?: string
}

const DEFAULT_TIMEOUT_MS = 30_000

/**
 * Replicates a VM and replays every call.
 * @param key the VM's key, as `vms serve` prints it
 * @throws VMSError INVALID_KEY; UNREACHABLE if neither a peer nor a copy is there
 */
export async function audit(key: string | Uint8Array, options: AuditKeyOptions = {}): Promise<AuditResult> {
  const { bootstrap, relays, storage, timeout = DEFAULT_TIMEOUT_MS, onprogress } = options
  const replica = new Replica(decodeKey(key), { bootstrap, relays, storage, data: dataFolder() })
  try {
    return await auditReplica(replica, { timeout, onprogress })
  } finally {
    await replica.close()
  }
}
