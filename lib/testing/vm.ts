// A VM in memory: the sandbox of a host and what a host makes of a call, without log, disk and network.

import { fileURLToPath } from 'node:url'
import type { KeyPair } from 'hypercore'
import type { AnyContract } from '../client/client.js'
import { checkSize, encodeArguments } from '../client/arguments.js'
import { CallError } from '../client/errors.js'
import { VMSError } from '../errors.js'
import { Overlay } from '../files/overlay.js'
import type { Genesis } from '../ledger/blocks.js'
import {
  checkMethod,
  INIT,
  methodsToCall,
  MIGRATE,
  upgradeArguments,
  type Contract as Source
} from '../ledger/contract.js'
import crypto from '../ledger/crypto.js'
import { deriveKeys, encodeKey } from '../ledger/keys.js'
import type { Record } from '../ledger/record.js'
import { signRequest, type CheckedRequest } from '../ledger/request.js'
import { decodeValue, encodeValue, type Value } from '../ledger/values.js'
import { execute, executeOnce, type Executed } from '../machine/execute.js'
import type { OpenOracles } from '../machine/oracles.js'
import { bundle } from '../sandbox/bundle.js'
import type { ConsoleLine } from '../sandbox/executor.js'
import { inspect, refuse } from '../sandbox/findings.js'
import { keyPairOf, makeCaller, type TestCaller, type TestedCall } from './caller.js'
import { EMPTY, TestFiles } from './files.js'
import type { Sandbox } from './sandbox.js'

/** A call that has ended, with what only its author is told. */
export interface Ended {
  call: TestedCall
  args: Value
  record: Record
  /** What it wrote to its console, and the error that it ended with. */
  lines: ConsoleLine[]
}

export class TestVM<Contract = AnyContract> {
  /** The VM's key, `System.vm.key`: the same for the same file name. */
  readonly id: string
  readonly files: TestFiles
  /** The last call that ended, `init` among them. */
  last: TestedCall | null = null
  private readonly key: Uint8Array
  private readonly tree = new Overlay(EMPTY)
  private readonly callers = new Map<string, TestCaller<Contract>>()
  private index = 0
  /** The one that runs calls now. */
  private contract: Source
  private turn: Promise<unknown> = Promise.resolve()

  /** Use `testContract`. */
  constructor(
    private readonly sandbox: Sandbox,
    private readonly genesis: Genesis,
    private readonly oracles: OpenOracles,
    private readonly ownerName: string,
    private readonly onended: (ended: Ended) => void = () => {}
  ) {
    this.key = deriveKeys(keyPairOf(`vm/${genesis.title}`).publicKey).log
    this.id = encodeKey(this.key)
    this.contract = genesis
    this.files = new TestFiles(this.tree)
  }

  /** Names of the methods that can be called. */
  get methods(): string[] {
    return methodsToCall(this.genesis, this.contract)
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
    await this.sandbox.executor.close()
    await this.oracles.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Runs `init`, as a deployment does. */
  async initialize(): Promise<void> {
    await this.begin(this.genesis, this.sign(keyPairOf(this.ownerName), INIT, encodeValue([])))
  }

  /**
   * Replaces the contract as its owner does with `vms upgrade`, and runs the new one's `migrate`.
   * @param script a file, from the working directory, or its URL
   * @returns the call of `migrate`
   * @throws VMSError INVALID_CONTRACT if a host would not take it: then nothing has changed
   */
  async upgrade(script: string | URL): Promise<TestedCall> {
    const file = typeof script === 'string' ? script : fileURLToPath(script)
    const bundled = await bundle(file)
    const { limits, oracles } = this.genesis
    const findings = await inspect(this.sandbox.executor, bundled, file, { gas: limits.gas, oracles })
    refuse(findings)
    const contract = { source: bundled.source, methods: findings.methods }
    const turn = this.turn.then(() => {
      const args = encodeArguments(upgradeArguments(this.contract, contract))
      return this.begin(contract, this.sign(keyPairOf(this.ownerName), MIGRATE, args))
    })
    this.turn = turn.catch(() => {})
    return turn
  }

  /** Runs the call that a contract begins with. */
  private async begin(contract: Source, request: CheckedRequest): Promise<TestedCall> {
    const { method } = request.request
    const { executor, lines } = this.sandbox
    const { oracles } = this
    lines.take()
    const terms = { ...this.genesis, ...contract }
    const run = await executeOnce(executor, terms, this.index, this.tree, request, { oracles })
    if (run === null)
      throw new VMSError('INVALID_CONTRACT', `${method} was stopped: it ran too long or crashed`)
    const { outcome } = run.record
    const failure = outcome.ok
      ? null
      : new VMSError('INVALID_CONTRACT', `${method} failed: ${outcome.error.message}`)
    if (failure && method === MIGRATE) throw failure // nothing is left of it
    this.contract = contract
    const call = this.finish(run)
    if (failure) throw failure
    return call
  }

  // as a client does before it sends, and a host when it receives; one call at a time, in the order in which they are made
  private async call(keyPair: KeyPair, method: string, args: unknown[]): Promise<TestedCall> {
    const encoded = encodeArguments(args)
    if (this.sandbox.executor.closing) throw new VMSError('CLOSED', 'the VM of this test is closed')
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
    const { executor, lines } = this.sandbox
    lines.take()
    const terms = { ...this.genesis, ...this.contract }
    const [run] = await execute(executor, terms, this.index, this.tree, [request], {
      oracles: this.oracles
    })
    return run
  }

  private finish({ request, record, changes }: Executed): TestedCall {
    const { outcome, gas, writes } = record
    const index = this.index++
    const lines = this.sandbox.lines.take()
    this.tree.apply(changes)
    const call: TestedCall = {
      index,
      method: request.request.method,
      caller: encodeKey(request.request.caller),
      value: outcome.ok ? decodeValue(outcome.value) : null,
      error: outcome.ok ? null : new CallError(outcome.error, index, index + 1), // each in a block of its own
      gas,
      console: lines.map(({ level, text }) => ({ level, text })),
      writes: writes.map(({ path }) => path)
    }
    this.last = call
    this.onended({ call, args: decodeValue(request.request.args), record, lines })
    return call
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
