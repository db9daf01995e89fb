// vms dev: what is saved runs at once, in memory; what cannot run is told, and what ran before stays.

import assert from 'node:assert/strict'
import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { escapeControls } from '../../lib/commands/escape.js'
import { fixture, World, type Ended, type Running } from '../helpers/cli.js'
import { startOnTerminal } from '../helpers/terminal.js'

/** A folder with files, and the command in it. */
class Desk {
  private seen = 0

  private constructor(
    readonly world: World,
    readonly folder: string
  ) {}

  static async make(t: TestContext, files: { [name: string]: string }): Promise<Desk> {
    const world = await World.make(t)
    const desk = new Desk(world, await world.home('alice'))
    for (const [name, content] of Object.entries(files)) await desk.write(name, content)
    return desk
  }

  /** Saves a file in one step, as editors do: nobody sees half of it. */
  async write(name: string, content: string): Promise<void> {
    const file = path.join(this.folder, name)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(`${file}~`, content)
    await rename(`${file}~`, file)
  }

  /** Types these lines into a session, and ends it. */
  async run(args: string[], lines: string[]): Promise<Ended> {
    const running = await this.start(...args)
    running.child.stdin!.end(lines.map(line => line + '\n').join(''))
    return running.ended
  }

  start(...args: string[]): Promise<Running> {
    return this.world.start('alice', 'dev', ...args)
  }

  /** Resolves with what is printed next, once that ends as expected. */
  async next(running: Running, end: RegExp): Promise<string> {
    await running.until(({ stdout }) => end.test(stdout.slice(this.seen)))
    const text = running.stdout.slice(this.seen)
    this.seen = running.stdout.length
    return text
  }
}

const DEPLOYED = /(runs in memory|deployed anew): .*\n$/
const REFUSED = /mend it and save\n$/

test('a session shows calls, what comes of them and their gas, and reads the files', async t => {
  const desk = await Desk.make(t, {})
  const { status, stdout, stderr } = await desk.run(
    [fixture('counter.js')],
    [
      'await increment(2) * 10',
      'increment("x")',
      '.as alice',
      'const n = increment(3)',
      '[n]',
      '.as',
      '.files',
      '.cat counter.json',
      '.cat /nope',
      '.reset',
      'get()',
      'nope()',
      '.help'
    ]
  )
  assert.deepEqual([status, stderr], [0, ''])
  const lines = stdout
    .replaceAll(fixture('counter.js'), 'counter.js')
    .replace(/\b\d+ gas/g, 'N gas')
    .replace(/\b[a-z0-9]{52}\b/g, 'ID')
    .trimEnd()
    .split('\n')
  assert.deepEqual(lines, [
    'counter.js runs in memory: get(), increment(by?)',
    '1  owner  increment(2) → 2  N gas  +/counter.json',
    '20',
    '2  owner  increment("x") → TypeError: increment takes a whole number  N gas',
    '     at counter.js:12',
    'TypeError: increment takes a whole number',
    'you are alice: ID',
    '3  alice  increment(3) → 5  N gas  +/counter.json',
    '[ 5 ]',
    'you are alice: ID',
    'counter.json',
    '5',
    "Error: ENOENT: no such file or directory, open '/nope'",
    'counter.js is deployed anew: get(), increment(by?)',
    '1  alice  get() → 0  N gas',
    '0',
    'ReferenceError: nope is not defined',
    'get(…)',
    'increment(…)',
    '.files [path]  list files',
    '.cat <path>  print a file',
    '.as [name]  call as somebody else',
    '.reset begin again, in a fresh VM',
    '.help this list',
    '.exit leave'
  ])
  assert.deepEqual(await readdir(desk.folder), [], 'nothing is stored')
})

test('what is saved is deployed anew: by writing, by renaming, and in a file that is imported', async t => {
  const desk = await Desk.make(t, {
    'main.ts': "import { a } from './lib/part.js'\nexport const get = (): number => a\n",
    'lib/part.ts': 'export const a: number = 1\n',
    'other.js': ''
  })
  const running = await desk.start('main.ts')
  const get = async () => {
    running.child.stdin!.write('get()\n')
    return desk.next(running, /^\d+\n$/m)
  }
  assert.equal(await desk.next(running, DEPLOYED), 'main.ts runs in memory: get()\n')
  assert.match(await get(), /^1 {2}owner {2}get\(\) → 1 {2}\d+ gas\n1\n$/)

  // in place, and never half: the file is as long as before
  const part = await open(path.join(desk.folder, 'lib', 'part.ts'), 'r+')
  await part.write('export const a: number = 2\n', 0)
  await part.close()
  assert.equal(await desk.next(running, DEPLOYED), 'main.ts is deployed anew: get()\n')
  assert.match(await get(), /^1 .*\n2\n$/, 'a fresh VM')

  // what is saved beside it changes nothing
  await desk.write('other.js', 'exports.a = 1')
  await desk.write('main.ts', "import { a } from './lib/part.js'\nexport const get = () => a + 1\n")
  assert.equal(await desk.next(running, DEPLOYED), 'main.ts is deployed anew: get()\n')
  assert.match(await get(), /^1 .*\n3\n$/)

  running.child.stdin!.end()
  assert.equal((await running.ended).status, 0)
})

