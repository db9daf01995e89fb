// The types that authors of contracts get: what is there is known, what is not is an error.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { fixture } from '../helpers/cli.js'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const TSC = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
const OPTIONS = '--ignoreConfig --noEmit --strict --module nodenext --target es2022'.split(' ')

/** Whether what else declares globals lies beside it. */
const WORLDS = [['--lib', 'es2022'], ['--lib', 'es2022,dom', '--types', 'node'], ['--skipLibCheck']]

let folder = ''
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'vms-types-'))
  await mkdir(path.join(folder, 'node_modules'))
  await symlink(ROOT, path.join(folder, 'node_modules', 'vmswarm'))
})
after(() => rm(folder, { recursive: true }))

/** What tsc has to say of files. */
async function errors(files: string[], options: string[]): Promise<string> {
  const roots = ['--typeRoots', path.join(ROOT, 'node_modules', '@types')]
  const args = [TSC, ...OPTIONS, ...options, ...roots, ...files]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder }).catch(
    (error: { stdout: string }) => error
  )
  return stdout
}

/** A contract in TypeScript. */
const TYPED = `import type { Stat, SystemError, Value } from 'vmswarm/contract'

declare module 'vmswarm/contract' {
  interface Oracles { weather: { now(place: string): Promise<number> } }
}

export async function all(value: Value): Promise<number> {
  const text: string = await System.files.readFile('/a')
  const same: string = await System.files.readFile('/a', 'utf8')
  const bytes: Uint8Array = await System.files.readFile('/a', 'binary')
  // @ts-expect-error: bytes are no text
  const wrong: string = await System.files.readFile('/a', 'binary')
  // @ts-expect-error: there is no such encoding
  await System.files.readFile('/a', 'hex')
  await System.files.writeFile('/a', text)
  await System.files.writeFile('/a', bytes)
  // @ts-expect-error: a file is written from a text or bytes
  await System.files.writeFile('/a', { value })
  const names: string[] = await System.files.readdir('/', { recursive: true })
  // @ts-expect-error: there is no such option
  await System.files.readdir('/', { withFileTypes: true })
  const stat: Stat = await System.files.stat('/a')
  const is: boolean[] = [stat.isFile(), stat.isDirectory(), stat.type === 'file']
  await System.files.unlink('/a')
  await System.files.mkdir('/b')
  await System.files.rmdir('/b', { recursive: true })
  // @ts-expect-error: files have no such method
  await System.files.rename('/a', '/b')
  // @ts-expect-error: nobody can say who calls
  System.caller.id = 'somebody'
  // @ts-expect-error: there is no clock
  System.time
  // @ts-expect-error: this oracle is not declared
  System.oracles.dice
  const id: string = System.caller.id, key: string = System.vm.key, index: number = System.vm.index
  console.warn(same, wrong, names, stat.size, is, id, key, index)
  try {
    return await System.oracles.weather.now('here')
  } catch (error) {
    if ((error as SystemError).code === 'ENOENT') return 0
    // @ts-expect-error: no call of System is rejected with this
    if ((error as SystemError).code === 'EPERM') return 1
    throw error
  }
}
`

test('what is not there is an error, if nothing else declares it', async () => {
  await writeFile(
    path.join(folder, 'absent.ts'),
    `import type {} from 'vmswarm/contract'
// @ts-expect-error
export const a = () => setTimeout(() => {}, 1)
// @ts-expect-error
export const b = () => fetch('https://example.org')
// @ts-expect-error
export const c = () => process.env
// @ts-expect-error
export const d = () => console.table([])
`
  )
  assert.equal(await errors(['absent.ts'], ['--lib', 'es2022']), '')
})

/** A contract in JavaScript with JSDoc. */
const DOCUMENTED = `/// <reference types="vmswarm/contract" />
/** @param {string} name */
exports.read = async name => {
  try {
    return await System.files.readFile(name)
  } catch (error) {
    if (/** @type {import('vmswarm/contract').SystemError} */ (error).code === 'ENOENT') return null
    throw error
  }
}
exports.wrong = async () => {
  // @ts-expect-error
  await System.files.readFile(1)
}
module.exports.id = () => System.caller.id
`

/** One that assigns exports, in TypeScript. */
const ASSIGNING = `import type {} from 'vmswarm/contract'
exports.a = async () => System.caller.id
module.exports = { ...module.exports, b: async () => 1 }
`

for (const world of WORLDS) {
  test(`contracts have types, with ${world.join(' ')}`, async () => {
    const files = { 'contract.ts': TYPED, 'script.cjs': DOCUMENTED, 'assigns.ts': ASSIGNING }
    for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text)
    // those that declare nothing are checked together
    const others = ['script.cjs', 'assigns.ts', fixture('guestbook/guestbook.ts')]
    assert.equal(await errors(['contract.ts'], world), '')
    assert.equal(await errors(others, ['--allowJs', '--checkJs', ...world]), '')
  })
}

test('tests of contracts are typed', async () => {
  await writeFile(
    path.join(folder, 'counter.test.mts'),
    `import { testContract, CallError } from 'vmswarm/testing'
interface Counter { increment(by?: number): Promise<number>; init(): void; version: number }
await using vm = await testContract<Counter>('./counter.js', { limits: { gas: 1000 }, owner: 'bob' })
const alice = vm.as('alice')
const result: Promise<number> = alice.increment(5)
// @ts-expect-error: a string is no number
void alice.increment('5')
// @ts-expect-error: init is not called from outside
void alice.init
// @ts-expect-error: only functions are methods
void alice.version
const { index, gas, console: [line], writes } = await alice.request('increment', [1])
const texts: (string | undefined)[] = [line.text, line.level, alice.id, vm.files.get('/a'), ...writes]
const bytes: Uint8Array | undefined = vm.files.get('/a', 'binary')
const error = vm.last?.error
if (error instanceof CallError) texts.push(error.thrown.name, error.thrown.message)
const untyped = await testContract(new URL('./counter.js', import.meta.url))
const anything: unknown = await untyped.owner.anything(1, 'two')
console.log(await result, index + gas, texts, bytes, anything, new Map(vm.files))
`
  )
  const options = ['--types', 'node', '--lib', 'es2023,esnext.disposable', '--skipLibCheck']
  assert.equal(await errors(['counter.test.mts'], options), '')
})
