// A VM on a real Corestore with a real executor, in a folder that goes away.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import Corestore from 'corestore'
import type { KeyPair } from 'hypercore'
import { VMSError } from '../../lib/errors.js'
import { FilesReader } from '../../lib/files/system.js'
import { FileTree } from '../../lib/files/filetree.js'
import { decodeBlock, type Block, type Commit, type Limits } from '../../lib/ledger/blocks.js'
import crypto from '../../lib/ledger/crypto.js'
import { deriveKeys } from '../../lib/ledger/keys.js'
import type { FilesState, Head } from '../../lib/ledger/encoding.js'
import type { Record } from '../../lib/ledger/record.js'
import { signRequest, type Request, type CheckedRequest } from '../../lib/ledger/request.js'
import { decodeValue, encodeValue, type Value } from '../../lib/ledger/values.js'
import { closeCores, openOwnCores } from '../../lib/machine/cores.js'
import { Durability } from '../../lib/machine/durable.js'
import { NO_ORACLES } from '../../lib/machine/oracles.js'
import { genesisOf, requestInit } from '../../lib/machine/genesis.js'
import { Machine, type Appended, type Committed, type MachineContext } from '../../lib/machine/machine.js'
import { stateOf } from '../../lib/machine/transaction.js'
import { headOf } from '../../lib/machine/tree.js'
import { Executor } from '../../lib/sandbox/executor.js'
import { keyPairOf, temporary } from '../ledger/helper.js'

export const VM = keyPairOf(1)
export const OWNER = keyPairOf(2)
export const CALLER = keyPairOf(3)

/** What the tests of the machine call. */
export const SOURCE = `
exports.init = async () => { await System.files.writeFile('/init', System.caller.id) }
exports.write = async (path, data) => { await System.files.writeFile(path, data); return System.vm.index }
exports.writeMany = async (count, data) => {
  for (let i = 0; i < count; i++) await System.files.writeFile('/many/' + i, data)
}
exports.read = async path => System.files.readFile(path)
exports.remove = async path => { await System.files.unlink(path) }
exports.size = async data => data.length
exports.make = async size => 'x'.repeat(size)
exports.writeAndThrow = async (path, message) => {
  await System.files.writeFile(path, 'never')
  await System.files.unlink('/init')
  throw Object.assign(new Error(message), { code: 'NO' })
}
exports.writeAndLoop = async path => { await System.files.writeFile(path, 'never'); for (;;) /(a|b)*c/.test('ab'.repeat(99)) }
exports.append = async (path, line) => {
  let text = ''
  try { text = await System.files.readFile(path) } catch (error) { if (error.code !== 'ENOENT') throw error }
  await System.files.writeFile(path, text + line)
  return System.vm.index
}
`
export const METHODS = [
  'append',
  'init',
  'make',
  'read',
  'remove',
  'size',
  'write',
  'writeAndLoop',
  'writeAndThrow',
  'writeMany'
]

/** A store with what a machine needs. */
export interface Place extends MachineContext {
  folder: string
  close(): Promise<void>
}

// one for all tests of a file; its process ends by itself soon after the last call
const shared = new Executor({ idle: 200 })

/** The gas of calls that are to be given up, and not to run out of gas before. */
export const MUCH_GAS = 2 ** 31 - 1

/** An executor that gives up calls soon, in a second if they have so much gas. */
export function impatient(): Executor {
  return new Executor({ idle: 200, watchdog: 5 })
}

export async function openPlace(folder: string, executor = shared): Promise<Place> {
  const store = new Corestore(folder)
  await store.ready()
  const durability = new Durability(store)
  const close = async () => {
    await durability.close()
    await store.close()
  }
  const openOracles = () => Promise.resolve({ ...NO_ORACLES, close: () => Promise.resolve() })
  return { folder, store, durability, executor, openOracles, close }
}

export async function newPlace(t: TestContext, executor?: Executor): Promise<Place> {
  const place = await openPlace(await temporary(t), executor)
  t.after(() => place.close())
  return place
}

