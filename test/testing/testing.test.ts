// vmswarm/testing: a VM in memory, and that it does what a host does.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import {
  CallError,
  FileError,
  testContract,
  VMSError,
  type TestOptions,
  type TestVM
} from '../../lib/testing/index.js'
import { VMSError as ClientError } from '../../lib/errors.js'
import { fixture } from '../helpers/cli.js'
import { ask, commit, filesOf, newMachine, SOURCE } from '../machine/helper.js'

let folder = ''
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'vms-testing-'))
})
after(() => rm(folder, { recursive: true }))

async function made(t: TestContext, source: string, options?: TestOptions): Promise<TestVM> {
  const file = path.join(await mkdtemp(path.join(folder, 'c-')), 'contract.js')
  await writeFile(file, source)
  const vm = await testContract(file, options)
  t.after(() => vm.close())
  return vm
}

/** The error that a promise is rejected with. */
async function errorOf(promise: Promise<unknown>): Promise<VMSError> {
  const error: unknown = await promise.then(
    () => assert.fail('it was not rejected'),
    (error: unknown) => error
  )
  assert.ok(error instanceof ClientError, String(error))
  return error
}

test('callers have names, and what they call is as on a host', async t => {
  const vm = await testContract(fixture('rsvp.js'))
  t.after(() => vm.close())
  const alice = vm.as('alice')
  assert.match(alice.id, /^[ybndrfg8ejkmcpqxot1uwisza345h769]{52}$/)
  assert.equal(await alice.RSVP(true, 'cake'), null)
  await vm.as('bob').RSVP(false)
  assert.deepEqual(
    await vm.files.readdir('/rsvps'),
    [alice.id, vm.as('bob').id].map(id => `${id}.json`).sort()
  )
  assert.deepEqual(JSON.parse(vm.files.get(`/rsvps/${alice.id}.json`)!), {
    who: alice.id,
    isAttending: true,
    reason: 'cake'
  })
  assert.deepEqual(vm.methods, ['RSVP'])
  assert.equal(vm.as('alice'), alice)
})

test('ids follow from names, and the key from the file', async () => {
  const [one, two, other] = await Promise.all([
    testContract(fixture('hello.js')),
    testContract(pathToFileURL(fixture('hello.js'))),
    testContract(fixture('counter.js'))
  ])
  assert.equal(one.as('alice').id, two.as('alice').id)
  assert.notEqual(one.as('alice').id, one.as('bob').id)
  assert.equal(one.id, two.id)
  assert.notEqual(one.id, other.id)
  await Promise.all([one.close(), two.close(), other.close()])
})

test('init runs as the owner, before everything else', async t => {
  const source = `
    exports.init = async () => System.files.writeFile('/init', System.caller.id + System.vm.index + System.vm.key)
    exports.where = async () => [System.vm.index, System.vm.key]`
  const vm = await made(t, source)
  assert.equal(vm.files.get('/init'), `${vm.owner.id}0${vm.id}`)
  assert.deepEqual([vm.last?.method, vm.last?.index], ['init', 0])
  assert.deepEqual(await vm.as('alice').where(), [1, vm.id])
  assert.equal((await made(t, source, { owner: 'alice' })).owner.id, vm.as('alice').id)
  const failed = await errorOf(made(t, "exports.init = () => { throw new Error('no') }\nexports.a = () => 1"))
  assert.deepEqual([failed.code, failed.message], ['INVALID_CONTRACT', 'init failed: no'])
})

test('a contract that a host would not deploy is refused with its place', async t => {
  const error = await errorOf(made(t, 'let n = 0\nexports.a = () => n++'))
  assert.equal(error.code, 'INVALID_CONTRACT')
  assert.match(error.message, /contract\.js:2:19: n is assigned inside a function/)
  assert.equal((await errorOf(testContract(path.join(folder, 'none.js')))).code, 'INVALID_CONTRACT')
})

test('errors are those of a client', async t => {
  const vm = await made(
    t,
    `exports.fail = async () => { throw Object.assign(new RangeError('too far'), { code: 'FAR' }) }
     exports.missing = async () => System.files.readFile('/missing')
     exports.echo = async value => value`
  )
  const alice = vm.as('alice')
  const thrown = await errorOf(alice.fail())
  assert.ok(thrown instanceof CallError)
  const { name, code, message, index, block } = thrown
  assert.deepEqual(
    { name, code, message, index, block, thrown: thrown.thrown },
    {
      name: 'VMSError',
      code: 'CALL_FAILED',
      message: 'too far',
      index: 1,
      block: 2,
      thrown: { name: 'RangeError', message: 'too far', code: 'FAR' }
    }
  )
  assert.match(thrown.stack ?? '', /testing\.test\.js/)
  assert.equal(vm.last?.error, thrown)
  const missing = await errorOf(alice.missing())
  assert.ok(missing instanceof CallError && missing.thrown.code === 'ENOENT')
  assert.equal((await errorOf(alice.echo(() => 1))).code, 'INVALID_VALUE')
  assert.equal((await errorOf(alice.echo('x'.repeat(1024 * 1024 - 550)))).code, 'TOO_LARGE')
  const none = await errorOf(alice.call('none'))
  assert.deepEqual(
    [none.code, none.message],
    ['NO_SUCH_METHOD', 'the contract has no method "none" to call; it has: echo, fail, missing']
  )
  assert.equal((await errorOf(alice.init())).code, 'NO_SUCH_METHOD')
  assert.equal(vm.last?.index, 2, 'what is refused is no call')
  await vm.close()
  assert.equal((await errorOf(alice.echo(1))).code, 'CLOSED')
})

