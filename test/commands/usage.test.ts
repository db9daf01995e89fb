// Flags, usage errors and exit statuses that need no network; check and identity.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { fixture, VMS, World } from '../helpers/cli.js'
import { freePort } from '../helpers/port.js'

const KEY = 'y'.repeat(52)

const USAGE: [string, string[], RegExp][] = [
  ['no command', [], /^Usage: vms/],
  ['unknown command', ['frobnicate'], /^vms: unknown command 'frobnicate'/],
  ['help of an unknown command', ['help', 'frobnicate'], /^vms: unknown command 'frobnicate'/],
  ['unknown flag', ['audit', KEY, '--frob'], /^vms: unknown option '--frob'/],
  ['unknown flag before the method', ['call', KEY, '--frob', 'method'], /^vms: unknown option '--frob'/],
  ['missing argument', ['call', KEY], /^vms: missing required argument 'method'/],
  ['too many arguments', ['identity', 'me'], /^vms: too many arguments/],
  ['bad key', ['call', 'junk', 'method'], /^vms: "junk" is not a VM key/],
  ['bad key of a file', ['files', 'junk', 'ls'], /^vms: "junk" is not a VM key/],
  ['bad bootstrap', ['call', KEY, 'method', '--bootstrap', 'here'], /^vms: "here" is no bootstrap node/],
  ['bad timeout', ['audit', KEY, '--timeout', 'soon'], /^vms: --timeout takes a number above 0/],
  ['no timeout', ['call', KEY, 'method', '--timeout', '0'], /^vms: --timeout takes a number above 0/],
  ['bad index', ['log', KEY, '--from', '-1'], /^vms: --from takes a whole number from 0/],
  ['bad port', ['testnet', '--port', '99999'], /^vms: --port takes a whole number from 1 up to 65535/],
  ['bad watchdog', ['serve', '--watchdog', 'x'], /^vms: --watchdog takes a whole number from 1/],
  ['unknown action', ['files', KEY, 'rm', '/a'], /^vms: there is no "vms files rm"/],
  ['missing path', ['files', KEY, 'cat'], /^vms: vms files cat needs a path/],
  ['dest for cat', ['files', KEY, 'cat', '/a', 'b'], /^vms: vms files cat takes a path and nothing else/],
  ['nothing to serve', ['serve'], /^vms: .* holds no VMs: name a contract/],
  ['bad identity', ['identity', '--identity', '.'], /^vms: .*identity/]
]

test('usage errors: 64, one sentence on stderr, nothing on stdout', async t => {
  const world = await World.make(t)
  for (const [name, args, expected] of USAGE) {
    await t.test(name, async () => {
      const { status, stdout, stderr } = await world.run('alice', ...args)
      assert.match(stderr, expected)
      assert.equal(status, 64)
      assert.equal(stdout, '')
      if (args.length > 0) assert.equal(stderr.trimEnd().split('\n').length, 1, 'one line')
    })
  }
})

test('help and version are answers', async t => {
  const world = await World.make(t)
  const help = await world.run('alice', '--help')
  assert.equal(help.status, 0)
  for (const command of [
    'serve',
    'call',
    'connect',
    'files',
    'info',
    'log',
    'audit',
    'check',
    'identity',
    'demo'
  ]) {
    assert.match(help.stdout, new RegExp(`^  ${command} `, 'm'))
  }
  const call = await world.run('alice', 'call', '--help')
  assert.match(call.stdout, /--bootstrap/)
  for (const [args, shown] of [
    [['help'], help],
    [['help', 'call'], call]
  ] as const)
    assert.deepEqual(await world.run('alice', ...args), shown)
  const version = await world.run('alice', '--version')
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/)
})

test('--verbose shows where an error comes from', async t => {
  const world = await World.make(t)
  const { stderr } = await world.run('alice', 'info', 'junk', '--verbose')
  assert.match(stderr, /\n {4}at /)
})

