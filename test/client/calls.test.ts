import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CallError } from '../../lib/client/errors.js'
import { VMSError } from '../../lib/errors.js'
import type { Service } from '../../lib/host/service.js'
import crypto from '../../lib/ledger/crypto.js'
import { encodeKey } from '../../lib/ledger/keys.js'
import { MAX_REQUEST_BYTES, request } from '../../lib/ledger/request.js'
import { encodeValue } from '../../lib/ledger/values.js'
import type { Host } from '../../lib/host/host.js'
import { Queue } from '../../lib/host/queue.js'
import type { Refusal } from '../../lib/ledger/messages.js'
import type { Replica } from '../../lib/replica/replica.js'
import { local, type Local } from '../helpers/local.js'
import c from 'compact-encoding'

const SOURCE = `
exports.init = async () => { await System.files.writeFile('/owner', System.caller.id) }
exports.echo = (...args) => args
exports.length = text => text.length
exports.write = async (path, text) => { await System.files.writeFile(path, text); return System.vm.index }
exports.fail = async path => { await System.files.writeFile(path, 'gone'); throw Object.assign(new TypeError('no'), { code: 'NO' }) }
exports.add = async () => {
  const count = Number(await System.files.readFile('/count').catch(() => '0')) + 1
  await System.files.writeFile('/count', String(count))
  return count
}
exports.spin = () => { for (;;) /(a|b)*c/.test('ab'.repeat(99)) }
exports.who = () => System.caller.id
`

interface Contract {
  echo(...args: unknown[]): unknown[]
  length(text: string): number
  write(path: string, text: string): number
  fail(path: string): never
  add(): number
  spin(): never
  who(): string
}