test('a call that throws leaves no writes, and counts', async t => {
  const vm = await made(
    t,
    `exports.write = async fail => {
       await System.files.writeFile('/a', String(System.vm.index))
       if (fail) throw new Error('no')
     }`
  )
  const alice = vm.as('alice')
  await errorOf(alice.write(true))
  assert.deepEqual([vm.files.has('/a'), vm.files.size, vm.last?.writes], [false, 0, []])
  await alice.write(false)
  assert.deepEqual([vm.files.get('a'), vm.last?.index, vm.last?.writes], ['2', 2, ['/a']])
})

test('gas, console and writes of a call are told', async t => {
  const vm = await made(
    t,
    `exports.say = async text => { console.log('said', text); console.warn(1); return text }
     exports.quiet = async () => 1`
  )
  const said = await vm.as('alice').request('say', ['hello'])
  const { gas, ...rest } = said
  assert.ok(Number.isSafeInteger(gas) && gas >= 0)
  assert.deepEqual(rest, {
    index: 1,
    method: 'say',
    caller: vm.as('alice').id,
    value: 'hello',
    error: null,
    console: [
      { level: 'log', text: 'said hello' },
      { level: 'warn', text: '1' }
    ],
    writes: []
  })
  assert.equal(vm.last, said)
  await vm.as('alice').quiet()
  assert.deepEqual(vm.last.console, [])
})

test('calls in flight run one after the other, in the order in which they were made', async t => {
  const vm = await made(
    t,
    `exports.add = async name => {
       let text = ''
       try { text = await System.files.readFile('/list') } catch {}
       await System.files.writeFile('/list', text + name)
     }`
  )
  const list: string[] = ['a']
  const first = vm.as('alice').add(list)
  list[0] = 'changed' // as a client's, arguments are read when the call is made
  await Promise.all([first, ...['b', 'c', 'd'].map(name => vm.as(name).add(name))])
  assert.equal(vm.files.get('/list'), 'abcd')
})

test('limits are those of a deployment, and can be set', async t => {
  const source = `
    exports.write = async size => System.files.writeFile('/a', 'x'.repeat(size))
    exports.make = async size => 'x'.repeat(size)`
  const vm = await made(t, source, { limits: { fileBytes: 10, valueBytes: 20 } })
  const alice = vm.as('alice')
  await alice.write(10)
  const large = await errorOf(alice.write(11))
  assert.ok(large instanceof CallError && large.thrown.code === 'EFBIG')
  const value = await errorOf(alice.make(30))
  assert.ok(value instanceof CallError)
  assert.deepEqual([value.thrown.name, value.thrown.code], ['LimitError', 'LIMIT'])
  const usual = await made(t, source)
  assert.ok((await errorOf(usual.as('alice').write(1024 * 1024 + 1))) instanceof CallError)
})

test('a call that the sandbox stops has not been', async t => {
  const vm = await made(
    t,
    `exports.spin = async () => { for (;;); }
     exports.ok = async () => System.vm.index`,
    { watchdog: 500, limits: { gas: 2 ** 31 - 1 } }
  )
  const [stopped, ok] = await Promise.all([errorOf(vm.as('alice').spin()), vm.as('bob').ok()])
  if (stopped instanceof CallError) assert.equal(ok, 2)
  else assert.deepEqual([stopped.code, ok], ['HOST_ABORTED', 1])
})

test('files are a map, and are read as a client reads them', async t => {
  const vm = await made(
    t,
    `exports.write = async (path, data) => System.files.writeFile(path, data)
     exports.remove = async path => System.files.unlink(path)`
  )
  const alice = vm.as('alice')
  await alice.write('/b/c', 'text')
  await alice.write('/a', new Uint8Array([255, 1]))
  await alice.write('/gone', '')
  await alice.remove('/gone')
  assert.deepEqual([vm.files.size, vm.files.keys()], [2, ['/a', '/b/c']])
  assert.deepEqual(Object.fromEntries(vm.files), { '/a': '\ufffd\u0001', '/b/c': 'text' })
  assert.deepEqual([...vm.files.get('/a', 'binary')!], [255, 1])
  assert.deepEqual([vm.files.get('/gone'), vm.files.has('/b'), vm.files.has('b/c')], [undefined, false, true])
  assert.equal(await vm.files.readFile('/b/c'), 'text')
  assert.deepEqual([...(await vm.files.readFile('/a', 'binary'))], [255, 1])
  assert.deepEqual(await vm.files.readdir('/', { recursive: true }), ['a', 'b/c'])
  assert.deepEqual(await vm.files.stat('/b'), { type: 'directory', size: 0 })
  await assert.rejects(vm.files.readFile('/gone'), (error: unknown) => {
    return error instanceof FileError && error.code === 'ENOENT'
  })
  vm.files.get('/a', 'binary')![0] = 0
  assert.equal(vm.files.get('/a', 'binary')![0], 255)
})

