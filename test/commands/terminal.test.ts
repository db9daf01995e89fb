// What strangers chose is printed so that it forges no lines, and that a terminal obeys none of it.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { escapeControls, escapeText } from '../../lib/commands/escape.js'
import { sentenceOf } from '../../lib/commands/exit.js'
import { VMSError } from '../../lib/errors.js'
import { encodeKey } from '../../lib/ledger/keys.js'
import { World, type Ended } from '../helpers/cli.js'
import { Forger } from '../helpers/forger.js'
import { startOnTerminal } from '../helpers/terminal.js'

/** One of every kind, in the order of their code points. */
const HOSTILE = '\0\b\t\n\r\x1b\x7f\x85\x9b\u061c\u200e\u2028\u2029\u202a\u202e\u2066\u2069'
const ESCAPED =
  '\\u0000\\u0008\\t\\n\\r\\u001b\\u007f\\u0085\\u009b\\u061c\\u200e\\u2028\\u2029\\u202a\\u202e\\u2066\\u2069'

/** What no terminal gets from a stranger: everything of HOSTILE but line break and tab. */
const OBEYED = /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u

/** As a terminal sees it, whose own control sequences start with ESC. */
function withoutOwn(text: string): string {
  return text.replace(/\x1b\[\d*[A-Km]|\r/g, '')
}

async function onTerminal(world: World, args: string[]): Promise<Ended> {
  const running = await startOnTerminal(world, args)
  running.child.stdin!.end()
  return running.ended
}

/** Types a line when it is asked for one; after a `?` it completes the line first, until that is listed. */
async function typeOnTerminal(world: World, args: string[], typed: string[]): Promise<Ended> {
  const running = await startOnTerminal(world, ['connect', ...args])
  const { stdin } = running.child
  let seen = 0
  const prompted = async () => {
    await running.until(({ stdout }) => /> \x1b\[\d+G$/.test(stdout.slice(seen)))
    seen = running.stdout.length
  }
  for (const line of typed) {
    await prompted()
    const [text, completed] = line.split('?')
    stdin!.write(text)
    if (completed !== undefined) {
      // keys that are pressed one by one: what arrives at once is taken for pasted
      for (const until of [text, completed]) {
        await running.until(({ stdout }) => stdout.slice(seen).includes(until))
        if (until === text) stdin!.write('\t', () => setTimeout(() => stdin!.write('\t'), 200))
      }
    }
    stdin!.write(completed === undefined ? '\n' : 'x\n')
  }
  await prompted()
  stdin!.end('.exit\n')
  return running.ended
}

/** Runs `use` with a VM whose title, methods, paths and contents its host has made up. */
async function withForged(t: TestContext, use: (world: World, key: string) => Promise<void>): Promise<void> {
  const world = await World.make(t)
  const forger = new Forger(path.join(world.folder, 'forged'), world.bootstrap.split(','))
  await forger.ready()
  try {
    const vm = await forger.vm({
      source: `exports.write = async (path, data) => { await System.files.writeFile(path, data) }\n// \x9b2J`,
      genesis: genesis => {
        genesis.title = `nice\nowner    TRUSTED${HOSTILE}`
        genesis.methods = [...genesis.methods, `z\nhost     online${HOSTILE}`]
        genesis.oracles = [{ name: 'o\ntrust    trustless', methods: ['a'], hash: null, scope: [HOSTILE] }]
      }
    })
    await vm.init()
    await vm.call('write', [FORGED_PATH, `one\ttwo\n${HOSTILE}`])
    await vm.call('write', ['/plain', `${HOSTILE}`])
    await vm.publish()
    await use(world, encodeKey(vm.key))
  } finally {
    await forger.close()
  }
}

const FORGED_PATH = '/a\n7  aaaaaaaa  transfer(1000000) → null  0 gas  +\x1b]0;PWNED\x07\x9b2J\u202e'

test('control characters are made visible, in lines and in texts', () => {
  assert.equal(escapeControls(HOSTILE), ESCAPED)
  assert.equal(escapeText(HOSTILE), ESCAPED.replace('\\t', '\t').replace('\\n', '\n'))
  assert.equal(escapeControls('hällo → "\\n" 日本 👩‍💻'), 'hällo → "\\n" 日本 👩‍💻')
  assert.equal(JSON.parse(escapeControls(JSON.stringify(HOSTILE))), HOSTILE, 'JSON stays what it says')
})

test('an error says where it comes from, and its message adds no line to that', () => {
  const error = new VMSError('BAD_HOST', 'no\n    at forged (file.js:1:1)\nvms: verified')
  assert.deepEqual(sentenceOf(error, false), [`vms: ${error.message}`])
  const [first, ...frames] = sentenceOf(error, true)
  assert.equal(first, `vms: VMSError: ${error.message}`)
  assert.ok(frames.length > 0 && frames.every(line => /^ {4}at /.test(line) && !line.includes('forged')))
})

test(
  'titles, methods and paths forge no lines: in a pipe and on a terminal',
  { timeout: 120_000 },
  async t => {
    await withForged(t, async (world, key) => {
      for (const run of [
        (...args: string[]) => world.run('bob', ...args),
        (...args: string[]) => onTerminal(world, args)
      ]) {
        const info = await run('info', key)
        const rows = info.stdout.trimEnd().split('\n')
        assert.deepEqual(
          rows.map(row => /^\w+/.exec(row)?.[0]),
          'title key owner methods trust host log head runtime contract upgrades'.split(' ')
        )
        assert.equal(rows[0], `title     nice\\nowner    TRUSTED${ESCAPED}`)
        assert.ok(rows[3].endsWith(`z\\nhost     online${ESCAPED}`))

        const log = await run('log', key)
        assert.deepEqual(log.stdout.match(/^\d+(?= )/gm), ['0', '1', '2'])
        assert.equal(log.stdout.split('\n').length, 4)
        assert.match(log.stdout, /\+\/a\\n7 {2}aaaaaaaa .*\\u001b\]0;PWNED\\u0007\\u009b2J\\u202e$/m)

        const ls = await run('files', key, 'ls', '/')
        assert.equal(ls.stdout, `${escapeControls(FORGED_PATH.slice(1))}\nplain\n`)

        const missing = await run('files', key, 'cat', '/no\nvms: fine\x1b')
        assert.match(missing.stderr, /^vms: ENOENT.*\/no\\nvms: fine\\u001b.*\n$/)
        for (const { stdout, stderr } of [info, log, ls, missing])
          assert.doesNotMatch(stdout + stderr, OBEYED)
      }
    })
  }
)

test('contents are as they are in a pipe, and harmless on a terminal', { timeout: 120_000 }, async t => {
  await withForged(t, async (world, key) => {
    const content = `one\ttwo\n${HOSTILE}`
    assert.equal((await world.run('bob', 'files', key, 'cat', FORGED_PATH)).stdout, content)
    assert.equal((await onTerminal(world, ['files', key, 'cat', FORGED_PATH])).stdout, escapeText(content))

    const source = await world.run('bob', 'info', key, '--source')
    assert.match(source.stdout, /\/\/ \x9b2J\n$/)
    assert.match((await onTerminal(world, ['info', key, '--source'])).stdout, /\/\/ \\u009b2J\n$/)

    const piped = await world.run('bob', 'info', key, '--json')
    assert.ok(piped.stdout.includes('\x9b') && !piped.stdout.includes('\\u009b'), 'JSON as it is')
    const shown = await onTerminal(world, ['info', key, '--json'])
    assert.doesNotMatch(shown.stdout, OBEYED)
    assert.equal(shown.lines[0].title, piped.lines[0].title, 'it says the same')
  })
})

test('a session shows a forged title, methods and files as they are', { timeout: 120_000 }, async t => {
  await withForged(t, async (world, key) => {
    const typed = [
      '.info',
      '.files /',
      '.cat /plain',
      '.log',
      '.help',
      '[1, "a"]',
      'globalThis.?globalThis.write'
    ]
    const { stdout, stderr } = await typeOnTerminal(world, [key], typed)
    assert.equal(
      stderr,
      `nice\\nowner    TRUSTED${ESCAPED} is semi-trusted: o\\ntrust    trustless\n` +
        `nice\\nowner    TRUSTED${ESCAPED}: write, z\\nhost     online${ESCAPED}. Type .help for more.\n`
    )
    assert.ok(stdout.includes(`nice\\nowner    TRUSTED${ESCAPED}> `))
    assert.ok(stdout.includes("[ \x1b[33m1\x1b[39m, \x1b[32m'a'\x1b[39m ]"), 'colours stay')
    const lines = withoutOwn(stdout)
    assert.doesNotMatch(lines, OBEYED)
    assert.doesNotMatch(lines, /^(owner +TRUSTED|7 +aaaaaaaa)/m)
    assert.ok(lines.includes(`\n${escapeText(HOSTILE)}\n`), '.cat')
    assert.match(lines, /^z\\nhost .*\(…\)$/m)

    const piped = await world.session('bob', [key], ['.files', '.log 1'])
    assert.equal(piped.stdout.split('\n').length, 4)
    assert.doesNotMatch(piped.stdout, OBEYED)
  })
})

test('what a contract says, returns and throws is shown, not obeyed', { timeout: 120_000 }, async t => {
  const world = await World.make(t)
  await writeFile(
    path.join(await world.home('host'), 'talk.js'),
    `exports.talk = text => console.log(text)
exports.say = text => text
exports.fail = text => { throw new RangeError(text) }
exports.name = text => { const e = new Error('m'); e.name = text; throw e }`
  )
  const { key, running } = await world.serve(['talk.js'])
  const text = `a\n${key.slice(0, 8)} warn: forged${HOSTILE}`
  const json = JSON.stringify(text)
  const escaped = escapeControls(text)

  await world.run('bob', 'call', key, 'talk', json)
  await running.until(({ stderr }) => stderr.includes('forged'))
  assert.equal(running.stderr, `${key.slice(0, 8)} #1 log: ${escaped}\n`)

  assert.equal((await world.run('bob', 'call', key, 'say', json)).stdout, text + '\n')
  assert.equal((await onTerminal(world, ['call', key, 'say', json])).stdout, escapeText(text) + '\n')
  const list = await onTerminal(world, ['call', key, 'say', `[${json}]`])
  assert.doesNotMatch(list.stdout, OBEYED)
  assert.deepEqual(JSON.parse(list.stdout), [text])
  assert.equal((await world.run('bob', 'call', key, 'fail', json)).stderr, `RangeError: ${escaped}\n`)
  assert.equal((await onTerminal(world, ['call', key, 'fail', json])).stderr, `RangeError: ${escaped}\n`)
  assert.equal(
    (await world.run('bob', 'call', key, 'name', json)).stderr,
    `${escapeControls(text.slice(0, 100))}: m\n`
  )

  const typed = [
    `say(${json})`,
    `fail(${json})`,
    `const all = await Promise.allSettled([fail(${json})])`,
    'all'
  ]
  const session = await world.session('bob', [key], typed)
  assert.doesNotMatch(session.stdout, OBEYED)
  const [said, failed, ...rest] = session.stdout.trimEnd().split('\n')
  assert.match(said, /^'a\\n/)
  assert.equal(failed, `RangeError: ${escaped}`)
  assert.ok(rest.join('\n').includes(`reason: [RangeError: ${escaped}]`))
  // what is typed is echoed: escaped, it is the same
  const asEscaped = typed.map(line => escapeControls(line))
  for (const flags of [[], ['--json']]) {
    const { stdout } = await typeOnTerminal(world, [key, ...flags], asEscaped)
    assert.ok(stdout.includes('forged'))
    assert.doesNotMatch(withoutOwn(stdout), OBEYED)
    assert.doesNotMatch(stdout, new RegExp(`^${key.slice(0, 8)} warn`, 'm'))
  }
})
