// vms init: a project that passes as it is written, with nothing but npm, and touches nothing that is there.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { Running, VMS, World, type Ended } from '../helpers/cli.js'

/** The tests that run here are no part of this one. */
const ENV = { ...process.env, NODE_TEST_CONTEXT: undefined }

/** Runs a command to its end, with what it reads. */
async function run(t: TestContext, cwd: string, [command, ...args]: string[], input = ''): Promise<Ended> {
  const running = new Running(spawn(command, args, { cwd, env: ENV }))
  t.after(() => running.stop('SIGKILL'))
  running.child.stdin!.end(input)
  return running.ended
}

for (const typescript of [false, true]) {
  const [language, contract] = typescript ? ['TypeScript', 'guestbook.ts'] : ['JavaScript', 'guestbook.js']

  test(`a project in ${language} passes as it is written`, { timeout: 300_000 }, async t => {
    const home = await (await World.make(t)).home('alice')
    const flags = typescript ? ['--typescript'] : []
    const init = await run(t, home, [process.execPath, VMS, 'init', 'book', ...flags])
    assert.deepEqual([init.status, init.stderr], [0, ''])
    assert.match(init.stdout, new RegExp(`^book is a project now: a contract, ${contract}, and its test`))
    // what it says is what to do
    assert.match(
      init.stdout,
      /\n {2}cd book\n {2}npm ci\n {2}npm test\n {2}npx vms dev .*\n {2}npx vms serve /
    )

    const folder = path.join(home, 'book')
    const ci = await run(t, folder, ['npm', 'ci', '--no-audit', '--no-fund', '--prefer-offline'])
    assert.equal(ci.status, 0, ci.stderr)
    const tested = await run(t, folder, ['npm', 'test'])
    assert.equal(tested.status, 0, tested.stdout + tested.stderr)
    assert.match(tested.stdout, /pass 2\b/)
    const checked = await run(t, folder, ['npm', 'run', 'check'])
    assert.equal(checked.status, 0, checked.stdout + checked.stderr)
    assert.match(checked.stdout, /can be deployed\. Its methods: entries\(\), sign\(text\)/)

    const dev = await run(t, folder, ['npx', 'vms', 'dev'], 'sign("hello")\n(await entries())[0].text\n')
    assert.equal(dev.status, 0, dev.stderr)
    assert.match(dev.stdout, new RegExp(`^${contract.replace('.', '\\.')} runs in memory: `))
    assert.match(dev.stdout, /\n1 {2}owner {2}sign\("hello"\) → null {2}\d+ gas {2}\+\/entries\/.*\nnull\n/)
    assert.match(dev.stdout, /\n'hello'\n$/)
    if (typescript) return

    // the installed package makes projects too
    const again = await run(t, folder, ['npx', 'vms', 'init', 'sub', '--json'])
    const [{ files, locked }] = again.lines
    assert.equal(locked, true)
    const there = await readdir(path.join(folder, 'sub'), { recursive: true, withFileTypes: true })
    assert.equal(there.filter(one => one.isFile()).length, (files as string[]).length)
    const tarballs = await Promise.all(
      [folder, path.join(folder, 'sub')].map(async one => {
        const [name] = await readdir(path.join(one, 'vendor'))
        const { stdout } = await run(t, one, ['tar', '-tzf', path.join('vendor', name)])
        return stdout.split('\n').sort()
      })
    )
    assert.deepEqual(tarballs[1], tarballs[0], 'it is packed again as it is')
  })
}

test('what is there is not touched', async t => {
  const world = await World.make(t)
  const home = await world.home('alice')
  await mkdir(path.join(home, 'full'))
  await writeFile(path.join(home, 'full', '.hidden'), 'mine')
  await writeFile(path.join(home, 'file'), 'mine')
  for (const [dir, said] of [
    [['full'], 'vms: full is not empty: name one that is, or a new one\n'],
    [[], 'vms: this folder is not empty: name one that is, or a new one\n'],
    [['file'], 'vms: file is a file: name a folder for the project\n']
  ] as const) {
    const { status, stdout, stderr } = await world.run('alice', 'init', ...dir)
    assert.deepEqual([status, stdout, stderr], [64, '', said])
  }
  assert.deepEqual((await readdir(home, { recursive: true })).sort(), ['file', 'full', 'full/.hidden'])
  assert.equal(await readFile(path.join(home, 'full', '.hidden'), 'utf8'), 'mine')
})

test('without a registry there is a project nevertheless, and it says what to do', async t => {
  const home = await (await World.make(t)).home('alice')
  const folder = path.join(home, 'Über uns')
  await mkdir(path.join(folder, '.git'), { recursive: true })
  const env = {
    ...ENV,
    npm_config_registry: 'http://127.0.0.1:1',
    npm_config_cache: path.join(home, 'cache')
  }
  const running = new Running(spawn(process.execPath, [VMS, 'init'], { cwd: folder, env }))
  t.after(() => running.stop('SIGKILL'))
  running.child.stdin!.end()
  const { status, stdout, stderr } = await running.ended
  assert.equal(status, 0)
  assert.match(stderr, /^vms: npm could not write package-lock\.json: .*; "npm install" will, .*\n$/)
  assert.match(stdout, /^this folder is a project now: .*\n {2}npm install\n {2}npm test\n/)
  const { name, dependencies } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as {
    name: string
    dependencies: { [name: string]: string }
  }
  assert.equal(name, 'uber-uns')
  const [tarball] = await readdir(path.join(folder, 'vendor'))
  assert.deepEqual(dependencies, { vmswarm: `file:vendor/${tarball}` })
})