test('a broken script tells its problems, what ran before still runs, and the next change is tried', async t => {
  const good = 'exports.get = () => 1\n'
  const desk = await Desk.make(t, { 'c.js': 'exports.get = (\n' })
  const running = await desk.start('c.js')
  const type = (line: string) => running.child.stdin!.write(line + '\n')
  const still = 'c.js is not deployed, what ran before still runs: mend it and save\n'
  assert.equal(
    await desk.next(running, REFUSED),
    'c.js:2:1: Unexpected end of file\nc.js is not deployed, nothing runs yet: mend it and save\n'
  )
  type('.files')
  assert.match(await desk.next(running, /\n$/), /^Error: c\.js is not deployed yet/)

  await desk.write('c.js', good)
  assert.equal(await desk.next(running, DEPLOYED), 'c.js runs in memory: get()\n')

  await desk.write('c.js', 'let n = 0\nexports.get = () => n++\n')
  assert.match(await desk.next(running, REFUSED), new RegExp(`^c\\.js:2:21: n is assigned .*\n${still}$`))
  type('get()')
  assert.match(await desk.next(running, /^1\n$/m), /^1 {2}owner {2}get\(\) → 1/)

  await desk.write('c.js', "exports.init = () => {\n  throw new Error('no')\n}\nexports.get = () => 2\n")
  assert.match(
    await desk.next(running, REFUSED),
    new RegExp(
      `^0 {2}owner {2}init\\(\\) → Error: no {2}\\d+ gas\n {5}at c\\.js:2\nc\\.js: init failed: no\n${still}$`
    )
  )

  await rm(path.join(desk.folder, 'c.js'))
  assert.equal(await desk.next(running, REFUSED), `there is no file c.js\n${still}`)
  await desk.write('c.js', "import { a } from './later/part.js'\nexport const other = () => a\n")
  assert.equal(await desk.next(running, REFUSED), `c.js:1:19: ./later/part.js cannot be found\n${still}`)
  await desk.write('later/part.js', 'export const a = 7\n')
  await running.until(({ stdout }) => stdout.includes('deployed anew')) // the folder may be seen before its file
  assert.match(await desk.next(running, DEPLOYED), /c\.js is deployed anew: other\(\)\n$/)
  type('other()')
  assert.match(await desk.next(running, /^7\n$/m), /^1 {2}owner {2}other\(\) → 7/)
  type('get()')
  assert.equal(await desk.next(running, /\n$/), 'ReferenceError: get is not defined\n')

  const { status, stderr } = await running.stop('SIGINT')
  assert.deepEqual([status, stderr], [0, ''])
})

test('an endless loop is cut off, console lines tell their call, and nothing is obeyed', async t => {
  const hostile = 'a\u001b[2J\nb'
  const desk = await Desk.make(t, {
    'c.js': `exports.loop = () => { console.warn('round'); for (;;); }
exports.say = text => console.log(text)
exports.fail = () => { System.x.y }
const seen = []
exports.see = a => { seen.push(a) }`
  })
  const { status, stdout } = await desk.run(
    ['c.js', '--gas', '5000'],
    ['loop()', `say(${JSON.stringify(hostile)})`, 'fail()', '1 + 1']
  )
  assert.equal(status, 0)
  const escaped = escapeControls(hostile)
  assert.deepEqual(
    stdout
      .trimEnd()
      .replace(/\d+ gas$/gm, 'N gas')
      .split('\n')
      .slice(0, 8),
    [
      'c.js:5:22: warning: seen is changed inside a function, but memory does not survive a call: keep it in a file with System.files',
      'c.js runs in memory: fail(), loop(), say(text), see(a)',
      '1  owner  loop() → LimitError: the call has used up its gas (OUT_OF_GAS)  N gas',
      '     warn: round',
      'LimitError: the call has used up its gas (OUT_OF_GAS)',
      `2  owner  say(${escapeControls(JSON.stringify(hostile))}) → null  N gas`,
      `     log: ${escaped}`,
      'null'
    ]
  )
  assert.match(stdout, /^loop.*|5000 gas$/m)
  assert.match(stdout, /\n {5}at c\.js:3\nTypeError: .*\n2\n$/)
})

