// vms call --local and the session's local.method(): run here, on the files that the host has signed.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { World } from '../helpers/cli.js'
import { deployed } from '../helpers/contract.js'

const CONTRACT = `
exports.init = async () => System.files.writeFile('/n', '0')
exports.get = async () => System.files.readFile('/n')
exports.add = async by => {
  await System.files.writeFile('/n', String(Number(await System.files.readFile('/n')) + by))
  return System.files.readFile('/n')
}
exports.where = () => [System.vm.key, System.vm.index, System.caller.id]
`

test('call --local: the host is not asked, nothing is logged, and no write is kept', async t => {
  const world = await World.make(t)
  await writeFile(path.join(await world.home('host'), 'contract.js'), CONTRACT)
  const { key, running } = await world.serve(['contract.js'])
  await world.run('alice', 'call', key, 'add', '7')

  const local = await world.run('alice', 'call', '--local', key, 'add', '10', '--json')
  assert.equal(local.status, 0, local.stderr)
  const [{ hash, gas, age, ...line }] = local.lines
  assert.deepEqual(line, { ok: true, local: true, value: '17', block: 2, online: true, auditors: [] })
  assert.deepEqual([local.lines.length, local.stderr], [1, ''])
  assert.match(String(hash), /^[0-9a-f]{64}$/)
  assert.ok(Number(gas) > 0 && Number(age) >= 0)
  assert.equal((await world.run('alice', 'log', key, '--json')).lines.length, 2)
  assert.equal((await world.run('alice', 'call', '--local', key, 'get')).stdout, '7\n')

  await running.stop('SIGKILL')
  const offline = await world.run('alice', 'call', '--local', key, 'get', '--timeout', '20')
  assert.deepEqual([offline.status, offline.stdout], [0, '7\n'])
  assert.match(
    offline.stderr,
    /^answered here, from the files of block 2, whose head was signed \d+ (?:s|min) ago; the host is offline; not audited\n$/
  )
  const { id } = (await world.run('alice', 'identity', '--json')).lines[0]
  const where = await world.run('alice', 'call', '--local', key, 'where', '--json', '--timeout', '20')
  assert.deepEqual(where.lines[0].value, [key, 2, id])
  assert.equal(where.lines[0].online, false)
})

test('call --local: the same errors as those of a call, where it is one', async t => {
  const { world, key } = await deployed(t)
  const thrown = await world.run('alice', 'call', '--local', key, 'fail', '--json')
  assert.equal(thrown.status, 1)
  assert.deepEqual(thrown.lines, [
    {
      ok: false,
      local: true,
      error: { name: 'RangeError', message: 'too far', code: null },
      index: null,
      block: 1
    }
  ])
  assert.match(thrown.stderr, /^thrown here, on the files of block 1; not audited$/m)
  const refused = await world.run('alice', 'call', '--local', key, 'init', '--json')
  assert.deepEqual([refused.status, (refused.lines[0].error as { code: string }).code], [1, 'NO_SUCH_METHOD'])
  const nobody = await world.run(
    'alice',
    'call',
    '--local',
    'y'.repeat(52),
    'get',
    '--json',
    '--timeout',
    '1'
  )
  assert.deepEqual([nobody.status, (nobody.lines[0].error as { code: string }).code], [2, 'UNREACHABLE'])
})

test('call: --local before the method is an option, after it an argument', async t => {
  const { world, key } = await deployed(t)
  const say = async (...args: string[]) => (await world.run('alice', 'call', ...args, '--json')).lines[0]
  assert.deepEqual((await say(key, 'echo', '--local', '1')).value, ['--local', 1])
  assert.deepEqual((await say('--timeout', '20', key, 'echo', '--local')).value, ['--local'])
  assert.equal((await say('--timeout', '20', '--local', key, 'echo')).local, true)
  assert.equal((await say(key, '--local', 'echo', '1')).local, true)
})

test('a session runs methods here, also when the host is gone', async t => {
  const world = await World.make(t)
  await writeFile(path.join(await world.home('host'), 'contract.js'), CONTRACT)
  const { key, running } = await world.serve(['contract.js'])
  const online = await world.session('alice', [key], ['add(1)', 'local.add(5)', 'local.get()', '.log 9'])
  assert.deepEqual(online.stdout.split('\n').slice(0, 3), ["'1'", "'6'", "'1'"])
  assert.equal(online.stdout.match(/add\(/g)?.length, 1)
  await running.stop('SIGKILL')
  const offline = await world.session('alice', [key, '--timeout', '20'], ['await local.get()'])
  assert.equal(offline.stdout, "'1'\n")
  assert.match(offline.stderr, /^the host is offline, .*local\.method/)
})
