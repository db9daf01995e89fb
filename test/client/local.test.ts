// Methods that run at the client: what they come to, how they end, and what a host that lies can make of them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import b4a from 'b4a'
import { VMSClient, type ClientOptions } from '../../lib/client/client.js'
import { CallError } from '../../lib/client/errors.js'
import type { Commit, Genesis } from '../../lib/ledger/blocks.js'
import crypto from '../../lib/ledger/crypto.js'
import { encodeKey } from '../../lib/ledger/keys.js'
import { sharedPool } from '../../lib/sandbox/pool.js'
import { ALICE, type Forgery, type VMOptions } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'
import { SOURCE, tell, type Story } from '../helpers/story.js'
import { isCode } from '../machine/helper.js'

const ground = await Ground.open()
const forger = await ground.forger()

interface Contract {
  add(n: number): number
  write(path: string, data: string): void
  get(path: string): string
  list(path: string): string[]
  fail(): void
  echo<T>(value: T): T
  where(): [string, number, string]
  deep(): void
}

function client(key: Uint8Array, options: ClientOptions = {}): VMSClient<Contract> {
  const { bootstrap } = ground
  const storage = ground.folder()
  return ground.keep(
    new VMSClient<Contract>(key, { bootstrap, storage, identity: ALICE, timeout: 20_000, ...options })
  )
}

async function published(options: Partial<VMOptions> = {}, story: Story = {}): Promise<Forgery> {
  const vm = await forger.vm({ source: SOURCE, ...options })
  await tell(vm, story)
  await vm.publish()
  return vm
}

test('a method runs on the newest files, as the call that would come next, and writes for itself alone', async () => {
  const vm = await published()
  const { local, files, id } = client(vm.key)
  const sum: number = await local.add(5)
  assert.equal(sum, 15)
  assert.deepEqual(await local.where(), [id, 8, encodeKey(ALICE.publicKey)])
  await local.write('/new', 'x')
  assert.deepEqual(await local.list('/'), ['n'])
  assert.equal(await files.readFile('/n'), '10')
  const { value, block, hash, gas, age, online } = await local.request('add', [1])
  assert.deepEqual([value, block, online], [11, 5, true])
  assert.deepEqual(hash, (await vm.head()).hash)
  assert.ok(gas > 0 && age !== null && age >= 0)
  assert.equal(vm.cores.log.length, 6)
})

test('the gas and the outcome are those of the host', async () => {
  const vm = await published()
  const { gas, value } = await client(vm.key).local.request('add', [3])
  const [{ gas: logged, outcome }] = (await vm.call('add', [3])).records
  assert.deepEqual([gas, value], [logged, 13])
  assert.ok(outcome.ok)
})

test('it follows the log, and answers many at once', async () => {
  const vm = await published()
  const { local } = client(vm.key)
  assert.deepEqual(await Promise.all([1, 2, 3, 4, 5].map(n => local.add(n))), [11, 12, 13, 14, 15])
  await vm.call('add', [90])
  for (;;) {
    const { block, value } = await local.request('get', ['/n'])
    if (block === 5) continue
    assert.deepEqual([block, value], [6, '100'])
    return
  }
})

test('what the contract throws is a CallError without an index', async () => {
  const vm = await published()
  const { local } = client(vm.key)
  await assert.rejects(local.fail(), error => {
    assert.ok(error instanceof CallError)
    assert.deepEqual(
      [error.thrown.name, error.message, error.index, error.block],
      ['TypeError', 'nope', null, 5]
    )
    return true
  })
  await assert.rejects(
    local.get('/nope'),
    error => error instanceof CallError && error.thrown.code === 'ENOENT'
  )
})

test('what cannot be called, or cannot be sent, cannot be run', async () => {
  const vm = await published()
  const { local } = client(vm.key)
  await assert.rejects(local.call('init'), isCode('NO_SUCH_METHOD'))
  await assert.rejects(local.call('nope'), isCode('NO_SUCH_METHOD'))
  await assert.rejects(local.call('toString'), isCode('NO_SUCH_METHOD'))
  await assert.rejects(local.echo(NaN), isCode('INVALID_VALUE'))
  await assert.rejects(local.echo('x'.repeat(1024 * 1024 - 100)), isCode('TOO_LARGE'))
})

test('a call that does not end is stopped, and the next one runs', async () => {
  const vm = await published()
  const { local } = client(vm.key)
  await assert.rejects(local.deep(), isCode('KILLED'))
  assert.equal(await local.echo(1), 1)
})

const ENDLESS = `exports.endless = () => { for (;;); }\nexports.one = () => 1`

