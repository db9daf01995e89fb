// vms connect over a pipe, and many commands of one user at once.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixture, World } from '../helpers/cli.js'

test('a session over a pipe: one line after the other, output in order', async t => {
  const world = await World.make(t)
  const { key } = await world.serve([fixture('counter.js')])
  const { status, stdout, stderr } = await world.session(
    'alice',
    [key],
    [
      'increment(2)',
      'await increment(3)',
      'const n = get()',
      'n * 2',
      'const list = [1,',
      '  { n }]',
      'list',
      'increment("x")',
      'unknown',
      'throw { a: 1 }',
      'let = }',
      'increment(() => 1)',
      '.files',
      '.cat /counter.json',
      '.cat /nope',
      '.bogus',
      '.log 1',
      '1 + 1'
    ]
  )
  assert.deepEqual([status, stderr], [0, ''])
  const lines = stdout.trimEnd().split('\n')
  assert.deepEqual(lines.slice(0, 4), ['2', '5', '10', '[ 1, { n: 5 } ]'])
  assert.equal(lines[4], 'TypeError: increment takes a whole number')
  assert.equal(lines[5], 'ReferenceError: unknown is not defined')
  assert.equal(lines[6], 'Error: { a: 1 }')
  assert.match(lines[7], /^SyntaxError: /)
  assert.match(lines[8], /could not be cloned/)
  assert.deepEqual(lines.slice(9, 11), ['counter.json', '5'])
  assert.match(lines[11], /ENOENT/)
  assert.match(lines[12], /there is no \.bogus/)
  assert.match(lines[13], /^4 .*increment\("x"\) → TypeError/)
  assert.deepEqual(lines.slice(14), ['2'])
})

test('a session says what the VM is, audits it, and ends with .exit', async t => {
  const world = await World.make(t)
  const { key } = await world.serve([fixture('counter.js')])
  const { status, stdout } = await world.session(
    'alice',
    [key],
    ['increment()', '.audit', '.info', '.help', '.audit', '.exit', 'increment()']
  )
  assert.equal(status, 0)
  assert.equal(stdout.match(/^verified: /gm)?.length, 2)
  assert.match(stdout, /^title +counter$/m)
  assert.match(stdout, /^increment\(…\)\n\.files/m)
  assert.equal((await world.run('bob', 'call', key, 'get')).stdout, '1\n')
})

test('a session with --json prints nothing but JSON', async t => {
  const world = await World.make(t)
  const { key } = await world.serve([fixture('counter.js')])
  const input = ['increment()', 'increment("x")', 'unknown', '.files', '.bogus', '.audit', '.help']
  const { status, stdout, lines } = await world.session('alice', [key, '--json'], input)
  assert.equal(status, 0)
  assert.equal(lines.length, stdout.trimEnd().split('\n').length)
  assert.deepEqual(lines[0], { value: 1 })
  assert.deepEqual(lines[1], {
    error: { name: 'TypeError', message: 'increment takes a whole number', code: null }
  })
  assert.equal((lines[2].error as { name: string }).name, 'ReferenceError')
  assert.deepEqual(lines[3], { name: 'counter.json', type: 'file', size: 1 })
  assert.equal((lines[4].error as { code: string }).code, 'USAGE')
  assert.equal(lines[5].verdict, 'verified')
})

test('a user runs many commands at once, without flags', async t => {
  const world = await World.make(t)
  const { key } = await world.serve([fixture('counter.js')])
  const [audit, session, ...calls] = await Promise.all([
    world.run('alice', 'audit', key, '--json'),
    world.session('alice', [key], ['increment(0)', '.files']),
    ...Array.from({ length: 10 }, () => world.run('alice', 'call', key, 'increment', '--json'))
  ])
  for (const { status, stderr } of [audit, session, ...calls]) assert.deepEqual([status, stderr], [0, ''])
  assert.equal(audit.lines[0].verdict, 'verified')
  const values = calls.map(({ lines }) => Number(lines[0].value)).sort((a, b) => a - b)
  assert.deepEqual(values, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  const after = await world.run('alice', 'audit', key, '--json')
  assert.deepEqual([after.status, after.stderr], [0, ''])
  assert.deepEqual([after.lines[0].verdict, after.lines[0].calls], ['verified', 12])
})
