// Commits log, database and blobs in one atom, synced before it is acknowledged, with nothing but the stock stack. Prints its
// rates as JSON. Argument: the options as JSON.
//
// Rests on the same private parts of hypercore-storage as lib/machine/durable.ts, and shares no code with it.

import { closeSync, fdatasync, openSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import b4a from 'b4a'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import { randomBytes } from 'hypercore-crypto'
import type { CommitOptions } from './commits.js'
import { rate } from './measure.js'

const FILE_BYTES = 110
const PATH_BYTES = 70

const sync = promisify(fdatasync)
const { folder, seconds, files, logBytes } = JSON.parse(process.argv[2]) as CommitOptions & { folder: string }
const store = new Corestore(folder)
await store.ready()

const cores = ['log', 'db', 'blobs'].map(name => store.get({ name }))
await Promise.all(cores.map(core => core.ready()))

const durable = { wanted: false, number: -1, file: -1 }
const atom = store.storage.createAtom()
const { db: storage } = atom
atom.db = {
  write: options => {
    const batch = storage.write(options)
    return {
      tryPut: (key, value) => batch.tryPut(key, value),
      tryDelete: key => batch.tryDelete(key),
      tryDeleteRange: (start, end) => batch.tryDeleteRange(start, end),
      flush: async () => {
        await batch.flush()
        if (durable.wanted) await syncLog()
      }
    }
  }
}
const [log, db, blobs] = cores.map(core => core.session({ atom }))
await Promise.all([log.ready(), db.ready(), blobs.ready()])
const bee = new Hyperbee(db, {
  keyEncoding: 'utf-8',
  valueEncoding: 'json',
  metadata: { contentFeed: null },
  extension: false,
  sessions: false
})
await bee.ready()

let count = 0
for (let n = 0; n < files; n += 100) {
  await commit(Array.from({ length: Math.min(100, files - n) }, () => pathOf(count++)))
}
durable.wanted = true
const distinct = await rate(seconds, 1, () => commit([pathOf(count++)]))
const same = await rate(seconds, 1, () => commit([pathOf(0)]))
process.stdout.write(JSON.stringify({ distinct, same }))
process.exit(0)

/** A path of a caller, in no order. */
function pathOf(n: number): string {
  const name = b4a.toString(b4a.alloc(32, String(Math.imul(n, 2654435761) >>> 0)), 'hex')
  return `files\0/rsvps/${name}-${n}`.slice(0, PATH_BYTES - String(n).length) + n
}

async function commit(paths: string[]): Promise<void> {
  const { length, byteLength } = blobs
  await blobs.append(paths.map(() => randomBytes(FILE_BYTES)))
  const batch = bee.batch()
  for (const [i, one] of paths.entries()) {
    const blob = {
      blockOffset: length + i,
      blockLength: 1,
      byteOffset: byteLength + i * FILE_BYTES,
      byteLength: FILE_BYTES
    }
    await batch.put(one, { executable: false, linkname: null, blob, metadata: null })
  }
  await batch.flush()
  await log.append(randomBytes(logBytes))
  await atom.flush()
}

/** Syncs the newest write-ahead log: the end of one that was left is synced with the folder. */
async function syncLog(): Promise<void> {
  const wal = await store.storage.db.currentWalFile()
  if (wal.number !== durable.number) {
    const place = path.join(store.storage.path, 'db')
    if (durable.file !== -1) {
      await sync(durable.file)
      closeSync(durable.file)
    }
    durable.file = openSync(path.join(place, path.basename(wal.path)), 'r')
    durable.number = wal.number
    const parent = openSync(place, 'r')
    await sync(parent)
    closeSync(parent)
  }
  await sync(durable.file)
}
