// How long a watch takes that goes on where it was: on a short log and on a long one.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { encodeBlock, type Commit } from '../../lib/ledger/blocks.js'
import crypto from '../../lib/ledger/crypto.js'
import { encodeKey } from '../../lib/ledger/keys.js'
import { advance } from '../../lib/ledger/position.js'
import type { Durability } from '../../lib/machine/durable.js'
import { execute } from '../../lib/machine/execute.js'
import { Transaction } from '../../lib/machine/transaction.js'
import { VMS } from '../helpers/cli.js'
import { Forger, type Forgery } from '../helpers/forger.js'
import type { Ground } from './ground.js'
import { median, row, type Row } from './measure.js'
import type { Settings } from './settings.js'

const NEW_CALLS = 100
const ROUNDS = 9

/** How long a watch takes after so many new calls: on a short log and on a long one, in turns. */
export async function watch(ground: Ground, { blocks }: Settings): Promise<Row[]> {
  const watched: { length: number; vm: Forgery; data: string; times: number[] }[] = []
  for (const length of blocks) {
    const forger = new Forger(ground.path(`host-${length}`), ground.nodes)
    await forger.ready()
    const vm = await forger.vm({ source: SOURCE })
    await vm.init()
    await grow(forger, vm, length)
    await vm.publish()
    const data = ground.path(`watch-${length}`)
    await watchTo(vm, ground.bootstrap, data, length)
    watched.push({ length, vm, data, times: [] })
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const { vm, data, times } of watched) {
      for (let i = 0; i < NEW_CALLS; i++) await vm.call('RSVP', [true, `late ${i}`])
      vm.shown = await vm.head()
      times.push(await watchTo(vm, ground.bootstrap, data, vm.cores.log.length))
    }
  }
  for (const { vm } of watched) await vm.forger.close()
  return watched.map(({ length, times }) => {
    const conditions = `${length} blocks before; the whole process, from its start on; median of ${ROUNDS}`
    return row(`a watch resumed after ${NEW_CALLS} calls`, median(times), 's', conditions)
  })
}

const SOURCE = `exports.init = async () => {}
exports.RSVP = async (isAttending, reason) => {
  await System.files.writeFile('/rsvps/' + System.caller.id + '.json', JSON.stringify({ isAttending, reason }))
}`

/** Makes a log longer, a block a call, by callers who are all different. */
async function grow(forger: Forger, vm: Forgery, length: number): Promise<void> {
  // a commit is durable for those who rely on it, which nobody does here
  const durability = { createAtom: () => forger.store.storage.createAtom() } as unknown as Durability
  const transaction = await Transaction.open(vm.cores, durability)
  while (vm.position.block < length) {
    const seen = await vm.head()
    const count = Math.min(256, length - vm.position.block)
    const requests = await Promise.all(
      Array.from({ length: count }, () => vm.request('RSVP', [true, 'many'], { by: crypto.keyPair(), seen }))
    )
    const { genesis } = vm
    const done = await execute(forger.executor, genesis, vm.position.index, transaction.files, requests)
    for (const one of done) {
      const after = await transaction.appendFiles(one!.changes)
      const { index: first, base, files: before } = vm.position
      const commit: Commit = {
        type: 'commit',
        upgrade: null,
        first,
        base,
        before,
        after,
        records: [one!.record],
        time: 0
      }
      await transaction.appendLog(encodeBlock(commit))
      vm.position = advance(vm.position, commit)
    }
    await transaction.commit()
  }
  await transaction.close()
}

/** Runs a watch, as a user does, until it has verified so many blocks. */
async function watchTo(
  { key }: Forgery,
  bootstrap: string,
  storage: string,
  length: number
): Promise<number> {
  const flags = ['--json', '--bootstrap', bootstrap, '--storage', storage]
  const start = performance.now()
  const stdio = ['ignore', 'pipe', 'ignore'] as const
  const watch = spawn(process.execPath, [VMS, 'audit', '--watch', encodeKey(key), ...flags], {
    stdio: [...stdio]
  })
  const ended = once(watch, 'exit')
  let time = 0
  for await (const line of createInterface({ input: watch.stdout })) {
    const { event, length: reached } = JSON.parse(line) as { event: string; length?: number }
    if (event === 'fraud' || event === 'inconclusive') throw new Error(line)
    if (event !== 'verified' || reached! < length || time > 0) continue
    time = (performance.now() - start) / 1000
    watch.kill('SIGINT')
  }
  await ended
  return time
}
