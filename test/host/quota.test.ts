// Quotas while much is under way: what waits in the queue is looked at again, and what is refused stands in no log.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { VMSError } from '../../lib/errors.js'
import { deploy } from '../../lib/client/deploy.js'
import { Calls } from '../../lib/client/calls.js'
import { COMMIT_WRITE_BYTES } from '../../lib/ledger/blocks.js'
import crypto from '../../lib/ledger/crypto.js'
import { encodeKey } from '../../lib/ledger/keys.js'
import { Replica } from '../../lib/replica/replica.js'
import { local, type Local } from '../helpers/local.js'

const SOURCE = `
const text = 'x'.repeat(1000)
exports.write = async (path, size) => System.files.writeFile(path, text.repeat(size / 1000))
exports.nothing = () => null
`

const TIMEOUT = { timeout: 30_000 }

/** Bytes that a call writes, calls at once: more than two batches. */
const SIZE = 1_000_000
const CALLS = 80

const owner = crypto.keyPair()
const code = (error: unknown) => (error as VMSError).code

describe('quotas', () => {
  let net: Local
  before(async () => (net = await local()))
  after(() => net.close())

  /** A VM that `owner` has deployed through the factory of a host. */
  async function deployed(key: Uint8Array, name: string): Promise<Uint8Array> {
    const replica = new Replica(key, { bootstrap: net.bootstrap, data: `${net.folder}/${name}` })
    try {
      const wanted = { source: SOURCE, methods: ['nothing', 'write'], title: 'test' }
      return (await deploy(new Calls(replica, owner), owner, wanted, TIMEOUT)).key
    } finally {
      await replica.close()
    }
  }

  test('many calls at once go over the storage of an owner by no more than one batch', async () => {
    const bytesPerOwner = 5 * SIZE
    const host = await net.host('owner', { policy: { bytesPerOwner } })
    const factory = await host.factory(crypto.keyPair())
    const [key, second] = [await deployed(factory.key, 'one'), await deployed(factory.key, 'two')]
    const client = net.client<{ write(path: string, size: number): void }>(key)
    const results = await Promise.allSettled(
      Array.from({ length: CALLS }, (_, i) => client.request('write', [`/${i}`, SIZE], TIMEOUT))
    )
    const refused = results.filter(one => one.status === 'rejected')
    assert.deepEqual([...new Set(refused.map(({ reason }) => code(reason)))], ['QUOTA'])
    const written = CALLS - refused.length
    assert.ok(written >= 5 && written <= 5 + COMMIT_WRITE_BYTES / SIZE + 1, `${written} calls were committed`)
    const { vms, served, rejections, queue } = await host.status()
    const { calls, bytes } = vms.find(vm => vm.key === encodeKey(key))!
    assert.equal(calls, written + 1)
    assert.ok(bytes > bytesPerOwner)
    assert.deepEqual([queue, rejections], [0, { QUOTA: refused.length }])
    assert.equal(served, written + 4) // with what the factory did

    // the owner's other VM too, and nobody else's
    const other = net.client(second)
    await assert.rejects(other.call('nothing'), error => code(error) === 'QUOTA')
    const own = await net.deploy(host, SOURCE)
    assert.equal(await net.client(own.key).call('nothing'), null)
  })

  test('VMs that are begun at once are counted one after the other', async () => {
    const host = await net.host('starts', { policy: { vmsPerOwner: 2 } })
    const factory = await host.factory(crypto.keyPair())
    const results = await Promise.allSettled(
      Array.from({ length: 4 }, (_, i) => deployed(factory.key, `start-${i}`))
    )
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 2)
    assert.equal(host.services.size, 3)
  })
})