test('oracles are real ones, and a call that waits for one says what it says once', async t => {
  const slow = 'export const get = () => new Promise(done => setTimeout(() => done(VALUE), 100))\n'
  const desk = await Desk.make(t, {
    'c.js': `exports.dice = async () => (await System.oracles.random.bytes(4)).length
exports.get = async () => {
  console.log('asking')
  const got = await System.oracles.slow.get()
  console.log('asked')
  return got
}`,
    'slow.mjs': slow.replace('VALUE', '1')
  })
  const running = await desk.start('c.js', '--oracle', 'random,./slow.mjs')
  await desk.next(running, DEPLOYED)
  running.child.stdin!.write('dice()\nget()\n')
  assert.deepEqual((await desk.next(running, /^1\n$/m)).replace(/\d+ gas/g, 'N gas').split('\n'), [
    '1  owner  dice() → 4  N gas',
    `     random.bytes(4) → ${/→ (\{.*\})$/m.exec(running.stdout)![1]}`,
    '4',
    '2  owner  get() → 1  N gas',
    '     slow.get() → 1',
    '     log: asking',
    '     log: asked',
    '1',
    ''
  ])
  await desk.write('slow.mjs', slow.replace('VALUE', '5'))
  await desk.next(running, DEPLOYED)
  running.child.stdin!.end('get()\n')
  assert.match((await running.ended).stdout, /\n5\n$/, 'a module is watched as well')
})

test('with --json everything is JSON', async t => {
  const desk = await Desk.make(t, { 'c.js': "exports.a = b => { console.log('x'); return b }\n" })
  const running = await desk.start('c.js', '--json')
  await running.json(1)
  running.child.stdin!.write('a(new Uint8Array(2))\nnope\n.as bob\n')
  await running.json(5)
  await desk.write('c.js', 'let a\n(')
  await running.json(6)
  running.child.stdin!.end()
  const { status, stdout, lines } = await running.ended
  assert.equal(status, 0)
  assert.equal(lines.length, stdout.trimEnd().split('\n').length)
  const [deployed, call, value, error, caller, refused] = lines
  assert.deepEqual(deployed, {
    event: 'deployed',
    script: 'c.js',
    methods: ['a'],
    warnings: [],
    again: false
  })
  const { gas, id, ...rest } = call
  assert.equal(typeof gas, 'number')
  assert.match(String(id), /^[a-z0-9]{52}$/)
  const bytes = { $bytes: 'AAA=' }
  assert.deepEqual(rest, {
    event: 'call',
    index: 1,
    caller: 'owner',
    method: 'a',
    args: [bytes],
    outcome: { value: bytes },
    writes: [],
    oracles: [],
    console: [{ level: 'log', text: 'x', place: null }]
  })
  assert.deepEqual(value, { value: bytes })
  assert.equal((error.error as { name: string }).name, 'ReferenceError')
  assert.deepEqual([caller.event, caller.name], ['caller', 'bob'])
  assert.deepEqual(
    [refused.event, (refused.problems as object[])[0]],
    ['refused', { file: 'c.js', message: 'Unexpected end of file', line: 2, column: 2 }]
  )
})

test('without an argument it takes the contract of the project', async t => {
  const desk = await Desk.make(t, {
    'only.js': 'exports.a = () => 1',
    'only.test.js': '',
    'eslint.config.js': '',
    'types.d.ts': ''
  })
  assert.match((await desk.run([], [])).stdout, /^only\.js runs in memory: a\(\)/)
  await desk.write('more.ts', 'export const b = () => 1')
  const { status, stdout, stderr } = await desk.run([], [])
  assert.deepEqual([status, stdout], [64, ''])
  assert.match(
    stderr,
    /^vms: there are several scripts here: more\.ts, only\.js; name one, "vms dev script\.js"/
  )
  await desk.write('package.json', '{"main":"./more.ts"}')
  assert.match((await desk.run([], [])).stdout, /^more\.ts runs in memory: b\(\)/)
  for (const [args, said] of [
    [['nope.js'], /^vms: there is no file nope\.js/],
    [['only.js', '--oracle', 'dice'], /^vms: there is no oracle dice/],
    [['only.js', '--gas', '0'], /^vms: --gas takes a whole number from 1/]
  ] as const) {
    const wrong = await desk.run([...args], [])
    assert.equal(wrong.status, 64)
    assert.match(wrong.stderr, said)
  }
})

test('at a terminal a line that is being typed survives a change', async t => {
  const world = await World.make(t)
  const file = path.join(await world.home('bob'), 'c.js')
  await writeFile(file, 'exports.get = () => 41\n')
  const running = await startOnTerminal(world, ['dev'])
  t.after(() => running.stop('SIGKILL'))
  await running.until(({ stdout }) => stdout.endsWith('c> \x1b[4G'))
  running.child.stdin!.write('1 + await ge')
  await running.until(({ stdout }) => stdout.includes('1 + await ge'))
  await writeFile(file, 'exports.get = () => 42\n')
  await running.until(({ stdout }) => /deployed anew: get\(\)\n[^\n]*c> 1 \+ await ge[^\n]*$/.test(stdout))
  running.child.stdin!.write('t()\n')
  await running.until(({ stdout }) => stdout.includes('get() → 42'))
  running.child.stdin!.end('.exit\n')
  assert.equal((await running.ended).status, 0)
})
