// One hosted VM on the network: takes requests from its sessions, queues them, and answers them once they are committed.
//
// Batches form by themselves: while one is being written, the next one is executed.

import ReadyResource from 'ready-resource'
import type { NoiseStream } from 'hyperswarm'
import { messageOf, VMSError } from '../errors.js'
import type { Commit } from '../ledger/blocks.js'
import { nameOf, type Place } from '../ledger/history.js'
import { encodeKey } from '../ledger/keys.js'
import { encodeHello } from '../ledger/messages.js'
import { hashRecord } from '../ledger/record.js'
import {
  decodeRequest,
  hashRequest,
  type Request,
  type SignedRequest,
  type CheckedRequest
} from '../ledger/request.js'
import { confirmation, headMessage, hello, receipt, type Receipt } from '../ledger/statements.js'
import { readBlock } from '../machine/load.js'
import type { Committed, Machine } from '../machine/machine.js'
import { headOf } from '../machine/tree.js'
import { Admission } from './admission.js'
import { Counts } from './counts.js'
import { Overtaken } from './overtaken.js'
import { Queue } from './queue.js'
import { Session } from './session.js'
import { Allowance } from '../swarm/allowance.js'

/** Calls of a batch, at most. Whoever comes next waits for it, so it should take no more ms than this, if it has more than a few. */
const BATCH_CALLS = { few: 32, most: 256 }
const BATCH_MS = 10

/** Bytes of a batch's requests, at most; the machine cuts it into blocks. */
const BATCH_BYTES = 1024 * 1024

/** How long the batch that runs may take once the host is closing, ms: an oracle may not answer, a call may compute on. */
const CLOSE_MS = 3000

const KEPT_RECEIPTS = 4096

const HEAD_INTERVAL_MS = 60_000

/** Confirmations that a session gets at once, and per second after that; who asks more often is not answered. */
const ASKS_BURST = 32
const ASKS_PER_SECOND = 8

/** What the operator lets happen. */
export interface Gatekeeper {
  /**
   * @param bytes of the request
   * @throws VMSError if the host does not take a request of its sender
   */
  admit(machine: Machine, request: Request, bytes: number): Promise<void>
  /** @throws VMSError if the host writes no more to this VM */
  admitWrite(machine: Machine): Promise<void>
}

/** A request that waits for its commit, and those to answer: each under the hash of the request that it sent. */
interface Waiting extends CheckedRequest {
  askers: Map<Session, Uint8Array>
}

export class Service extends ReadyResource {
  private readonly admission: Admission
  private readonly sessions = new Set<Session>()
  private readonly waiting = new Map<string, Waiting>()
  /** the newest receipts by index: who asks again is answered without reading the log */
  private readonly receipts = new Map<number, Uint8Array>()
  private readonly queue = new Queue<Waiting>(() => this.perCall)
  /** ms that a call has taken of late */
  private perCall = 1
  /** the batch that was executed and is being written; it does not reject */
  private unwritten: Promise<void> | null = null
  private running: Promise<void> | null = null
  private timer: NodeJS.Timeout | null = null
  private stop: VMSError | null = null
  private readonly overtaken: Overtaken
  readonly counts = new Counts()

  constructor(
    readonly machine: Machine,
    private readonly gate: Gatekeeper
  ) {
    super()
    this.admission = new Admission(machine)
    this.overtaken = new Overtaken(machine, (what, failure) => {
      this.refuseAll(failure)
      this.emit(what, failure)
    })
  }

  get key(): Uint8Array {
    return this.machine.key
  }

  /** Requests that wait for their commit. */
  get queued(): number {
    return this.waiting.size
  }

  /** Why it takes no calls until the host is started again; null if it does. */
  get failure(): VMSError | null {
    return this.machine.failure
  }

  /** Whether it takes no calls; its log stays readable. */
  get stopped(): boolean {
    return this.stop !== null
  }

  set stopped(stopped: boolean) {
    this.stop = stopped
      ? new VMSError(
          'STOPPED',
          `${encodeKey(this.key)} was stopped: it takes no calls, its log and files can be read`
        )
      : null
    if (this.stop) this.refuseAll(this.stop)
  }

  /** Peers hold another history of the VM that was signed with its keys: it takes no more calls. */
  fork(): void {
    this.overtaken.fork()
  }