export async function deploy(
  place: Place,
  { source = SOURCE, methods = METHODS, limits = {} } = {}
): Promise<void> {
  const keys = deriveKeys(VM.publicKey)
  const genesis = genesisOf({ source, methods, title: 'test', limits }, keys.db, OWNER.publicKey)
  await Machine.deploy(place, VM, genesis, requestInit(genesis, keys.log, OWNER))
}

export async function openMachine(t: TestContext, place: Place): Promise<Machine> {
  const machine = new Machine(place, VM)
  await machine.ready()
  t.after(() => machine.close())
  return machine
}

/** A deployed VM. */
export async function newMachine(
  t: TestContext,
  options: { limits?: Partial<Limits>; executor?: Executor } = {}
): Promise<{ machine: Machine; place: Place }> {
  const place = await newPlace(t, options.executor)
  await deploy(place, { limits: options.limits })
  return { machine: await openMachine(t, place), place }
}

/** A signed request that builds on the machine's head. */
export function ask(machine: Machine, method: string, ...args: Value[]): CheckedRequest {
  return askWith(machine, method, encodeValue(args))
}

export function askWith(
  machine: Machine,
  method: string,
  args: Uint8Array,
  keyPair: KeyPair = CALLER
): CheckedRequest {
  const request: Request = {
    vm: machine.key,
    caller: keyPair.publicKey,
    method,
    args,
    id: crypto.randomBytes(16),
    seen: machine.head
  }
  return { request, signed: signRequest(request, keyPair) }
}

/** Commits a batch. @returns what it logged, block by block */
export async function commit(machine: Machine, ...requests: CheckedRequest[]): Promise<Committed[][]> {
  const blocks: Committed[][] = []
  assert.deepEqual(await commitAll(machine, requests, committed => blocks.push(committed)), [])
  return blocks
}

/** Commits a batch; resolves once what it logged is durable. */
export async function commitWhole(
  machine: Machine,
  requests: CheckedRequest[],
  oncommit: (committed: Committed[]) => void
): Promise<Appended> {
  const appended = await machine.commit(requests, oncommit)
  await appended.written
  return appended
}

/** Commits all of the requests, in as many batches as it takes; @returns those that were killed. */
export async function commitAll(
  machine: Machine,
  requests: CheckedRequest[],
  oncommit: (committed: Committed[]) => void
): Promise<CheckedRequest[]> {
  const all: CheckedRequest[] = []
  for (let left = requests; left.length > 0;) {
    const { killed, rest } = await commitWhole(machine, left, oncommit)
    all.push(...killed)
    left = rest
  }
  return all
}

export async function blockAt(machine: Machine, number: number): Promise<Block> {
  return decodeBlock((await machine.cores.log.get(number))!)
}

export async function commitAt(machine: Machine, number: number): Promise<Commit> {
  const block = await blockAt(machine, number)
  assert.equal(block.type, 'commit')
  return block
}

/** A value, or the code of the error. */
export function outcomeOf({ outcome }: Record): Value {
  return outcome.ok ? decodeValue(outcome.value) : outcome.error.code
}

/** Every file as it is committed. */
export async function filesOf(machine: Machine): Promise<{ [path: string]: string }> {
  const files = new FilesReader(new FileTree(machine.cores.db, machine.cores.blobs))
  const found: { [path: string]: string } = {}
  for (const name of await files.readdir('/', { recursive: true })) {
    found['/' + name] = Buffer.from(await files.readFile('/' + name)).toString()
  }
  return found
}

/** What the store holds of the VM, without a machine. */
export async function coresOf(place: Place): Promise<{ log: Head; files: FilesState }> {
  const cores = await openOwnCores(place.store, VM)
  try {
    return { log: await headOf(cores.log), files: await stateOf(cores.db, cores.blobs) }
  } finally {
    await closeCores(cores)
  }
}

export function isCode(code: string) {
  return (error: unknown) => {
    assert.ok(error instanceof VMSError, String(error))
    assert.equal(error.code, code, error.message)
    return true
  }
}
