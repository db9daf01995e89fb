import assert from 'node:assert/strict'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { claimOfHead } from '../../lib/ledger/claims.js'
import { proveFork } from '../../lib/ledger/fork.js'
import { deriveKeys, encodeKey } from '../../lib/ledger/keys.js'
import { sealProof } from '../../lib/ledger/sealed.js'
import {
  headMessage,
  receipt,
  type HeadMessage,
  type Receipt,
  type Signed
} from '../../lib/ledger/statements.js'
import { Memory } from '../../lib/replica/memory.js'
import { hashOf, keyPairOf, Random, temporary, toJSON } from '../ledger/helper.js'
import { RECEIPT } from '../ledger/samples.js'

const KEY = RECEIPT.vm
const vm = keyPairOf(1)

function headAt(length: number, hash = `log at ${length}`): Signed<HeadMessage> {
  return headMessage.sign({ vm: KEY, length, hash: hashOf(hash), time: 1000 + length }, vm)
}

function receiptOf(request: string): Signed<Receipt> {
  return receipt.sign({ ...RECEIPT, request: hashOf(request) }, vm)
}

test('of a VM that was never seen nothing is remembered', async t => {
  const memory = new Memory(await temporary(t), KEY)
  assert.equal(await memory.head(), null)
  assert.deepEqual(await memory.receipts(), [])
})

test('the highest head is remembered, whatever comes later', async t => {
  const folder = await temporary(t)
  const memory = new Memory(folder, KEY)
  for (const [seen, highest] of [
    [5, 5],
    [3, 5],
    [5, 5],
    [9, 9],
    [10, 10],
    [2, 10],
    [100, 100]
  ]) {
    await memory.rememberHead(headAt(seen))
    assert.deepEqual(toJSON(await new Memory(folder, KEY).head()), toJSON(headAt(highest)))
  }
  assert.deepEqual(await readdir(path.join(folder, encodeKey(KEY), 'heads')), ['100'])
})

test('of two heads at one length the first is remembered', async t => {
  const memory = new Memory(await temporary(t), KEY)
  await memory.rememberHead(headAt(5))
  await memory.rememberHead(headAt(5, 'another log'))
  assert.deepEqual(toJSON(await memory.head()), toJSON(headAt(5)))
})

test('many who remember heads at the same time remember the highest', async t => {
  const folder = await temporary(t)
  const random = new Random(1)
  const lengths = Array.from({ length: 50 }, () => 1 + random.int(1000))
  const seen: number[] = []
  await Promise.all(
    lengths.map(async length => {
      const memory = new Memory(folder, KEY)
      await memory.rememberHead(headAt(length))
      const head = await memory.head()
      assert.ok(head && head.length >= length)
      seen.push(head.length)
    })
  )
  assert.equal((await new Memory(folder, KEY).head())?.length, Math.max(...lengths))
  assert.equal(Math.max(...seen), Math.max(...lengths))
})

test('VMs are kept apart', async t => {
  const folder = await temporary(t)
  await new Memory(folder, KEY).rememberHead(headAt(5))
  await new Memory(folder, KEY).rememberReceipt(receiptOf('a'))
  const other = new Memory(folder, hashOf('another VM'))
  assert.equal(await other.head(), null)
  assert.deepEqual(await other.receipts(), [])
})

test('a damaged head is no head, and the next one takes its place', async t => {
  const folder = await temporary(t)
  const heads = path.join(folder, encodeKey(KEY), 'heads')
  const memory = new Memory(folder, KEY)
  await memory.rememberHead(headAt(5))
  await writeFile(path.join(heads, '5'), 'garbage')
  assert.equal(await memory.head(), null)
  await memory.rememberHead(headAt(6))
  assert.equal((await memory.head())?.length, 6)
})

test('a head that cannot be read does not hang who asks for it', async t => {
  const folder = await temporary(t)
  await mkdir(path.join(folder, encodeKey(KEY), 'heads', '5'), { recursive: true })
  assert.equal(await new Memory(folder, KEY).head(), null)
})

