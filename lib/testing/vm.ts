// A VM in memory: the sandbox of a host and what a host makes of a call, without log, disk and network.

import { fileURLToPath } from 'node:url'
import type { KeyPair } from 'hypercore'
import type { AnyContract } from '../client/client.js'
import { checkSize, encodeArguments } from '../client/arguments.js'
import { CallError } from '../client/errors.js'
import { VMSError } from '../errors.js'
import { Overlay } from '../files/overlay.js'
import type { Genesis, Limits } from '../ledger/blocks.js'
import { checkMethod, INIT, methodsToCall } from '../ledger/contract.js'
import crypto from '../ledger/crypto.js'
import { deriveKeys, encodeKey } from '../ledger/keys.js'
import { signRequest, type CheckedRequest } from '../ledger/request.js'
import { decodeValue, encodeValue, type Value } from '../ledger/values.js'
import { execute, unexported, type Executed } from '../machine/execute.js'
import { genesisOf } from '../machine/genesis.js'
import { LiveOracles, oracleOf, type Oracle } from '../oracles/index.js'
import { bundle } from '../sandbox/bundle.js'
import { Executor } from '../sandbox/executor.js'
import { inspect, refuse } from '../sandbox/findings.js'
import { compareUTF8 } from '../utf8.js'
import { keyPairOf, makeCaller, type TestCaller, type TestedCall, type TestLine } from './caller.js'
import { EMPTY, TestFiles } from './files.js'

export interface TestOptions {
  /** What a call may use, where it shall differ from what a host deploys with. */
  limits?: Partial<Limits>
  /** The name of who deploys, and so calls `init`; 'owner' if not given. */
  owner?: string
  /** ms that a call may compute, 5,000 if not given */
  watchdog?: number
  /** APIs below `System.oracles`, by name: what their methods return is what the contract gets */
  oracles?: { [name: string]: { [method: string]: (...inputs: Value[]) => Value | Promise<Value> } }
}

/** Files in memory have no key. */
const NO_FILES = new Uint8Array(32)

/** A test that forgets to close ends nevertheless: the sandbox rests after so many ms. */
const IDLE_MS = 1000

export class TestVM<Contract = AnyContract> {
  /** The VM's key, `System.vm.key`: the same for the same file name. */
  readonly id: string
  /** Names of the methods that can be called. */
  readonly methods: string[]
  readonly files: TestFiles
  /** The last call that ended, `init` among them. */
  last: TestedCall | null = null
  private readonly key: Uint8Array
  private readonly tree = new Overlay(EMPTY)
  private readonly callers = new Map<string, TestCaller<Contract>>()
  private index = 0
  private lines: TestLine[] = []
  private turn: Promise<unknown> = Promise.resolve()

  /** Use `testContract`. */
  constructor(
    private readonly executor: Executor,
    private readonly genesis: Genesis,
    private readonly oracles: LiveOracles,
    private readonly ownerName: string
  ) {
    this.key = deriveKeys(keyPairOf(`vm/${genesis.title}`).publicKey).log
    this.id = encodeKey(this.key)
    this.methods = methodsToCall(genesis, genesis)
    this.files = new TestFiles(this.tree)
  }

  /** Who deployed the VM, and called `init`. */
  get owner(): TestCaller<Contract> {
    return this.as(this.ownerName)
  }

  /** A caller by any name; the same name is the same caller. */
  as(name: string): TestCaller<Contract> {
    const known = this.callers.get(name)
    if (known) return known
    const keyPair = keyPairOf(name)
    const caller = makeCaller<Contract>(keyPair, (method, args) => this.call(keyPair, method, args))
    this.callers.set(name, caller)
    return caller
  }

