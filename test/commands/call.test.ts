// vms call, and what unreachable VMs answer.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World } from '../helpers/cli.js'
import { deployed } from '../helpers/contract.js'

test('call: one JSON line with the value and where its record stands', async t => {
  const { world, key } = await deployed(t)
  const { status, lines, stdout } = await world.run(
    'alice',
    'call',
    key,
    'echo',
    '1',
    '{"a":[true]}',
    'text',
    '--json'
  )
  assert.equal(status, 0)
  assert.equal(stdout.split('\n').length, 2)
  const [{ hash, gas, ...line }] = lines
  assert.deepEqual(line, { ok: true, value: [1, { a: [true] }, 'text'], index: 1, block: 2 })
  assert.match(String(hash), /^[0-9a-f]{64}$/)
  assert.equal(typeof gas, 'number')
})

test('call: arguments of every kind', async t => {
  const { world, key } = await deployed(t)
  const echo = async (...args: string[]) =>
    (await world.run('alice', 'call', key, 'echo', ...args)).lines[0]?.value
  assert.deepEqual(await echo('-1', '--json'), [-1])
  assert.deepEqual(await echo('--json', '-1.5', '-x', '--why'), [-1.5, '-x', '--why'])
  assert.deepEqual(await echo('--json', '--', '--json', '-1', '--'), ['--json', -1, '--'])
  assert.deepEqual(await echo('-x', '--json', '--', '--help'), ['-x', '--help'])
  assert.deepEqual(await echo('--json', '[{"$bytes":"aGk="}]', '{"$bytes":"?"}'), [
    [{ $bytes: 'aGk=' }],
    { $bytes: '?' }
  ])
  assert.deepEqual(await echo('--json', 'null', '"1"', '{"a":', ''), [null, '1', '{"a":', ''])
  const flagsFirst = await world.run('alice', '--json', '--timeout', '20', 'call', key, 'echo', 'a')
  assert.deepEqual(flagsFirst.lines[0].value, ['a'])
  const hex = await world.run('alice', 'call', `vms://${key}`, 'say', 'by URL')
  assert.equal(hex.stdout, 'by URL\n')
})

test('call: people see a plain string, or pretty JSON', async t => {
  const { world, key } = await deployed(t)
  assert.equal((await world.run('alice', 'call', key, 'say', 'good day')).stdout, 'good day\n')
  assert.equal((await world.run('alice', 'call', key, 'say', '{"a":1}')).stdout, '{\n  "a": 1\n}\n')
  assert.equal((await world.run('alice', 'call', key, 'write', '/a', 'a')).stdout, 'null\n')
})

test('call: 1 if the contract throws or the host refuses', async t => {
  const { world, key } = await deployed(t)
  const thrown = await world.run('alice', 'call', key, 'fail', '--json')
  assert.equal(thrown.status, 1)
  assert.deepEqual(thrown.lines, [
    { ok: false, error: { name: 'RangeError', message: 'too far', code: null }, index: 1, block: 2 }
  ])
  const coded = await world.run('alice', 'call', key, 'missing', '--json')
  assert.equal((coded.lines[0].error as { code: string }).code, 'ENOENT')
  const forPeople = await world.run('alice', 'call', key, 'fail')
  assert.deepEqual([forPeople.status, forPeople.stdout, forPeople.stderr], [1, '', 'RangeError: too far\n'])

  const refused = await world.run('alice', 'call', key, 'nope', '--json')
  assert.equal(refused.status, 1)
  const [{ error, ...line }] = refused.lines
  assert.deepEqual(line, { ok: false, index: null, block: null })
  assert.equal((error as { code: string }).code, 'NO_SUCH_METHOD')
  assert.equal((await world.run('alice', 'call', key, 'init')).status, 1)
})

test('unreachable: 2, with a line for programs and a sentence for people', async t => {
  const world = await World.make(t)
  const key = 'y'.repeat(52)
  const call = await world.run('alice', 'call', key, 'method', '--json', '--timeout', '1')
  assert.equal(call.status, 2)
  assert.equal(call.lines[0].ok, false)
  assert.equal((call.lines[0].error as { code: string }).code, 'UNREACHABLE')
  assert.match(call.stderr, /^vms: no host of y{52} was found within 1 s.*\n$/)
  const audit = await world.run('alice', 'audit', key, '--json', '--timeout', '1')
  assert.deepEqual([audit.status, audit.lines[0].verdict, audit.lines[0].findings], [2, 'inconclusive', []])
  for (const args of [
    ['info', key],
    ['files', key, 'ls'],
    ['log', key],
    ['connect', key]
  ]) {
    const { status, stdout, stderr } = await world.run('alice', ...args, '--timeout', '1')
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr, /^vms: .*\n$/)
  }
})