  /** Offers the VM to the peer of a connection. */
  serve(stream: NoiseStream): void {
    const asks = new Allowance(ASKS_BURST, ASKS_PER_SECOND)
    Session.accept(stream, this.key, {
      onopen: session => {
        if (this.closing) return session.close()
        this.sessions.add(session)
        session.sendHello(this.hello(stream))
        session.sendHead(this.head())
      },
      onrequest: (session, signed) => void this.take(session, signed),
      onask: (session, challenge) => {
        // what it would stand by now is not what it has signed
        if (!this.overtaken.lost && asks.take()) void this.confirm(session, challenge)
      },
      onhead: bytes => this.overtaken.hear(bytes),
      onfork: bytes => this.overtaken.adopt(bytes),
      onclose: session => this.sessions.delete(session)
    })
  }

  protected override async _open(): Promise<void> {
    await this.machine.ready()
    this.timer = setInterval(() => this.broadcast(), HEAD_INTERVAL_MS)
    this.timer.unref()
  }

  /** Finishes the batch that runs, if it does not take long; what still waits is refused. */
  protected override async _close(): Promise<void> {
    if (this.timer) clearInterval(this.timer)
    this.refuseAll(closing())
    const impatience = setTimeout(() => void this.machine.giveUp().catch(() => {}), CLOSE_MS)
    await this.running
    clearTimeout(impatience)
    for (const session of this.sessions) session.close()
    await this.machine.close()
  }

  private refuseAll(error: VMSError): void {
    for (const one of this.queue.clear()) this.refuse(one, error)
  }

  private async take(session: Session, signed: SignedRequest): Promise<void> {
    const hash = hashRequest(signed)
    try {
      const request = this.admission.check(signed)
      await this.machine.reachBack(request)
      if (this.join(session, request, hash)) return
      await this.gate.admit(this.machine, request, signed.bytes.byteLength)
      this.admission.checkExpiry(request, this.machine.block)
      await this.admission.checkMethod(request)
      await this.admission.checkSeen(request)
      if (this.join(session, request, hash)) return // it may have come twice meanwhile
      this.enqueue({ signed, request, askers: new Map([[session, hash]]) })
    } catch (error) {
      this.sendRefusal(new Map([[session, hash]]), asVMSError(error))
    }
  }

  /** A request that is logged already is answered with its record; one that waits is answered when it is committed. */
  private join(session: Session, request: Request, hash: Uint8Array): boolean {
    const place = this.machine.find(request)
    if (place !== null) {
      this.receiptAt(place).then(
        receipt => session.sendReceipt(receipt),
        (error: unknown) => this.sendRefusal(new Map([[session, hash]]), asVMSError(error))
      )
      return true
    }
    const same = this.waiting.get(nameOf(request))
    same?.askers.set(session, hash)
    return same !== undefined
  }

  private enqueue(one: Waiting): void {
    if (this.closing) throw closing()
    if (this.stop) throw this.stop
    this.queue.add(one)
    this.waiting.set(nameOf(one.request), one)
    this.running ??= this.run().finally(() => (this.running = null))
  }