  /** Ends the sandbox. What is called after this is rejected. */
  async close(): Promise<void> {
    await this.executor.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** For the executor. */
  print(line: TestLine): void {
    this.lines.push(line)
  }

  /** Runs `init`, as a deployment does. */
  async initialize(): Promise<void> {
    const request = this.sign(keyPairOf(this.ownerName), INIT, encodeValue([]))
    const run = this.genesis.methods.includes(INIT) ? await this.execute(request) : unexported(request)
    if (run === null) throw new VMSError('INVALID_CONTRACT', 'init was stopped: it ran too long or crashed')
    const { error } = this.finish(run)
    if (error) throw new VMSError('INVALID_CONTRACT', `init failed: ${error.message}`)
  }

  // as a client does before it sends, and a host when it receives; one call at a time, in the order in which they are made
  private async call(keyPair: KeyPair, method: string, args: unknown[]): Promise<TestedCall> {
    const encoded = encodeArguments(args)
    if (this.executor.closing) throw new VMSError('CLOSED', 'the VM of this test is closed')
    const request = this.sign(keyPair, method, encoded)
    checkSize(request.signed.bytes)
    checkMethod(this.methods, method)
    const turn = this.turn.then(async () => {
      const run = await this.execute(request)
      if (run !== null) return this.finish(run)
      throw new VMSError('HOST_ABORTED', 'the host stopped the call: it ran too long, or crashed the sandbox')
    })
    this.turn = turn.catch(() => {})
    const done = await turn
    if (done.error === null) return done
    Error.captureStackTrace(done.error) // from here it leads to the line of the test
    throw done.error
  }

  private async execute(request: CheckedRequest): Promise<Executed | null> {
    this.lines = []
    const [run] = await execute(this.executor, this.genesis, this.index, this.tree, [request], {
      oracles: this.oracles
    })
    return run
  }

  private finish({ request, record, changes }: Executed): TestedCall {
    const { outcome, gas, writes } = record
    const index = this.index++
    this.tree.apply(changes)
    this.last = {
      index,
      method: request.request.method,
      caller: encodeKey(request.request.caller),
      value: outcome.ok ? decodeValue(outcome.value) : null,
      error: outcome.ok ? null : new CallError(outcome.error, index, index + 1), // each in a block of its own
      gas,
      console: this.lines,
      writes: writes.map(({ path }) => path)
    }
    return this.last
  }

  private sign(keyPair: KeyPair, method: string, args: Uint8Array): CheckedRequest {
    const request = {
      vm: this.key,
      caller: keyPair.publicKey,
      method,
      args,
      id: crypto.randomBytes(16),
      seen: { length: this.index + 1, hash: new Uint8Array(32) } // there is no log that could be seen
    }
    return { request, signed: signRequest(request, keyPair) }
  }
}

/**
 * Deploys a contract in memory: bundled, checked and run as a host does it, with its limits, but without log, disk and
 * network. For tests, in any runner.
 *
 *     const vm = await testContract('./rsvp.js')
 *     const alice = vm.as('alice')
 *     await alice.RSVP(true)
 *     vm.files.get(`/rsvps/${alice.id}.json`)
 *     await vm.close()
 *
 * @param script a file, from the working directory, or its URL: `new URL('./rsvp.js', import.meta.url)`
 * @throws VMSError INVALID_CONTRACT if a host would not deploy it
 */
export async function testContract<Contract = AnyContract>(
  script: string | URL,
  { limits, owner = 'owner', watchdog, oracles = {} }: TestOptions = {}
): Promise<TestVM<Contract>> {
  const file = typeof script === 'string' ? script : fileURLToPath(script)
  const bundled = await bundle(file)
  const { source, title } = bundled
  const executor = new Executor({
    watchdog,
    idle: IDLE_MS,
    onconsole: ({ level, text }) => vm?.print({ level, text })
  })
  let vm: TestVM<Contract> | null = null
  try {
    const answering = oraclesOf(oracles)
    const specs = answering.map(({ spec }) => spec)
    const findings = await inspect(executor, bundled, file, { oracles: specs })
    refuse(findings)
    const { methods } = findings
    const deployment = { source, title, methods, limits, oracles: specs }
    const genesis = genesisOf(deployment, NO_FILES, keyPairOf(owner).publicKey)
    vm = new TestVM<Contract>(executor, genesis, new LiveOracles(answering), owner)
    await vm.initialize()
    return vm
  } catch (error) {
    await executor.close()
    throw error
  }
}

function oraclesOf(oracles: NonNullable<TestOptions['oracles']>): Oracle[] {
  return Object.entries(oracles)
    .map(([name, methods]) => {
      const entries = Object.entries(methods)
      return oracleOf(
        name,
        Object.fromEntries(entries.map(([method, run]) => [method, (inputs: Value[]) => run(...inputs)]))
      )
    })
    .sort((a, b) => compareUTF8(a.spec.name, b.spec.name))
}
