// Calls in flight. A call is settled by the host's signed answer *and* its record in the replicated log. Until then the same
// signed request is sent again to every host that connects; the host answers what it has committed already with its record.

import b4a from 'b4a'
import type { KeyPair } from 'hypercore'
import { VMSError } from '../errors.js'
import crypto from '../ledger/crypto.js'
import type { Head } from '../ledger/encoding.js'
import { encodeKey } from '../ledger/keys.js'
import type { Refusal } from '../ledger/messages.js'
import { hashRecord, type Record } from '../ledger/record.js'
import {
  decodeRequest,
  hashRequest,
  signRequest,
  type Request,
  type SignedRequest
} from '../ledger/request.js'
import type { Receipt, Signed } from '../ledger/statements.js'
import { decodeValue, type Value } from '../ledger/values.js'
import { headOf } from '../machine/tree.js'
import type { Link } from '../replica/link.js'
import type { Replica } from '../replica/replica.js'
import { NEVER } from '../replica/within.js'
import { checkSize, encodeArguments } from './arguments.js'
import { requireAudited } from './audited.js'
import { CallError } from './errors.js'
import { LoggedCommits } from './logged.js'

/** A call that succeeded, and where it stands in the log. */
export interface CallResult {
  value: Value
  index: number
  block: number
  /** BLAKE2b of the record */
  hash: Uint8Array
  gas: number
  /** the host's signed answer */
  receipt: Signed<Receipt> | null
}

export interface CallOptions {
  /** ms to wait for the answer, 30,000 if not given */
  timeout?: number
  signal?: AbortSignal
}

export const DEFAULT_TIMEOUT_MS = 30_000

/** Refusals after which the same request may be taken: it is sent again after so many ms, if the host names no later time. */
const RETRY: Partial<globalThis.Record<Refusal['code'], number>> = { BUSY: 250, HOST_CLOSING: 500 }

/** Each time it is sent again it waits twice as long, up to this, ms. */
const MAX_RETRY = 10_000

/** Blocks beyond the end of the copy that are asked for because the host says that a call stands there. */
const BLOCKS_AHEAD = 16

interface Pending {
  request: Request
  /** every form of the request that was signed, by its hash */
  signed: Map<string, SignedRequest>
  newest: SignedRequest
  settled: boolean
  /** how often it was sent again after a refusal */
  retries: number
  /** the host's answer, while the log is waited for */
  receipt: Signed<Receipt> | null
  /** when the call gives up, ms since 1970 */
  deadline: number
  /** a log length up to which the record is known to be absent */
  absentUpTo: number
  resolve(result: CallResult): void
  reject(error: Error): void
}

export class Calls {
  private readonly pending = new Map<string, Pending>()
  private readonly outbox: SignedRequest[] = []
  private readonly logged: LoggedCommits
  private head: Promise<Head> | null = null
  private synced = false

  /** @param minAuditors how many trusted auditors must have verified the log that a call builds on */
  constructor(
    private readonly replica: Replica,
    private readonly identity: KeyPair,
    private readonly minAuditors = 0
  ) {
    this.logged = new LoggedCommits(replica)
    replica.on('host', (link: Link) =>
      link.send([...new Set(this.pending.values())].map(call => call.newest))
    )
    replica.on('receipt', (receipt: Signed<Receipt>) => void this.onreceipt(receipt))
    replica.on('refusal', (refusal: Refusal) => void this.onrefusal(refusal))
    replica.on('append', () => {
      this.head = null
      if (this.pending.size > 0) this.expect()
    })
    replica.on('link', () => {
      if (replica.host === null) this.synced = false
    })
    replica.on('contradiction', () => this.fail())
    replica.on('closing', () => this.fail())
  }

  /** The key of the VM that is called. */
  get key(): Uint8Array {
    return this.replica.key
  }

  /**
   * Signs a request, sends it, and waits for its record.
   * @throws CallError if the contract threw; VMSError INVALID_VALUE, TOO_LARGE, UNREACHABLE, TIMEOUT, ABORTED, FRAUD,
   * NOT_AUDITED, or what the host refused it with
   */
  async call(method: string, args: unknown[], options: CallOptions = {}): Promise<CallResult> {
    const { timeout = DEFAULT_TIMEOUT_MS, signal } = options
    const deadline = Date.now() + timeout
    const encoded = encodeArguments(args)
    if (signal?.aborted) throw aborted()
    await this.connect(timeout)
    const seen = await this.seen().catch(async (error: unknown) => {
      throw await this.replica.explain(error)
    })
    await requireAudited(this.replica, seen.length, this.minAuditors, deadline - Date.now(), signal)
    const request: Request = {
      vm: this.replica.key,
      caller: this.identity.publicKey,
      method,
      args: encoded,
      id: crypto.randomBytes(16),
      seen
    }
    return this.wait(request, deadline - Date.now(), signal)
  }

