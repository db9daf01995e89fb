// The promise that no acknowledged call is lost and none runs twice, against kill -9 of a real host under load.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { VMSClient } from '../../lib/client/client.js'
import crypto from '../../lib/ledger/crypto.js'
import { encodeKey } from '../../lib/ledger/keys.js'
import { World } from '../helpers/cli.js'

const KILLS = process.env.VMS_TEST_FULL ? 50 : 2
const CALLERS = 2
const IN_FLIGHT = 8

const SOURCE = `
const count = async path => Number(await System.files.readFile(path).catch(() => '0')) + 1
exports.add = async name => {
  const path = '/calls/' + System.caller.id + '/' + name
  await System.files.writeFile(path, String(await count(path)))
  const total = await count('/total')
  await System.files.writeFile('/total', String(total))
  return total
}
`

interface Contract {
  add(name: string): number
}

test(`a host that is killed ${KILLS} times under load loses no acknowledged call and runs none twice`, async t => {
  const world = await World.make(t)
  const home = await world.home('client')
  process.env.XDG_DATA_HOME = path.join(home, 'data')
  await writeFile(path.join(await world.home('host'), 'count.js'), SOURCE)
  let host = await world.serve(['count.js'])
  const bootstrap = world.bootstrap.split(',')

  let stopped = false
  const acknowledged: { path: string; total: number }[] = []
  let answered = () => {}
  const callers = Array.from({ length: CALLERS }, (_, i) => {
    const identity = crypto.keyPair()
    const storage = path.join(home, String(i))
    const client = new VMSClient<Contract>(host.key, { bootstrap, identity, storage, timeout: 120_000 })
    return { client, id: encodeKey(identity.publicKey) }
  })
  const load = callers.flatMap(({ client, id }) =>
    Array.from({ length: IN_FLIGHT }, async (_, worker) => {
      for (let n = 0; !stopped; n++) {
        const name = `${worker}-${n}`
        const total = await client.add(name)
        acknowledged.push({ path: `/calls/${id}/${name}`, total })
        answered()
      }
    })
  )
  const moreCalls = (count: number) =>
    new Promise<void>(resolve => {
      const enough = acknowledged.length + count
      answered = () => {
        if (acknowledged.length >= enough) resolve()
      }
    })

  for (let n = 0; n < KILLS; n++) {
    await moreCalls(20 + ((n * 37) % 100)) // so many answers after the last start: another moment each time
    await host.running.stop('SIGKILL')
    host = await world.serve(['count.js'])
  }
  await moreCalls(20)
  stopped = true
  await Promise.all(load)

  const [{ client }] = callers
  const totals = acknowledged.map(({ total }) => total)
  assert.equal(
    new Set(totals).size,
    totals.length,
    'two calls got the same total: one ran on a state that was lost'
  )
  for (const { path } of acknowledged)
    assert.equal(await client.files.readFile(path), '1', `${path} did not run once`)
  const executed = Number(await client.files.readFile('/total'))
  assert.equal(executed, acknowledged.length, 'a call ran that nobody was told of, or the other way round')
  for (const one of callers) await one.client.close()

  const audit = await world.run('auditor', 'audit', host.key, '--json')
  assert.equal(audit.status, 0, audit.stderr)
  assert.equal(audit.lines[0].calls, acknowledged.length + 1)
  assert.equal((await host.running.stop()).status, 0)
})
