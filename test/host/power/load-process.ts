// A real host under load, with whoever calls it and a copy of its VM: one process and its children, for a trace that has all
// of them in one order. What the callers and the copy have been shown goes to a file, a line each:
//
//   ready KEY                    the host says that the VM is deployed
//   acknowledged INDEX HASH      a call was answered; the hash of its record
//   seen CORE LENGTH             the copy has seen that many blocks of the log, db or blobs
//   stopped                      the host has ended, and is started again
//
//   node load-process.js SETTINGS        (JSON: LoadSettings)

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { openSync, writeSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { VMSClient } from '../../../lib/client/client.js'
import crypto from '../../../lib/ledger/crypto.js'
import { decodeKey } from '../../../lib/ledger/keys.js'
import { FullCopy } from '../../../lib/replica/full-copy.js'
import { Replica } from '../../../lib/replica/replica.js'
import { VMS } from '../../helpers/cli.js'
import { Random } from '../../helpers/random.js'

export interface LoadSettings {
  seed: number
  bootstrap: string
  script: string
  /** the host's */
  storage: string
  marks: string
  /** for everything else */
  folder: string
  /** how many calls each run of the host answers, and what ends it */
  runs: { calls: number; signal: NodeJS.Signals }[]
  /** bytes of the largest files that calls write */
  largest: number
}

interface Contract {
  add(name: string, text: string): number
}

const IN_FLIGHT = 16

const settings = JSON.parse(process.argv[2]) as LoadSettings
const { bootstrap, script, storage, folder, runs, largest } = settings
const random = new Random(settings.seed)
const marks = openSync(settings.marks, 'a')
const mark = (...words: unknown[]) => void writeSync(marks, words.join(' ') + '\n')

async function serve(): Promise<{ host: ChildProcess; key: string }> {
  const identity = path.join(folder, 'owner')
  const flags = [
    '--storage',
    storage,
    '--identity',
    identity,
    '--bootstrap',
    bootstrap,
    '--json',
    '--no-wait'
  ]
  const host = spawn(process.execPath, [VMS, 'serve', script, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const [line] = (await once(createInterface({ input: host.stdout }), 'line')) as [string]
  return { host, key: (JSON.parse(line) as { key: string }).key }
}

async function watch(key: string): Promise<void> {
  const options = { bootstrap: bootstrap.split(','), data: path.join(folder, 'copy') }
  const copy = new FullCopy(new Replica(decodeKey(key), options))
  await copy.ready()
  const { replica } = copy
  replica.log.on('append', () => mark('seen log', replica.log.length))
  void replica
    .until(() => replica.log.length > 1 && replica.log.manifest !== null, 600_000)
    .then(async () => {
      const { db, blobs } = await replica.cores()
      db.on('append', () => mark('seen db', db.length))
      blobs.on('append', () => mark('seen blobs', blobs.length))
    })
}

let { host, key } = await serve()
mark('ready', key)
await watch(key)
const client = new VMSClient<Contract>(key, {
  bootstrap: bootstrap.split(','),
  identity: crypto.keyPair(),
  storage: path.join(folder, 'client'),
  timeout: 120_000
})
const sizes = [20, 200, 2000, largest]
for (const [run, { calls, signal }] of runs.entries()) {
  let left = calls
  const caller = async (lane: number) => {
    while (left-- > 0) {
      const text = String.fromCharCode(97 + random.below(26)).repeat(1 + random.below(random.of(sizes)))
      const { index, hash } = await client.request('add', [`${run}-${lane}-${left}`, text])
      mark('acknowledged', index, Buffer.from(hash).toString('hex'))
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, lane) => caller(lane)))
  host.kill(signal)
  await once(host, 'close')
  mark('stopped')
  if (run < runs.length - 1) ({ host, key } = await serve())
}
process.exit(0) // what is traced takes its time to close, and nothing of it counts