  // the first call waits until the copy has caught up with the host: what it signs as seen must not be too old
  private async connect(timeout: number): Promise<void> {
    const { replica } = this
    if (!this.synced) await replica.sync(timeout)
    const ready = () => replica.host !== null && (this.synced || replica.caughtUp())
    if (await replica.until(ready, timeout)) return void (this.synced = true)
    throw new VMSError(
      'UNREACHABLE',
      `the host of ${encodeKey(this.replica.key)} was not reached within ${timeout / 1000} s; ` +
        'without it, files can be read, and methods called on them with --local'
    )
  }

  private wait(request: Request, timeout: number, signal?: AbortSignal): Promise<CallResult> {
    const signed = signRequest(request, this.identity)
    checkSize(signed.bytes)
    if (this.replica.closing) throw new VMSError('CLOSED', 'the client is closed')
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        if (call.settled) return
        call.settled = true
        clearTimeout(timer)
        signal?.removeEventListener('abort', onabort)
        for (const hash of call.signed.keys()) this.pending.delete(hash)
        finish()
      }
      const call: Pending = {
        request,
        newest: signed,
        signed: new Map(),
        settled: false,
        retries: 0,
        receipt: null,
        deadline: Date.now() + timeout,
        absentUpTo: request.seen.length,
        resolve: result => settle(() => resolve(result)),
        reject: error => settle(() => reject(error))
      }
      const onabort = () => call.reject(aborted())
      const timer = setTimeout(() => call.reject(this.late(call, timeout)), timeout)
      signal?.addEventListener('abort', onabort, { once: true })
      this.add(call, signed)
      this.expect()
      this.send(signed)
    })
  }

  private late({ receipt }: Pending, timeout: number): VMSError {
    const time = `within ${timeout / 1000} s`
    if (receipt !== null) {
      void this.replica.memory.rememberReceipt(receipt).catch(() => {})
      return new VMSError(
        'NOT_LOGGED',
        `the host answered, and its log did not show the call ${time}; the signed answer is kept`
      )
    }
    if (this.replica.host !== null)
      return new VMSError('TIMEOUT', `no answer ${time}: the call may or may not run yet`)
    return new VMSError('UNREACHABLE', `the host was not reached ${time}: the call may or may not have run`)
  }

  private add(call: Pending, signed: SignedRequest): void {
    const hash = hexOf(hashRequest(signed))
    call.newest = signed
    call.signed.set(hash, signed)
    this.pending.set(hash, call)
  }

  // calls made in the same turn travel in one frame
  private send(signed: SignedRequest): void {
    if (this.outbox.push(signed) > 1) return
    queueMicrotask(() => this.replica.host?.send(this.outbox.splice(0)) ?? this.outbox.splice(0))
  }

  // asked for before it is there: one way there and back then brings the log's new head and the block that it is of
  private expect(): void {
    this.logged.at(this.replica.log.length).catch(() => {})
  }

  private seen(): Promise<Head> {
    return (this.head ??= headOf(this.replica.log))
  }

  private async onreceipt(receipt: Signed<Receipt>): Promise<void> {
    const call = this.pending.get(hexOf(receipt.request))
    if (!call) return
    call.receipt = receipt
    try {
      call.resolve(await this.confirm(call, receipt))
    } catch (failure) {
      const error = failure instanceof CallError ? failure : await this.replica.explain(failure)
      if (!(error instanceof CallError)) await this.replica.memory.rememberReceipt(receipt).catch(() => {})
      call.reject(error as Error)
    }
  }

  /** Compares the host's signed answer with the log. */
  private async confirm(call: Pending, receipt: Signed<Receipt>): Promise<CallResult> {
    const { replica } = this
    const { block, index, record, hash } = receipt
    // asked for before the log has come so far: one way there and back brings both
    if (block <= replica.log.length + BLOCKS_AHEAD) this.logged.at(block).catch(() => {})
    await replica.until(() => replica.log.length > block, call.deadline - Date.now())
    if (call.settled) throw new VMSError('TIMEOUT', 'the call was given up')
    const logged = await this.logged.at(block)
    const found = logged.commit?.records[index - logged.commit.first]
    if (!b4a.equals(logged.hash, hash)) {
      await replica.compare(receipt, call.deadline - Date.now())
      if (replica.contradiction) throw replica.contradiction
    }
    if (
      found === undefined ||
      !b4a.equals(hashRecord(found), record) ||
      !isOurs(call, found) ||
      !b4a.equals(logged.hash, hash)
    ) {
      throw new VMSError(
        'FRAUD',
        `the host answered that the call stands in block ${block} as call ${index}, and the log says otherwise; the signed answer is kept`
      )
    }
    return resultOf(found, block, index, receipt)
  }

  private async onrefusal({ request, code, message, retry }: Refusal): Promise<void> {
    const call = this.pending.get(hexOf(request))
    if (!call) return
    const delay = RETRY[code]
    if (delay !== undefined) return this.sendLater(call, Math.max(delay, retry ?? 0))
    if (code !== 'STALE') return call.reject(new VMSError(code, message, { retry: retry ?? undefined }))
    try {
      await this.signAgain(call)
    } catch (error) {
      call.reject(error as Error)
    }
  }

  // apart from each other: those that were refused together would come together again
  private sendLater(call: Pending, delay: number): void {
    const wait = Math.min(MAX_RETRY, delay * 2 ** call.retries++) * (0.5 + Math.random())
    setTimeout(() => !call.settled && this.send(call.newest), wait)
  }

  // The log has gone on for too long, or the host has run the call and forgotten it: look for its record in what has come
  // since, and if it is absent sign again what says so.
  private async signAgain(call: Pending): Promise<void> {
    const { replica } = this
    const grown = () => replica.host !== null && replica.caughtUp() && replica.log.length > call.absentUpTo
    if (!(await replica.until(() => call.settled || grown(), call.deadline - Date.now())) || call.settled)
      return
    const seen = await this.seen()
    const found = await this.find(call, call.absentUpTo, seen.length)
    if (call.settled) return
    if (found) return call.resolve(found)
    call.absentUpTo = seen.length
    call.request = { ...call.request, seen }
    const signed = signRequest(call.request, this.identity)
    this.add(call, signed)
    this.send(signed)
  }

  private async find(call: Pending, from: number, to: number): Promise<CallResult | null> {
    const { caller, id } = call.request
    let upgraded = false
    for (let n = from; n < to; n++) {
      const block = await this.replica.block(n, NEVER) // the call's own time ends before
      if (call.settled) return null
      if (block.type !== 'commit') continue
      upgraded ||= block.upgrade !== null
      for (const [i, record] of block.records.entries()) {
        const logged = decodeRequest(record.request)
        if (!b4a.equals(logged.caller, caller) || !b4a.equals(logged.id, id)) continue
        if (isOurs(call, record)) return resultOf(record, n, block.first + i, null)
        throw new VMSError('FRAUD', `the host has logged in block ${n} what this caller never signed`)
      }
    }
    // it was meant for the contract before: it is not signed again for another one
    if (upgraded)
      throw new VMSError(
        'CONTRACT_CHANGED',
        'the contract was replaced before the call ran, and it did not run: look what the new one does, and call again'
      )
    return null
  }

  private fail(): void {
    this.replica
      .until(() => true, 0)
      .catch((error: Error) => {
        for (const call of this.pending.values()) call.reject(error)
      })
  }
}

/** Whether a record holds a request as this call has signed it. */
function isOurs(call: Pending, { request, signature }: Record): boolean {
  const signed = call.signed.get(hexOf(crypto.hash(request)))
  return signed !== undefined && b4a.equals(signed.signature, signature)
}

function resultOf(record: Record, block: number, index: number, receipt: Signed<Receipt> | null): CallResult {
  if (!record.outcome.ok) throw new CallError(record.outcome.error, index, block)
  const hash = hashRecord(record)
  return { value: decodeValue(record.outcome.value), index, block, hash, gas: record.gas, receipt }
}

function aborted(): VMSError {
  return new VMSError('ABORTED', 'the call was given up: it may or may not run yet')
}

function hexOf(bytes: Uint8Array): string {
  return b4a.toString(bytes, 'hex')
}
