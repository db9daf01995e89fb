// Oracles that an operator has written: a module whose exported functions are the methods. It is bundled into one file, whose
// hash stands in genesis, and runs with the host's rights in a thread of its own, which is ended if a call takes too long.

import { Worker } from 'node:worker_threads'
import b4a from 'b4a'
import { messageOf, VMSError } from '../errors.js'
import crypto from '../ledger/crypto.js'
import { decodeValue, encodeValue, type Value } from '../ledger/values.js'
import { OracleError, type Oracle } from './oracle.js'
import type { FromModule, ToModule } from './thread.js'

/** How long a module may take to load, ms. */
const LOAD_MS = 10_000

/** MiB of memory that it may use. */
const MEMORY_MB = 256

/** The hash that names the code of a module. */
export function hashOfModule(source: string): Uint8Array {
  return crypto.hash(b4a.from(source))
}

/**
 * Loads a module.
 * @param source one ES module that imports nothing but Node's own
 * @throws VMSError USAGE if it does not load, or exports no functions
 */
export async function loadModule(name: string, source: string): Promise<Oracle> {
  const module = new ModuleOracle(name, source)
  const methods = await module.start()
  if (methods.length === 0) {
    await module.close()
    throw new VMSError('USAGE', `the oracle ${name} exports no functions`)
  }
  return {
    spec: { name, methods, hash: hashOfModule(source), scope: [] },
    call: (method, inputs, signal) => module.call(method, inputs, signal),
    close: () => module.close()
  }
}

class ModuleOracle {
  private thread: Thread | null = null

  constructor(
    private readonly name: string,
    private readonly source: string
  ) {}

  /** @returns what it exports */
  async start(): Promise<string[]> {
    this.thread = new Thread(this.source)
    const loaded = await this.thread.next(LOAD_MS)
    if (loaded?.type === 'loaded') return loaded.methods
    await this.close()
    const why =
      loaded?.type === 'failed' ? loaded.message : `it takes longer than ${LOAD_MS / 1000} s, or ends`
    throw new VMSError('USAGE', `the oracle ${this.name} cannot be loaded: ${why}`)
  }

  // one at a time: so do the calls of a VM
  async call(method: string, inputs: Value[], signal: AbortSignal): Promise<Value> {
    if (!this.thread?.alive) await this.start()
    const thread = this.thread!
    const stop = () => void thread.end()
    signal.addEventListener('abort', stop)
    try {
      thread.send({ method, inputs: encodeValue(inputs) })
      const answer = await thread.next()
      if (answer?.type === 'value') return decodeValue(answer.value)
      if (answer?.type === 'failed') throw new OracleError(answer.code, answer.message)
      throw new OracleError('ORACLE_FAILED', `the oracle ${this.name} ended while it was asked`)
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  async close(): Promise<void> {
    await this.thread?.end()
  }
}

class Thread {
  alive = true
  private readonly worker: Worker
  private got: ((message: FromModule | null) => void) | null = null

  constructor(source: string) {
    this.worker = new Worker(new URL('./thread.js', import.meta.url), {
      workerData: source,
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB }
    })
    this.worker.on('message', (message: FromModule) => this.take(message))
    this.worker.on('error', error =>
      this.take({ type: 'failed', message: messageOf(error), code: 'ORACLE_FAILED' })
    )
    this.worker.on('exit', () => {
      this.alive = false
      this.take(null)
    })
    this.worker.unref()
  }

  send(message: ToModule): void {
    this.worker.postMessage(message)
  }

  /** What it says next; null if it ends, or says nothing in time. */
  next(ms?: number): Promise<FromModule | null> {
    if (!this.alive) return Promise.resolve(null)
    return new Promise(resolve => {
      const timer = ms === undefined ? undefined : setTimeout(() => this.take(null), ms)
      this.got = message => {
        clearTimeout(timer)
        resolve(message)
      }
    })
  }

  /** From here on it says nothing any more, though it may take its time to end. */
  async end(): Promise<void> {
    this.alive = false
    this.take(null)
    await this.worker.terminate()
  }

  private take(message: FromModule | null): void {
    const { got } = this
    this.got = null
    got?.(message)
  }
}
