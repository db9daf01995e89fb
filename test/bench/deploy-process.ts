// Deploys a contract many times to a storage. Argument: the job as JSON.

import { readFile } from 'node:fs/promises'
import { Host } from '../../lib/index.js'
import crypto from '../../lib/ledger/crypto.js'

interface Job {
  storage: string
  bootstrap: string[]
  /** file */
  contract: string
  count: number
}

const { storage, bootstrap, contract, count } = JSON.parse(process.argv[2]) as Job
const source = await readFile(contract, 'utf8')
const owner = crypto.keyPair()
const host = new Host({ storage, bootstrap })
await host.ready()
for (let n = 0; n < count; n++) await host.deploy({ source, title: `rsvp ${n}`, owner })
await host.close()