test('identity is made once, for its owner alone', async t => {
  const world = await World.make(t)
  const first = await world.run('alice', 'identity', '--json')
  assert.equal(first.status, 0)
  const [{ id, file }] = first.lines
  assert.match(String(id), /^[a-z0-9]{52}$/)
  assert.equal((await stat(String(file))).mode & 0o777, 0o600)
  assert.equal((await world.run('alice', 'identity')).stdout.split('\n')[0], id)

  const others = await Promise.all(
    Array.from({ length: 5 }, () => world.run('bob', 'identity', '--json', '--identity', 'key'))
  )
  assert.equal(new Set(others.map(({ lines }) => lines[0].id)).size, 1, 'made at once, it is the same')
  assert.notEqual(others[0].lines[0].id, id)
})

test('check says what can be deployed, and where what cannot is wrong', async t => {
  const world = await World.make(t)
  const home = await world.home('alice')
  const good = await world.run('alice', 'check', fixture('counter.js'), '--json')
  assert.deepEqual(
    [good.status, good.lines],
    [0, [{ ok: true, methods: ['get', 'increment'], problems: [], warnings: [], load: good.lines[0].load }]]
  )
  assert.match(
    (await world.run('alice', 'check', fixture('counter.js'))).stdout,
    /can be deployed.*increment/
  )

  await writeFile(path.join(home, 'bad.js'), 'let n = 0\nexports.count = () => n++\n')
  const bad = await world.run('alice', 'check', 'bad.js', '--json')
  assert.equal(bad.status, 1)
  const [{ ok, problems }] = bad.lines as [{ ok: boolean; problems: { message: string; line: number }[] }]
  assert.equal(ok, false)
  assert.equal(problems[0].line, 2)
  assert.match((await world.run('alice', 'check', 'bad.js')).stdout, /^bad\.js:2:\d+: n is assigned/)

  await writeFile(path.join(home, 'broken.ts'), 'export const a = () => {\n')
  const broken = await world.run('alice', 'check', 'broken.ts')
  assert.equal(broken.status, 1)
  assert.match(broken.stdout, /^broken\.ts:2:1: /)
  const missing = await world.run('alice', 'check', 'missing.js')
  assert.deepEqual([missing.status, missing.stdout], [1, 'there is no file missing.js\n'])
})

test('a script that cannot be deployed is not served', async t => {
  const world = await World.make(t)
  await writeFile(path.join(await world.home('alice'), 'bad.js'), 'let n = 0\nexports.count = () => n++\n')
  const bad = await world.run('alice', 'serve', 'bad.js')
  assert.equal(bad.status, 1)
  assert.match(bad.stderr, /^vms: bad\.js:2:\d+: n is assigned/)
  assert.equal((await world.run('alice', 'serve', 'missing.js')).status, 1)
})

test('testnet says where it is, and frees its port', async t => {
  const world = await World.make(t)
  const anywhere = await world.start('alice', 'testnet', '--json')
  const [{ event, bootstrap }] = await anywhere.json()
  assert.equal(event, 'ready')
  assert.match((bootstrap as string[])[0], /^127\.0\.0\.1:\d+$/)
  assert.equal((await anywhere.stop('SIGINT')).status, 0)

  const port = String(await freePort())
  const testnet = await world.start('alice', 'testnet', '--json', '--port', port)
  assert.deepEqual((await testnet.json())[0].bootstrap, [`127.0.0.1:${port}`])
  const taken = await world.run('alice', 'testnet', '--port', port)
  assert.equal(taken.status, 64)
  assert.match(taken.stderr, new RegExp(`^vms: port ${port} is in use`))
  assert.equal((await testnet.stop('SIGINT')).status, 0)
  const again = await world.start('alice', 'testnet', '--json', '--port', port)
  assert.deepEqual((await again.json())[0].bootstrap, [`127.0.0.1:${port}`])
  assert.equal((await again.stop('SIGTERM')).status, 0)
})

test('what people run first loads nothing of the network', async t => {
  const world = await World.make(t)
  const home = await world.home('alice')
  await writeFile(
    path.join(home, 'trace.cjs'),
    `process.on('exit', () => require('fs').writeFileSync('loaded', Object.keys(require.cache).join('\\n')))`
  )
  for (const args of [['--help'], ['identity', '--identity', 'key']]) {
    spawnSync(process.execPath, ['--require', './trace.cjs', VMS, ...args], { cwd: home })
    const loaded = await readFile(path.join(home, 'loaded'), 'utf8')
    assert.doesNotMatch(loaded, /node_modules\/(hyperswarm|hyperdht|hyperdrive|hypercore|corestore|ses)\//)
  }
})