test('a machine that commits to disk comes to the same records', async t => {
  const calls: [method: string, ...args: (string | number)[]][] = [
    ['write', '/a', 'one'],
    ['writeAndThrow', '/b', 'nothing is kept'],
    ['append', '/a', ' two'],
    ['read', '/none'],
    ['remove', '/a'],
    ['writeMany', 1001, 'x'],
    ['make', 600_000],
    ['append', '/c', 'last']
  ]
  const vm = await made(t, SOURCE)
  const { machine } = await newMachine(t)
  for (const [method, ...args] of calls) {
    await vm
      .as('alice')
      .call(method, ...args)
      .catch(() => {})
    const found = vm.last!
    const [[{ record, index }]] = await commit(machine, ask(machine, method, ...args))
    assert.deepEqual([found.method, found.index, found.gas], [method, index, record.gas])
    assert.deepEqual(found.error?.thrown ?? null, record.outcome.ok ? null : record.outcome.error)
    assert.deepEqual(
      found.writes,
      record.writes.map(({ path }) => path)
    )
  }
  const files = { ...(await filesOf(machine)), '/init': vm.owner.id } // there another's
  assert.deepEqual(Object.fromEntries(vm.files), files)
})

test('oracles are what the test says they are', async t => {
  const asked: unknown[] = []
  const source = `
    exports.total = async (...currencies) => {
      let sum = 0
      for (const currency of currencies) sum += await System.oracles.rates.euro(currency)
      return sum
    }
    exports.now = () => System.oracles.clock.now()`
  const vm = await made(t, source, {
    oracles: {
      rates: {
        euro: async currency => {
          asked.push(currency)
          await new Promise(resolve => setTimeout(resolve, 50)) // longer than a sandbox is held for
          if (currency === 'chf') throw Object.assign(new Error('no rate'), { code: 'NO_RATE' })
          return 2
        }
      },
      clock: { now: () => 5 }
    }
  })
  const alice = vm.as('alice') as unknown as { [method: string]: (...args: unknown[]) => Promise<unknown> }
  assert.equal(await alice.total('usd', 'gbp'), 4)
  assert.deepEqual(asked, ['usd', 'gbp'])
  await assert.rejects(alice.total('chf'), (error: unknown) => {
    assert.ok(error instanceof CallError)
    assert.equal(error.thrown.code, 'NO_RATE')
    return true
  })
  assert.equal(await alice.now(), 5)
})

test('a test that forgets to close ends', { timeout: 30_000 }, async () => {
  const file = path.join(folder, 'forgets.mjs')
  const index = new URL('../../lib/testing/index.js', import.meta.url).href
  await writeFile(
    file,
    `import { testContract } from ${JSON.stringify(index)}
const vm = await testContract(${JSON.stringify(fixture('hello.js'))})
console.log(await vm.as('alice').hello('world'))
`
  )
  const { stdout } = await promisify(execFile)(process.execPath, [file])
  assert.equal(stdout, 'hello, world\n')
})

test('await using closes it', async () => {
  const vm = await testContract(fixture('hello.js'))
  await vm[Symbol.asyncDispose]()
  assert.equal((await errorOf(vm.as('alice').hello())).code, 'CLOSED')
})

test('a contract is replaced, and its migrate runs once, or nothing changes', async t => {
  const vm = await made(
    t,
    `exports.init = async () => { await System.files.writeFile('/n', '1') }
exports.old = () => 1`
  )
  const write = async (name: string, source: string) => {
    const file = path.join(await mkdtemp(path.join(folder, 'c-')), name)
    await writeFile(file, source)
    return file
  }
  const failing = await write(
    'bad.js',
    `exports.migrate = async () => { await System.files.writeFile('/n', '5'); throw new Error('no') }`
  )
  assert.equal((await errorOf(vm.upgrade(failing))).code, 'INVALID_CONTRACT')
  assert.equal((await errorOf(vm.upgrade(await write('x.js', 'exports.a = (')))).code, 'INVALID_CONTRACT')
  assert.deepEqual([vm.files.get('/n'), await vm.owner.old()], ['1', 1])
  const next = await write(
    'next.js',
    `exports.migrate = async from => {
  await System.files.writeFile('/n', String(1 + Number(await System.files.readFile('/n'))))
  return [from.length, System.caller.id]
}
exports.get = () => System.files.readFile('/n')`
  )
  const call = await vm.upgrade(next)
  assert.deepEqual([call.method, call.value], ['migrate', [64, vm.owner.id]])
  assert.equal(await vm.as('bob').get(), '2')
  assert.equal((await errorOf(vm.owner.old())).code, 'NO_SUCH_METHOD')
  assert.ok(vm.methods.includes('get'))
})
