// One VM that two hosts serve from copies of one storage, each with calls of its own: an operator's mistake, or a fraud.

import { cp, rm } from 'node:fs/promises'
import path from 'node:path'
import { mock } from 'node:test'
import Corestore from 'corestore'
import { Client } from '../../lib/client/client.js'
import type { Host } from '../../lib/host/host.js'
import crypto from '../../lib/ledger/crypto.js'
import { ALICE } from './forger.js'
import type { Ground } from './ground.js'
import { SOURCE } from './story.js'

export interface Twins {
  key: Uint8Array
  /** Opens one of the two hosts; each has an address of its own on the network. */
  open: (which: 0 | 1) => Promise<Host>
}

/**
 * Deploys a VM, has it take the calls of `common`, and copies it; then each copy takes its own.
 * @param own what each copy adds
 */
export async function twins(ground: Ground, common: number[], own: [number[], number[]]): Promise<Twins> {
  const folders = [ground.folder(), ground.folder()] as const
  const first = await ground.host(folders[0])
  const { key } = await first.deploy({ source: SOURCE, title: 'twins', owner: ALICE })
  await add(ground, key, common)
  await first.close()
  await cp(folders[0], folders[1], { recursive: true })
  await rm(path.join(folders[1], 'cores', 'CORESTORE'))
  const open = (which: 0 | 1) => apart(() => ground.host(folders[which]))
  for (const which of [0, 1] as const) {
    const host = await open(which)
    await add(ground, key, own[which])
    await host.close()
  }
  return { key, open }
}

/** Calls the host that is there, as somebody who remembers nothing. */
export async function add(ground: Ground, key: Uint8Array, numbers: number[]): Promise<void> {
  if (numbers.length === 0) return
  process.env.XDG_DATA_HOME = ground.folder()
  const client = new Client(key, { bootstrap: ground.bootstrap, identity: ALICE, timeout: 20_000 })
  for (const n of numbers) await client.call('add', n)
  await client.close()
}

// a copied storage has the key of the network too, and one key is found at one place
function apart<T>(open: () => Promise<T>): Promise<T> {
  mock.method(Corestore.prototype, 'createKeyPair', () => Promise.resolve(crypto.keyPair()), { times: 1 })
  return open()
}