  private async run(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve)) // what arrives together is a batch
    for (;;) {
      if (this.queue.length === 0) {
        if (this.unwritten === null) return
        await this.unwritten
        continue
      }
      try {
        await this.gate.admitWrite(this.machine) // those before may have taken what was left
      } catch (error) {
        this.refuseAll(asVMSError(error))
      }
      const batch = this.nextBatch()
      if (batch.length > 0) await this.commit(batch)
    }
  }

  private nextBatch(): Waiting[] {
    const batch: Waiting[] = []
    const { few, most } = BATCH_CALLS
    const calls = Math.min(most, Math.max(few, BATCH_MS / this.perCall))
    let bytes = 0
    for (let one = this.queue.next(); one !== undefined; one = this.queue.next()) {
      const isUpgrade = this.admission.isUpgrade(one.request) // which is a batch of its own
      if (batch.length >= calls || bytes > BATCH_BYTES || (isUpgrade && batch.length > 0)) break
      try {
        // each record may come to need a block of its own
        this.admission.checkExpiry(one.request, this.machine.block + batch.length)
      } catch (error) {
        if (batch.length > 0) break
        this.queue.take()
        this.refuse(one, asVMSError(error))
        continue
      }
      this.queue.take()
      batch.push(one)
      bytes += one.signed.bytes.byteLength
      if (isUpgrade) break
    }
    return batch
  }

  // resolves once the batch is executed: it is written while the next one is executed
  private async commit(batch: Waiting[]): Promise<void> {
    const failed = (error: unknown) => {
      // sent again, it is found in the log if it got there
      const reason = this.closing ? closing() : asVMSError(error)
      for (const one of batch) if (this.waiting.get(nameOf(one.request)) === one) this.refuse(one, reason)
    }
    const begun = performance.now()
    try {
      const answer = (committed: Committed[]) => this.answer(committed)
      if (this.admission.isUpgrade(batch[0].request)) return await this.machine.upgrade(batch[0], answer)
      const { killed, rest, written } = await this.machine.commit(batch, answer)
      this.queue.putBack(rest as Waiting[])
      batch = batch.slice(0, batch.length - rest.length)
      const unwritten = written.catch(failed).finally(() => {
        if (this.unwritten === unwritten) this.unwritten = null
      })
      this.unwritten = unwritten
      for (const one of killed) {
        this.refuse(one as Waiting, aborted())
        this.emit('aborted', one.request)
      }
      if (batch.length > 0) this.perCall += ((performance.now() - begun) / batch.length - this.perCall) / 4
      if (this.stop) this.refuseAll(this.stop)
      if (this.closing) this.refuseAll(closing())
    } catch (error) {
      failed(error)
    }
  }

  private answer(committed: Committed[]): void {
    const answers = this.sign(committed)
    for (const [i, one] of committed.entries()) {
      const { askers } = this.settle(one.request as Waiting)
      this.receipts.set(one.index, answers[i])
      if (this.receipts.size > KEPT_RECEIPTS) this.receipts.delete(this.receipts.keys().next().value!)
      for (const session of askers.keys()) session.sendReceipt(answers[i])
    }
    this.counts.served += committed.length
    this.broadcast()
    this.emit('commit', committed)
  }

  private refuse(one: Waiting, error: VMSError): void {
    this.sendRefusal(this.settle(one).askers, error)
  }

  private sendRefusal(askers: Map<Session, Uint8Array>, error: VMSError): void {
    this.counts.refuse(error.code)
    for (const [session, hash] of askers) session.sendRefusal(hash, error)
  }

  private settle(one: Waiting): Waiting {
    this.waiting.delete(nameOf(one.request))
    return one
  }

  private sign(committed: Committed[]): Uint8Array[] {
    const statements = committed.map(({ request, record, block, index, head }): Receipt => {
      const { hash } = head
      return {
        vm: this.key,
        request: hashRequest(request.signed),
        block,
        index,
        record: hashRecord(record),
        hash
      }
    })
    return receipt.signAll(statements, this.machine.keyPair).map(one => receipt.encode(one))
  }

  private async receiptAt({ block, index }: Place): Promise<Uint8Array> {
    const known = this.receipts.get(index)
    if (known) return known
    const { log } = this.machine.cores
    const commit = (await readBlock(log, block)) as Commit
    const record = commit.records[index - commit.first]
    const signed = { bytes: record.request, signature: record.signature }
    const request = { signed, request: decodeRequest(record.request) }
    const [answer] = this.sign([{ request, record, block, index, head: await headOf(log, block + 1) }])
    return answer
  }

  private hello(stream: NoiseStream): Uint8Array {
    const { machine } = this
    const statement = { vm: this.key, handshake: stream.handshakeHash, head: machine.head }
    const { namespace, publicKey } = machine.cores.keys.manifests.log.signers[0]
    return encodeHello({ namespace, publicKey, hello: hello.encode(hello.sign(statement, machine.keyPair)) })
  }

  private head(): Uint8Array {
    const { head, keyPair } = this.machine
    return headMessage.encode(headMessage.sign({ vm: this.key, ...head, time: Date.now() }, keyPair))
  }

  /** Says what the head is now: nothing that was signed before may be longer. */
  private async confirm(session: Session, challenge: Uint8Array): Promise<void> {
    const { machine } = this
    const head = await machine.settledHead()
    const statement = { vm: this.key, challenge, head }
    session.sendConfirmation(confirmation.encode(confirmation.sign(statement, machine.keyPair)))
  }

  private broadcast(): void {
    if (this.sessions.size === 0) return
    const message = this.head()
    for (const session of this.sessions) session.sendHead(message)
  }
}

function closing(): VMSError {
  return new VMSError('HOST_CLOSING', 'the host is shutting down: send the request again later')
}

function aborted(): VMSError {
  return new VMSError('HOST_ABORTED', 'the host stopped the call: it ran too long, or crashed the sandbox')
}

function asVMSError(error: unknown): VMSError {
  return error instanceof VMSError
    ? error
    : new VMSError('HOST_FAILED', `the host failed: ${messageOf(error)}`)
}
