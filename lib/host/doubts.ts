// Which VMs of a storage may have a longer log than the storage holds, and what is done about it before they are served.

import type { KeyPair } from 'hypercore'
import type { VMSError } from '../errors.js'
import { takeCleanStop } from './clean-stop.js'
import { recover, type RecoveryOptions } from './recovery.js'
import type { Damaged, Registered, Registry } from './registry.js'
import { wasBackedUp } from './vault.js'

/** Takes note that the storage is in use from here on. @returns those to ask peers about */
export async function doubtedOf(storage: string, listed: (Registered | Damaged)[]): Promise<Registered[]> {
  // once there is a backup, another host may have gone on
  const isClean = (await takeCleanStop(storage)) && !(await wasBackedUp(storage))
  return listed.flatMap(one => ('error' in one || (isClean && !one.doubtful) ? [] : [one]))
}

/**
 * Takes back what VMs have lost of their logs.
 * @param wait whether peers are asked
 * @returns why some of them must not be served, by the VM's key as printed
 */
export async function settleDoubts(
  vms: (Registered & { keyPair: KeyPair })[],
  registry: Registry,
  wait = true,
  options: RecoveryOptions
): Promise<Map<string, VMSError>> {
  const lost = new Map<string, VMSError>()
  if (vms.length === 0) return lost
  if (!wait) {
    options.onprogress(
      'peers are not asked whether this disk has lost the end of a log: if it has, two histories will be signed, and ' +
        'nobody will trust the VM again'
    )
    return lost
  }
  const recovered = await recover(
    vms.map(({ keyPair }) => ({ keyPair, length: 0 })),
    options
  )
  for (const [i, { error }] of recovered.entries()) {
    const one = vms[i]
    if (error) lost.set(one.id, error)
    if (one.doubtful !== (error !== null)) await registry.put({ ...one, doubtful: error !== null })
  }
  return lost
}
