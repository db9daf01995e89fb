import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Service } from '../../lib/host/service.js'
import { COMMIT_WRITE_BYTES } from '../../lib/ledger/blocks.js'
import { bytesWritten } from '../../lib/ledger/record.js'
import { readBlock } from '../../lib/machine/load.js'
import { audit } from '../../lib/audit/auditor.js'
import { Replica } from '../../lib/replica/replica.js'
import { local, type Local } from '../helpers/local.js'

const SOURCE = `
exports.fill = async (name, files) => {
  for (let i = 0; i < files; i++) await System.files.writeFile('/' + name + '/' + i, new Uint8Array(1024 * 1024))
}
`

describe('calls that write much', () => {
  let net: Local
  let service: Service
  before(async () => {
    net = await local()
    service = await net.deploy(await net.host(), SOURCE)
  })
  after(() => net.close())

  test('are committed in blocks of a bounded size, however many come at once, and the audit agrees', async () => {
    const client = net.client<{ fill(name: string, files: number): void }>(service.key)
    await Promise.all(Array.from({ length: 8 }, (_, i) => client.fill(String(i), 10)))
    const { log } = service.machine.cores
    for (let n = 1; n < log.length; n++) {
      const block = await readBlock(log, n)
      assert.ok(block.type === 'commit')
      const written = block.records.reduce((sum, record) => sum + bytesWritten(record), 0)
      assert.ok(written <= COMMIT_WRITE_BYTES, `block ${n} writes ${written} bytes`)
    }
    assert.equal(service.machine.calls, 9)
    await client.close()
    const replica = new Replica(service.key, { bootstrap: net.bootstrap, data: net.folder })
    const { verdict, findings } = await audit(replica, { timeout: 30_000 })
    await replica.close()
    assert.deepEqual(findings, [])
    assert.equal(verdict, 'verified')
  })
})
