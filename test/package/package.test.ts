// The package as npm would publish it, installed in an empty folder by somebody who has none of this repository.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const run = promisify(execFile)

/** What stands in the lockfile for a package at the top of node_modules. */
interface Locked {
  packages: { [place: string]: { version: string } }
}

describe('the packed package', () => {
  let folder: string
  let vms: string

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'vms-package-'))
    // dist is there already, and other tests run from it: it must not be built anew
    const { stdout } = await run(
      'npm',
      ['pack', '--ignore-scripts', '--json', '--pack-destination', folder],
      { cwd: ROOT }
    )
    const [{ filename }] = JSON.parse(stdout) as { filename: string }[]
    await writeFile(path.join(folder, 'package.json'), '{"private":true}')
    await run('npm', ['install', '--no-audit', '--no-fund', path.join(folder, filename)], { cwd: folder })
    vms = path.join(folder, 'node_modules', '.bin', 'vms')
  })
  after(() => rm(folder, { recursive: true, force: true }))

  test('holds no sources of tests, and everything that it needs', async () => {
    const names = await readdir(path.join(folder, 'node_modules', 'vmswarm'), { recursive: true })
    assert.ok(names.includes(path.join('dist', 'lib', 'index.d.ts')))
    assert.ok(names.includes(path.join('fixtures', 'contracts', 'rsvp.js')))
    assert.deepEqual(
      names.filter(name => /(^|\/)test(\/|$)/.test(name)),
      []
    )
    assert.ok((await stat(vms)).mode & 0o111)
  })

  test('brings the very versions that it was tested with', async () => {
    const read = async (place: string) => JSON.parse(await readFile(place, 'utf8')) as Locked
    const expected = await read(path.join(ROOT, 'package-lock.json'))
    const installed = await read(path.join(folder, 'package-lock.json'))
    for (const name of [
      'hypercore',
      'hypercore-storage',
      'corestore',
      'hyperdrive',
      'hyperbee',
      'hyperswarm',
      'hyperdht',
      'protomux',
      'ses'
    ]) {
      const place = `node_modules/${name}`
      assert.equal(installed.packages[place].version, expected.packages[place].version, name)
      const copies = Object.keys(installed.packages).filter(at => at.endsWith(`/${place}`))
      assert.deepEqual(copies, [], `${name} is there twice`)
    }
  })

  test('runs', async () => {
    const { stdout } = await run(vms, ['--version'])
    const { version } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
      version: string
    }
    assert.equal(stdout.trim(), version)
    const demo = await run(vms, ['demo'], { cwd: folder })
    assert.match(demo.stdout, /verified: /)
    assert.match(demo.stdout, /wrong-state in block/)
  })

  test('can be imported, with types', async () => {
    await writeFile(
      path.join(folder, 'use.mts'),
      `import { VMSClient, VMSError } from 'vmswarm'
interface Counter { increment(by?: number): Promise<number>; init(): void }
const client = new VMSClient<Counter>('0'.repeat(64))
const result: Promise<number> = client.increment(5)
// @ts-expect-error: a string is no number
void client.increment('5').catch(() => {})
// @ts-expect-error: init is not called from outside
void client.init
result.catch(error => console.log(error instanceof VMSError && error.code))
await client.close()
`
    )
    const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    const options = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node']
    const types = path.join(ROOT, 'node_modules', '@types')
    const compiled = await run(process.execPath, [tsc, ...options, '--typeRoots', types, 'use.mts'], {
      cwd: folder
    }).catch((error: { stdout: string }) => error)
    // the declarations that ready-resource ships have an error of their own
    const errors = compiled.stdout
      .split('\n')
      .filter(line => line && !line.startsWith('node_modules/ready-resource/'))
    assert.deepEqual(errors, [])
    const env = { ...process.env, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
    const { stdout } = await run(process.execPath, ['use.mjs'], { cwd: folder, env })
    assert.equal(stdout.trim(), 'CLOSED')
  })

  test('tests contracts, and has types for them', async () => {
    await writeFile(
      path.join(folder, 'greet.ts'),
      `import type {} from 'vmswarm/contract'
export const greet = async (name: string): Promise<string> => {
  await System.files.writeFile('/greeted', name)
  return 'hello, ' + name
}
`
    )
    await writeFile(
      path.join(folder, 'greet.test.mjs'),
      `import assert from 'node:assert'
import { test } from 'node:test'
import { testContract } from 'vmswarm/testing'
test('greets', async () => {
  const vm = await testContract(new URL('./greet.ts', import.meta.url))
  assert.equal(await vm.as('alice').greet('world'), 'hello, world')
  assert.equal(vm.files.get('/greeted'), 'world')
  await vm.close()
})
`
    )
    const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022']
    await run(process.execPath, [tsc, ...options, 'greet.ts'], { cwd: folder })
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined } // it is a test runner of its own
    const { stdout } = await run(process.execPath, ['--test', 'greet.test.mjs'], { cwd: folder, env })
    assert.match(stdout, /pass 1/)
  })
})