test('receipts are kept until they are forgotten', async t => {
  const folder = await temporary(t)
  const memory = new Memory(folder, KEY)
  const [a, b] = [receiptOf('a'), receiptOf('b')]
  await memory.rememberReceipt(a)
  await memory.rememberReceipt(b)
  await memory.rememberReceipt(a)
  assert.deepEqual(requests(await new Memory(folder, KEY).receipts()), requests([a, b]))
  for (const one of await memory.receipts()) assert.ok(receipt.verify(one, vm.publicKey))
  await memory.forgetReceipt(a)
  assert.deepEqual(requests(await memory.receipts()), requests([b]))
  await memory.forgetReceipt(a)
  await memory.forgetReceipt(b)
  assert.deepEqual(await memory.receipts(), [])
})

test('what a process left that was killed while it wrote is no receipt', async t => {
  const folder = await temporary(t)
  const receipts = path.join(folder, encodeKey(KEY), 'receipts')
  const memory = new Memory(folder, KEY)
  const one = receiptOf('a')
  await memory.rememberReceipt(one)
  const [name] = await readdir(receipts)
  await writeFile(path.join(receipts, `.${name}.0123456789ab`), receipt.encode(one))
  await writeFile(path.join(receipts, 'notes.txt'), 'hello')
  assert.equal((await memory.receipts()).length, 1)
  await memory.forgetReceipt(one)
  assert.deepEqual(await memory.receipts(), [])
})

const manifest = deriveKeys(vm.publicKey)

/** The body of a proof that the VM of a key pair has signed two heads of one length. */
function forkOf(by = vm, keys = manifest): Promise<Uint8Array> {
  const claims = ['one', 'two'].map(name =>
    claimOfHead(headMessage.sign({ vm: keys.log, length: 5, hash: hashOf(name), time: 1 }, by))
  )
  return proveFork(keys, { core: 'log', claims: [claims[0], claims[1]] }, () => assert.fail())
}

test('a proof of a fork is kept for all commands', async t => {
  const folder = await temporary(t)
  const memory = new Memory(folder, manifest.log)
  assert.equal(await memory.fork(), null)
  const body = await forkOf()
  const { file } = await memory.rememberFork(body)
  const known = await new Memory(folder, manifest.log).fork()
  assert.deepEqual([known?.file, known?.core, known?.lengths], [file, 'log', [5, 5]])
  assert.deepEqual(toJSON(known!.body), toJSON(body))
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.equal(path.dirname(file), path.join(folder, encodeKey(manifest.log), 'forks'))
})

test('what is no proof, or one about another VM, accuses nobody', async t => {
  const folder = await temporary(t)
  const memory = new Memory(folder, manifest.log)
  const stranger = keyPairOf(9)
  const other = await forkOf(stranger, deriveKeys(stranger.publicKey))
  await assert.rejects(memory.rememberFork(other), /another VM/)
  await assert.rejects(memory.rememberFork(hashOf('x')), /malformed/)
  const forks = path.join(folder, encodeKey(manifest.log), 'forks')
  await mkdir(forks, { recursive: true })
  const damaged = sealProof('fork', await forkOf())
  damaged[100] ^= 1
  for (const [i, bytes] of [sealProof('fork', other), damaged, sealProof('replay', await forkOf())].entries())
    await writeFile(path.join(forks, String(i).repeat(64)), bytes)
  assert.equal(await memory.fork(), null)
  const { file } = await memory.rememberFork(await forkOf())
  assert.equal((await memory.fork())?.file, file)
})

test('nobody else reads what is remembered', async t => {
  const folder = await temporary(t)
  await new Memory(folder, KEY).rememberHead(headAt(5))
  const file = path.join(folder, encodeKey(KEY), 'heads', '5')
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  await rm(file)
})

function requests(list: Signed<Receipt>[]) {
  return list.map(one => toJSON(one.request)).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}