describe('calls', () => {
  let net: Local
  let host: Host
  let service: Service

  before(async () => {
    net = await local()
    host = await net.host('host', { watchdog: 7 }) // more with more gas: 1.5 s
    service = await net.deploy(host, SOURCE, { gas: 2 ** 31 - 1 })
  })
  after(() => net.close())

  const client = () => net.client<Contract>(service.key)
  const code = (expected: string) => (error: unknown) => error instanceof VMSError && error.code === expected

  test('a method is called like a function, and its value comes back', async () => {
    const one = client()
    const value = { a: [1, -2.5, null, true, 'ü'], bytes: new Uint8Array([1, 2]) }
    assert.deepEqual(await one.echo(value, undefined), [value, null])
  })

  test('the contract knows the caller by its signature', async () => {
    const identity = crypto.keyPair()
    const one = net.client<Contract>(service.key, { identity })
    assert.equal(await one.who(), encodeKey(identity.publicKey))
  })

  test('what the contract throws is a CallError with its record, and leaves no writes', async () => {
    const one = client()
    await assert.rejects(one.fail('/failed'), error => {
      assert.ok(error instanceof CallError)
      assert.deepEqual(error.thrown, { name: 'TypeError', message: 'no', code: 'NO' })
      assert.ok(error.block > 0)
      return true
    })
    await assert.rejects(one.files.readFile('/failed'), { code: 'ENOENT' })
  })

  test('what a caller has written it reads in the files at once', async () => {
    const one = client()
    await one.write('/folder/mine', 'text')
    assert.equal(await one.files.readFile('/folder/mine'), 'text')
    assert.deepEqual(await one.files.readdir('/folder'), ['mine'])
    assert.deepEqual(await one.files.stat('/folder/mine'), { type: 'file', size: 4 })
  })

  test('a call comes with a receipt that the log confirms', async () => {
    const one = client()
    const { block, index, hash, receipt } = await one.request('write', ['/receipt', 'x'])
    assert.equal(receipt?.block, block)
    assert.equal(receipt?.index, index)
    assert.deepEqual(receipt?.record, hash)
  })

  test('two callers with the same arguments at the same time are two calls', async () => {
    const [a, b] = [client(), client()]
    await Promise.all([a.ready(), b.ready()])
    const counts = await Promise.all([a.add(), b.add(), a.add(), b.add()])
    assert.equal(new Set(counts).size, 4)
  })

  test('a thousand calls in flight from one client each run once', async () => {
    const one = client()
    const start = await one.add()
    const counts = await Promise.all(Array.from({ length: 1000 }, () => one.add()))
    assert.deepEqual(
      counts.sort((a, b) => a - b),
      Array.from({ length: 1000 }, (_, i) => start + 1 + i)
    )
  })

  test('a request that comes several times in one frame runs once', async () => {
    const one = net.plain(service.key)
    await one.call('who')
    const { replica } = one as unknown as { replica: Replica }
    const link = replica.host!
    const send = link.send.bind(link)
    link.send = requests => send(requests.flatMap(request => [request, request, request]))
    const before = service.machine.calls
    await Promise.all(Array.from({ length: 20 }, () => one.call('add')))
    await one.call('who')
    assert.equal(service.machine.calls, before + 21)
  })

  test('a host that has too much to do is asked again, later each time', async t => {
    const one = net.plain(service.key, { timeout: 60_000 })
    await one.call('who')
    const add = t.mock.method(Queue.prototype, 'add', () => {
      if (add.mock.callCount() === 1) add.mock.restore()
      throw new VMSError('BUSY', 'the queue is full', { retry: 300 })
    })
    const refused: (number | null)[] = []
    const { replica } = one as unknown as { replica: Replica }
    replica.on('refusal', ({ code, retry }: Refusal) => refused.push(code === 'BUSY' ? retry : null))
    await one.call('who')
    assert.deepEqual(refused, [300, 300])
  })

  test('calls that are awaited one after the other are logged in that order', async () => {
    const one = client()
    const indexes: number[] = []
    for (let n = 0; n < 5; n++) indexes.push(await one.write('/order', String(n)))
    assert.deepEqual(
      indexes,
      [...indexes].sort((a, b) => a - b)
    )
  })

  test('arguments of exactly the largest size go through, one byte more is refused before it is sent', async () => {
    const one = client()
    const identity = new Uint8Array(32)
    const seen = { length: service.machine.head.length, hash: identity }
    const empty = {
      vm: identity,
      caller: identity,
      method: 'length',
      args: encodeValue(['']),
      id: new Uint8Array(16),
      seen
    }
    // lengths before the text and the arguments take four bytes more once they are large
    const room = MAX_REQUEST_BYTES - c.encode(request, empty).byteLength - 4 - 4
    let size = room
    const fits = (n: number) => c.encode(request, { ...empty, args: encodeValue(['x'.repeat(n)]) }).byteLength
    while (fits(size) < MAX_REQUEST_BYTES) size++
    while (fits(size) > MAX_REQUEST_BYTES) size--
    assert.equal(fits(size), MAX_REQUEST_BYTES)
    assert.equal(await one.length('x'.repeat(size)), size)
    await assert.rejects(one.length('x'.repeat(size + 1)), code('TOO_LARGE'))
  })

  test('what is no value, no method, or init, is a clear error', async () => {
    const one = client()
    await assert.rejects(
      one.echo(() => {}),
      code('INVALID_VALUE')
    )
    await assert.rejects(one.echo(NaN), code('INVALID_VALUE'))
    await assert.rejects(one.call('nothing'), code('NO_SUCH_METHOD'))
    await assert.rejects(one.call('init'), code('NO_SUCH_METHOD'))
    assert.equal(await one.files.readFile('/owner'), encodeKey(service.machine.genesis.owner))
  })

  test('a call that does not end is aborted, not logged, and harms no other', async () => {
    const one = client()
    const before = service.machine.calls
    const results = await Promise.allSettled([one.echo(1), one.spin(), one.echo(2), one.spin(), one.echo(3)])
    assert.deepEqual(
      results.map(result =>
        result.status === 'fulfilled' ? result.value : (result.reason as VMSError).code
      ),
      [[1], 'HOST_ABORTED', [2], 'HOST_ABORTED', [3]]
    )
    assert.equal(service.machine.calls, before + 3)
  })

  test('an AbortSignal and a timeout give up waiting', async () => {
    const one = client()
    await one.who() // it is connected: the time is the call's alone
    await assert.rejects(one.request('echo', [], { signal: AbortSignal.abort() }), code('ABORTED'))
    const controller = new AbortController()
    const waiting = one.request('spin', [], { signal: controller.signal })
    controller.abort()
    await assert.rejects(waiting, code('ABORTED'))
    await assert.rejects(one.request('spin', [], { timeout: 100 }), code('TIMEOUT'))
  })

  test('a VM that nobody hosts is unreachable', async () => {
    const one = net.client(crypto.hash(new Uint8Array([1])), { timeout: 1000 })
    await assert.rejects(one.call('echo'), code('UNREACHABLE'))
  })

  test('a closed client rejects what it waits for', async () => {
    const one = client()
    await one.echo()
    const waiting = assert.rejects(one.spin(), code('CLOSED'))
    await new Promise(resolve => setImmediate(resolve))
    await one.close()
    await waiting
  })
})
