// The child may read only what it needs, and must find it however the package was installed.

import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { after, before, test } from 'node:test'
import type { Executor } from '../../lib/sandbox/executor.js'
import { World, contract } from './helper.js'

const lib = fileURLToPath(new URL('../../lib', import.meta.url))
const packages = [
  'ses',
  '@endo',
  'acorn',
  'magic-string',
  '@jridgewell',
  '@eslint-community',
  'eslint-scope',
  'compact-encoding',
  'b4a',
  'ready-resource'
]
let folder = ''

before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'vms install ')))
})
after(() => rm(folder, { recursive: true }))

// puts the built package at `to`, and links to its dependencies beside it
async function install(to: string): Promise<string> {
  const root = dirname(dirname(fileURLToPath(import.meta.resolve('ses/package.json'))))
  await mkdir(join(to, 'dist'), { recursive: true })
  await cp(lib, join(to, 'dist', 'lib'), { recursive: true })
  await writeFile(join(to, 'package.json'), '{"name":"vmswarm","type":"module"}')
  for (const name of packages) await symlink(join(root, name), join(dirname(to), name))
  return to
}

async function works(at: string) {
  const url = pathToFileURL(join(at, 'dist/lib/sandbox/executor.js')).href
  const module = (await import(url)) as { Executor: typeof Executor }
  const executor = new module.Executor()
  assert.deepEqual(await new World(executor, contract('return 1')).call('run'), { value: 1 })
  assert.deepEqual((await executor.inspect('exports.a = 1; exports.b = () => 1')).methods, ['b'])
  await executor.close()
}

test('in the node_modules of another project, hoisted', async () => {
  await works(await install(join(folder, 'app', 'node_modules', 'vmswarm')))
})

test('behind links, as pnpm does it', async () => {
  const store = await install(
    join(folder, 'app2', 'node_modules', '.pnpm', 'vmswarm@1', 'node_modules', 'vmswarm')
  )
  const link = join(folder, 'app2', 'node_modules', 'vmswarm')
  await symlink(store, link)
  await works(link)
})
