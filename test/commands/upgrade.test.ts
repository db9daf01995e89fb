// vms upgrade: a contract that its owner replaces, as everybody sees it.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { World, type Ended } from '../helpers/cli.js'

const FIRST = `
exports.init = async () => { await System.files.writeFile('/n', '1') }
exports.get = async () => Number(await System.files.readFile('/n'))
exports.old = () => 'old'`

const SECOND = `
exports.migrate = async from => {
  await System.files.writeFile('/from', from)
  await System.files.writeFile('/n', '{"n":1}')
}
exports.get = async () => JSON.parse(await System.files.readFile('/n')).n
exports.from = () => System.files.readFile('/from')`

function ok({ status, stderr, lines }: Ended) {
  assert.equal(status, 0, stderr)
  return lines[0]
}

test('a contract is replaced by its owner, and everybody sees which one ran what', async t => {
  const world = await World.make(t)
  const home = await world.home('alice')
  await writeFile(path.join(home, 'app.js'), FIRST)
  await writeFile(path.join(home, 'next.js'), SECOND)
  await writeFile(path.join(await world.home('bob'), 'next.js'), SECOND)
  await writeFile(path.join(home, 'bad.js'), `exports.migrate = () => { throw new Error('not today') }`)
  const host = await world.start('alice', 'serve', 'app.js', '--upgrade', 'owner', '--json')
  const [ready] = await host.json(1)
  const key = String(ready.key)
  const before = ok(await world.run('bob', 'info', key, '--json'))
  assert.deepEqual([before.upgrade, before.contractBlock, before.methods], ['owner', 0, ['get', 'old']])
  assert.equal(ok(await world.run('bob', 'call', key, 'old', '--json')).value, 'old')

  for (const [user, script, status, why] of [
    ['bob', 'next.js', 1, /only its owner may replace the contract/],
    ['alice', 'bad.js', 1, /migrate failed: not today/],
    ['alice', 'app.js', 64, /in force already/]
  ] as const) {
    const refused = await world.run(user, 'upgrade', key, script)
    assert.equal(refused.status, status, refused.stderr)
    assert.match(refused.stderr, why)
  }
  const open = await world.start('bob', 'connect', key)
  open.child.stdin!.write('await old()\n')
  await open.until(({ stdout }) => stdout.includes("'old'"))
  const upgraded = ok(await world.run('alice', 'upgrade', key, 'next.js', '--json'))
  await open.until(({ stderr }) => stderr.includes('replaced in block 4; its methods: from, get'))
  open.child.stdin!.end('await get()\nawait old()\n')
  assert.match((await open.ended).stdout, /^'old'\n1\n.*old is not defined/m)
  assert.deepEqual([upgraded.event, upgraded.block, upgraded.methods], ['upgraded', 4, ['from', 'get']])

  assert.equal(ok(await world.run('bob', 'call', key, 'get', '--json')).value, 1)
  assert.equal(ok(await world.run('bob', 'call', key, 'from', '--json')).value, before.sourceHash)
  assert.equal(ok(await world.run('bob', 'call', '--local', key, 'get', '--json')).value, 1)
  const gone = await world.run('bob', 'call', key, 'old')
  assert.match(gone.stderr, /no method "old"/)
  const after = ok(await world.run('bob', 'info', key, '--json'))
  assert.deepEqual(
    [after.contractBlock, after.sourceHash, after.methods],
    [4, upgraded.sourceHash, ['from', 'get']]
  )
  assert.equal((await world.run('bob', 'info', key, '--compare', 'next.js')).status, 0)
  const { lines } = await world.run('bob', 'log', key, '--json')
  assert.deepEqual(
    lines.map(({ method, contract }) => [method, contract === before.sourceHash]),
    [
      ['init', true],
      ['old', true],
      ['old', true],
      ['migrate', false],
      ['get', false],
      ['get', false],
      ['from', false]
    ]
  )
  assert.deepEqual(lines[3].args, [before.sourceHash, upgraded.sourceHash])
  const shown = await world.run('bob', 'log', key)
  assert.match(
    shown.stdout,
    new RegExp(`contract ${String(after.sourceHash).slice(0, 8)}, since block 4\n3 `)
  )
  const session = await world.session('bob', [key], ['await get()', '.log 2', '.exit'])
  assert.match(session.stdout, /^1\n/)

  // after a kill too; the script that was replaced is no new VM
  await host.stop('SIGKILL')
  const again = await world.start('alice', 'serve', 'app.js', '--json')
  const [back] = await again.json(1)
  assert.deepEqual([back.key, back.resumed, back.methods], [key, true, ['from', 'get']])
  assert.equal(ok(await world.run('bob', 'call', key, 'get', '--json')).value, 1)
  const audit = await world.run('carol', 'audit', key, '--json')
  assert.deepEqual([audit.status, audit.lines[0].verdict], [0, 'verified'])
  const sampled = await world.run('carol', 'audit', key, '--from', '5', '--json')
  assert.deepEqual([sampled.status, sampled.lines[0].verdict], [0, 'verified'])
})

test('what cannot be replaced is told, and so is a policy that there is not', async t => {
  const world = await World.make(t)
  const home = await world.home('alice')
  await writeFile(path.join(home, 'app.js'), FIRST)
  await writeFile(path.join(home, 'next.js'), SECOND)
  const wrong = await world.run('alice', 'serve', 'app.js', '--upgrade', 'everybody')
  assert.equal(wrong.status, 64)
  assert.match(wrong.stderr, /--upgrade takes never or owner/)
  const host = await world.start('alice', 'serve', 'app.js', '--json')
  const [ready] = await host.json(1)
  const fixed = await world.run('alice', 'upgrade', String(ready.key), 'next.js')
  assert.equal(fixed.status, 1)
  assert.match(fixed.stderr, /nobody may replace it/)
  await host.stop()
  const offline = await world.run('alice', 'upgrade', String(ready.key), 'next.js', '--timeout', '2')
  assert.equal(offline.status, 2)
})
