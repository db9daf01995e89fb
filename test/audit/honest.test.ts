// No false accusation: whatever callers, contracts and restarts do to an honest host, its log is verified. The histories are
// random, from a seed that is printed where one fails. VMS_TEST_RUNS asks for more of them (VMS_TEST_FULL for 30),
// VMS_TEST_SEED for one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import b4a from 'b4a'
import { VMSClient } from '../../lib/client/client.js'
import { CallError } from '../../lib/client/errors.js'
import type { Host } from '../../lib/host/host.js'
import crypto from '../../lib/ledger/crypto.js'
import { encodeKey } from '../../lib/ledger/keys.js'
import { codeOf, messageOf } from '../../lib/errors.js'
import { RUNTIME } from '../../lib/machine/runtime.js'
import { Ground } from '../helpers/ground.js'
import { Random } from '../helpers/random.js'

const ground = await Ground.open()

const SOURCE = `
exports.init = async () => { await System.files.writeFile('/count', '0') }
exports.count = async n => {
  const count = Number(await System.files.readFile('/count')) + n
  await System.files.writeFile('/count', String(count))
  return { count, who: System.caller.id, index: System.vm.index, vm: System.vm.key }
}
exports.write = async (path, data) => { await System.files.writeFile(path, data) }
exports.big = async (path, size, fill) => { await System.files.writeFile(path, new Uint8Array(size).fill(fill)) }
exports.read = async (path, encoding) => System.files.readFile(path, encoding)
exports.remove = async path => { await System.files.unlink(path) }
exports.clear = async path => { await System.files.rmdir(path, { recursive: true }) }
exports.list = async path => [await System.files.readdir(path), await System.files.readdir(path, { recursive: true })]
exports.both = async path => {
  await System.files.writeFile(path, 'a')
  await System.files.unlink(path)
  return System.files.stat('/count')
}
exports.many = async n => {
  for (let i = 0; i < n; i++) await System.files.writeFile('/many/' + i, String(i))
  return n
}
exports.echo = value => value
exports.fail = async (name, code) => {
  await System.files.writeFile('/never', 'x')
  throw Object.assign(new TypeError(name), { code })
}
exports.never = () => new Promise(() => {})
exports.spin = () => { for (;;); }
exports.down = () => { const down = n => down(n + 1) + 1; return down(0) }
exports.deep = () => { throw new RangeError('Maximum call stack size exceeded') }
`

const LIMITS = { fileBytes: 300_000, writes: 20, valueBytes: 2000, writeBytes: 500_000, window: 64 }

const PATHS = [
  '/a',
  '/a/b',
  '/a/c',
  '/b',
  '/b/ü',
  '/b/😀',
  '/b/\uffff',
  'c',
  '/d/e/f/g',
  '/count',
  '/../x',
  '/',
  '/x//y',
  '/many'
]

function call(random: Random): [method: string, ...args: unknown[]] {
  const path = random.of(PATHS)
  return random.of<() => [string, ...unknown[]]>([
    () => ['count', random.below(10)],
    () => ['write', path, 'x'.repeat(random.below(40))],
    () => ['write', path, b4a.alloc(random.below(3), random.below(256))],
    () => ['write', path, random.of([null, 5, {}])],
    () => ['big', path, random.of([0, 65_535, 65_536, 65_537, 200_000, 400_000]), random.below(256)],
    () => ['read', path, random.of(['utf8', 'binary', 'latin1'])],
    () => ['remove', path],
    () => ['clear', random.of(['/', '/a', '/b', '/many', path])],
    () => ['list', random.of(['/', '/a', '/b', '/d'])],
    () => ['both', path],
    () => ['many', random.of([3, 19, 21])],
    () => [
      'echo',
      random.of([null, -0, 1.5, [1, [2, { a: '😀' }]], { z: 1, a: 2, __proto__: null }, b4a.alloc(5)])
    ],
    () => ['echo', 'y'.repeat(random.of([100, 1900, 2100, 20_000, 70_000]))],
    () => ['fail', random.of(['', 'no', 'é'.repeat(600)]), random.of([undefined, 'CODE', 5])],
    () => ['never'],
    () => ['spin'],
    () => ['down']
  ])()
}

const KILLED: [string][] = [['deep']]

const { icu } = RUNTIME

async function run(seed: number): Promise<void> {
  const random = new Random(seed)
  const storage = ground.folder()
  const callers = [0, 1, 2].map(i => crypto.keyPair(b4a.alloc(32, seed * 4 + i + 1)))
  let host: Host = await ground.host(storage)
  const { key } = await host.deploy({
    source: SOURCE,
    title: `run ${seed}`,
    owner: callers[0],
    limits: LIMITS
  })
  const clients = callers.map(identity =>
    ground.keep(new VMSClient(key, { bootstrap: ground.bootstrap, identity, storage: ground.folder() }))
  )
  const rounds = 2 + random.below(3)
  for (let round = 0; round < rounds; round++) {
    const calls = Array.from({ length: 5 + random.below(20) }, () => call(random))
    if (random.below(3) === 0) calls.splice(random.below(calls.length), 0, random.of(KILLED))
    const answers = await Promise.allSettled(
      calls.map(([method, ...args]) => random.of(clients).call(method, ...args))
    )
    for (const [i, answer] of answers.entries()) {
      const killed = KILLED.some(([method]) => method === calls[i][0])
      if (killed) assert.equal(answer.status === 'rejected' && codeOf(answer.reason), 'HOST_ABORTED')
      else if (answer.status === 'rejected')
        assert.ok(answer.reason instanceof CallError, String(answer.reason))
    }
    if (random.below(2) === 0) {
      await host.close()
      // the host comes back on another runtime: it logs that, and the results are the same
      if (random.below(2) === 0) RUNTIME.icu = `${icu}.${round}`
      host = await ground.host(storage)
    }
  }
  await Promise.all(clients.map(client => client.close()))
  RUNTIME.icu = icu
  const result = await ground.audit(key)
  await host.close()
  const { calls, checked, ...rest } = result
  assert.deepEqual(
    [result.verdict, checked],
    ['verified', calls],
    `${encodeKey(key)}: ${JSON.stringify(rest)}`
  )
}

/** @returns how many histories were verified */
export async function runs(count: number, from: number): Promise<number> {
  for (let seed = from; seed < from + count; seed++) {
    try {
      await run(seed)
    } catch (error) {
      RUNTIME.icu = icu
      throw new Error(`seed ${seed} fails (VMS_TEST_SEED=${seed} repeats it): ${messageOf(error)}`, {
        cause: error
      })
    }
  }
  return count
}

const { VMS_TEST_FULL, VMS_TEST_RUNS = VMS_TEST_FULL ? '30' : '4', VMS_TEST_SEED } = process.env
const count = VMS_TEST_SEED === undefined ? Number(VMS_TEST_RUNS) : 1

test(`${count} random histories of an honest host are verified`, async () => {
  assert.equal(await runs(count, Number(VMS_TEST_SEED ?? 1)), count)
})