test('a timeout and a signal end what computes, and nothing else', async () => {
  const vm = await forger.vm({ source: ENDLESS, genesis: ({ limits }) => void (limits.gas = 2 ** 31 - 1) })
  await vm.init()
  await vm.publish()
  const { local } = client(vm.key)
  assert.equal(await local.call('one'), 1)
  const aborted = new AbortController()
  const running = local.request('endless', [], { signal: aborted.signal })
  const late = local.request('endless', [], { timeout: 700 })
  const computing = await new Promise<number[]>(resolve =>
    setTimeout(() => {
      resolve(sharedPool().pids)
      aborted.abort()
    }, 300)
  )
  await assert.rejects(running, isCode('ABORTED'))
  await assert.rejects(late, isCode('TIMEOUT'))
  // what computes ends with its process
  assert.ok(computing.some(pid => !sharedPool().pids.includes(pid)))
  await assert.rejects(local.request('one', [], { signal: aborted.signal }), isCode('ABORTED'))
  assert.equal(await local.call('one'), 1)
})

test('a client that is closed ends what it runs', async () => {
  const vm = await forger.vm({ source: ENDLESS, genesis: ({ limits }) => void (limits.gas = 2 ** 31 - 1) })
  await vm.init()
  await vm.publish()
  const closing = client(vm.key)
  assert.equal(await closing.local.call('one'), 1)
  const running = assert.rejects(closing.local.call('endless'), isCode('CLOSED'))
  assert.equal(await closing.local.call('one'), 1) // the other one runs by then
  await closing.close()
  await running
  await assert.rejects(closing.local.call('one'), isCode('CLOSED'))
})

test('without peers and without a copy there is nothing to run', async () => {
  const { local } = client(crypto.randomBytes(32), { timeout: 500 })
  await assert.rejects(local.call('get'), isCode('UNREACHABLE'))
})

test('files that nobody sends: not available, and soon', async () => {
  const other = await ground.forger()
  const vm = await other.vm({ source: SOURCE })
  await tell(vm)
  for (const name of ['/x', '/y', '/z']) await vm.call('write', [name, name])
  await other.withhold(vm, 'blobs', vm.cores.blobs.length - 2)
  await vm.publish()
  const { local } = client(vm.key, { timeout: 3000 })
  assert.equal(await local.get('/z'), '/z')
  const begun = performance.now()
  await assert.rejects(local.get('/y'), isCode('NOT_AVAILABLE'))
  assert.ok(performance.now() - begun < 6000)
})

const genesis = (lie: (genesis: Genesis) => void): Partial<VMOptions> => ({ genesis: lie })

const LIES: { [name: string]: [Partial<VMOptions>, code: Parameters<typeof isCode>[0]] } = {
  'another source than its hash says': [genesis(one => void (one.sourceHash = b4a.alloc(32, 7))), 'BAD_HOST'],
  'the key of other files': [genesis(one => void (one.files = b4a.alloc(32, 7))), 'BAD_HOST'],
  'limits above what there may be': [genesis(one => void (one.limits.gas = 2 ** 40)), 'BAD_HOST'],
  'an engine that is not there': [genesis(one => void (one.engine = 99)), 'UNKNOWN_ENGINE'],
  'a contract larger than one can be': [
    genesis(one => {
      one.source = `${SOURCE}//${'x'.repeat(512 * 1024)}`
      one.sourceHash = crypto.hash(b4a.from(one.source))
    }),
    'BAD_HOST'
  ]
}

for (const [name, [options, code]] of Object.entries(LIES)) {
  test(`a genesis with ${name} is refused`, async () => {
    const vm = await forger.vm({ source: SOURCE, ...options })
    await vm.init()
    await vm.publish()
    await assert.rejects(client(vm.key).local.get('/n'), isCode(code))
  })
}

test('a method that the contract does not have is an error of the call', async () => {
  const vm = await published(genesis(one => void (one.methods = [...one.methods, 'zzz'])))
  await assert.rejects(
    client(vm.key).local.call('zzz'),
    error => error instanceof CallError && error.thrown.code === 'NO_SUCH_METHOD'
  )
})

const commits: { [name: string]: [(commit: Commit) => void, code: Parameters<typeof isCode>[0]] } = {
  'an index beyond all numbers': [commit => void (commit.first = Number.MAX_SAFE_INTEGER), 'BAD_HOST'],
  'other files than those that are signed': [
    commit => void (commit.after.db.hash = b4a.alloc(32, 7)),
    'FRAUD'
  ],
  'files that will never be there': [commit => void (commit.after.db.length = 2 ** 40), 'NOT_AVAILABLE']
}

for (const [name, [lie, code]] of Object.entries(commits)) {
  test(`a commit with ${name} is refused`, async () => {
    const vm = await published({}, { lies: { 5: { commit: lie } } })
    await assert.rejects(client(vm.key, { timeout: 3000 }).local.get('/n'), isCode(code))
  })
}
