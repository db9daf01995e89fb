import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { VMSError } from '../../lib/errors.js'
import { local, type Local } from '../helpers/local.js'

const SOURCE = `
exports.add = async () => {
  const count = Number(await System.files.readFile('/count').catch(() => '0')) + 1
  await System.files.writeFile('/count', String(count))
  return count
}
`

interface Contract {
  add(): number
}

describe('a host that goes away', () => {
  let net: Local
  before(async () => (net = await local()))
  after(() => net.close())

  test('calls in flight survive its restart, and each runs once', async () => {
    const first = await net.host()
    const { key } = await net.deploy(first, SOURCE)
    const client = net.client<Contract>(key)
    assert.equal(await client.add(), 1)
    const flying = Promise.all(Array.from({ length: 20 }, () => client.add()))
    await first.close()
    const second = await net.host()
    assert.equal(second.services.size, 1)
    const counts = (await flying).sort((a, b) => a - b)
    assert.deepEqual(
      counts,
      Array.from({ length: 20 }, (_, i) => i + 2)
    )
    await client.close()
    await second.close()
  })

  test('the files that a client has read are there while it is away', async () => {
    const host = await net.host('other')
    const { key } = await net.deploy(host, SOURCE)
    const client = net.client<Contract>(key, { timeout: 3000 })
    await client.add()
    assert.equal(await client.files.readFile('/count'), '1')
    await client.close()
    await host.close()
    const storage = `${net.folder}/client-1`
    const offline = net.client<Contract>(key, { storage, timeout: 2000 })
    assert.equal(await offline.files.readFile('/count'), '1')
    assert.equal((await offline.info()).online, false)
    await assert.rejects(offline.add(), error => error instanceof VMSError && error.code === 'UNREACHABLE')
  })
})
