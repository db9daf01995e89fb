// Calls that the host has run and forgotten: the window of the log in which it knows a request again is over when the client
// comes back. The client finds its record in the log, and nothing that it never signed.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import b4a from 'b4a'
import c from 'compact-encoding'
import type { NoiseStream } from 'hyperswarm'
import type { VMSClient } from '../../lib/client/client.js'
import { VMSError } from '../../lib/errors.js'
import { Session } from '../../lib/host/session.js'
import crypto from '../../lib/ledger/crypto.js'
import type { Head } from '../../lib/ledger/encoding.js'
import { encodeHello } from '../../lib/ledger/messages.js'
import { decodeRequest, hashRequest, request, type SignedRequest } from '../../lib/ledger/request.js'
import { headMessage, hello, receipt } from '../../lib/ledger/statements.js'
import { encodeValue } from '../../lib/ledger/values.js'
import type { Committed } from '../../lib/machine/machine.js'
import { Forger, type Forgery } from '../helpers/forger.js'
import { local, type Local } from '../helpers/local.js'

const WINDOW = 2

const SOURCE = `
exports.add = async () => {
  console.log('running')
  const count = Number(await System.files.readFile('/count').catch(() => '0')) + 1
  await System.files.writeFile('/count', String(count))
  return count
}
exports.other = () => null
`

interface Contract {
  add(): number
  other(): null
}

/** The connections of a client, which only a test may cut. */
interface Connected {
  replica: {
    links: Set<{ stream: NoiseStream }>
    peers: { swarm: { swarm: { suspend(): Promise<void>; resume(): Promise<void> } } }
  }
}

describe('a call whose caller is away', () => {
  let net: Local
  before(async () => (net = await local()))
  after(() => net.close())

  test('is answered with its own record, however far the log has gone on', async () => {
    let onrunning = () => {}
    const host = await net.host('host', { onconsole: () => onrunning() })
    const service = await host.deploy({
      source: SOURCE,
      title: 'test',
      owner: crypto.keyPair(),
      limits: { window: WINDOW }
    })
    const [away, other] = [net.plain(service.key), net.client<Contract>(service.key)]
    await Promise.all([away.call('other'), other.other()])
    const { links, peers } = (away as unknown as Connected).replica

    let count = 0
    for (const others of [0, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW]) {
      // the connection drops while the call runs, and comes back when the others are done
      const gone = new Promise<void>((resolve, reject) => {
        onrunning = () => {
          peers.swarm.swarm.suspend().then(resolve, reject)
          for (const { stream } of links) stream.destroy()
        }
      })
      const committed = once(service, 'commit') as Promise<[Committed[]]>
      const call = away.request('add', [])
      const [[{ block, index }]] = await committed
      await gone
      assert.equal(links.size, 0)
      for (let n = 0; n < others; n++) await other.other()
      assert.equal(service.machine.head.length, block + 1 + others)
      await peers.swarm.swarm.resume()

      const result = await call
      assert.deepEqual([result.value, result.block, result.index], [++count, block, index])
      assert.equal(await other.files.readFile('/count'), String(count), 'the call ran twice')
    }
  })
})

/** What a caller never signed: under its name and the id of its request, to somebody else. */
function forge({ bytes }: SignedRequest): SignedRequest {
  const forged = { ...decodeRequest(bytes), args: encodeValue(['mallory', 1000]) }
  return { bytes: c.encode(request, forged), signature: b4a.alloc(64) }
}

describe('a host that logs a request that its caller never signed', () => {
  let net: Local
  let forger: Forger
  before(async () => {
    net = await local()
    forger = new Forger(net.folder, net.bootstrap)
    await forger.ready()
  })
  after(async () => {
    await forger.close()
    await net.close()
  })

  /** A client of a VM that logs `logged` for every request, and answers as it is told. */
  async function victim(
    logged: (signed: SignedRequest) => SignedRequest,
    answer: (vm: Forgery, session: Session, signed: SignedRequest) => void | Promise<void>
  ): Promise<VMSClient> {
    const vm = await forger.vm({ source: `exports.pay = (to, amount) => 'paid ' + amount + ' to ' + to` })
    await vm.init()
    vm.shown = await vm.head()
    vm.serve = stream =>
      Session.accept(stream, vm.key, {
        onopen: session => greet(vm, stream, session),
        onrequest: (session, signed) => void take(session, signed),
        onask: () => {},
        onhead: () => {},
        onfork: () => {},
        onclose: () => {}
      })
    const take = async (session: Session, signed: SignedRequest) => {
      const written = logged(signed)
      await vm.commit([{ signed: written, request: decodeRequest(written.bytes) }])
      sendHead(vm, session, await vm.head())
      await answer(vm, session, signed)
    }
    await vm.publish()
    return net.client(vm.key, { timeout: 10_000 })
  }

  const fraud = (error: unknown) => {
    assert.ok(error instanceof VMSError, `it believes ${String(error)}`)
    assert.equal(error.code, 'FRAUD', error.message)
    return true
  }
  const stale = (_vm: Forgery, session: Session, signed: SignedRequest) =>
    session.sendRefusal(hashRequest(signed), new VMSError('STALE', 'too old'))

  test('and says that the true one is too old, is found out', async () => {
    const client = await victim(forge, stale)
    await assert.rejects(client.request('pay', ['bob', 5]), fraud)
  })

  test('and answers with a receipt for it, is found out', async () => {
    const client = await victim(forge, async (vm, session, signed) => {
      const block = vm.cores.log.length - 1
      const lie = { request: hashRequest(signed) }
      session.sendReceipt(receipt.encode(await vm.receipt(await vm.commitAt(block), block, 0, lie)))
    })
    await assert.rejects(client.request('pay', ['bob', 5]), fraud)
  })

  test('would be believed with what the caller has signed', async () => {
    const client = await victim(signed => signed, stale)
    const { value, block, index, receipt } = await client.request('pay', ['bob', 5])
    assert.deepEqual([value, block, index, receipt], ['paid 5 to bob', 2, 1, null])
  })
})

/** The host's first words to a client, which are true. */
function greet(vm: Forgery, stream: NoiseStream, session: Session): void {
  const { namespace, publicKey } = vm.cores.keys.manifests.log.signers[0]
  const head = vm.shown!
  const statement = hello.sign({ vm: vm.key, handshake: stream.handshakeHash, head }, vm.keyPair)
  session.sendHello(encodeHello({ namespace, publicKey, hello: hello.encode(statement) }))
  sendHead(vm, session, head)
}

function sendHead(vm: Forgery, session: Session, head: Head): void {
  session.sendHead(
    headMessage.encode(headMessage.sign({ vm: vm.key, ...head, time: Date.now() }, vm.keyPair))
  )
}
