import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { VMSError } from '../../lib/errors.js'
import crypto from '../../lib/ledger/crypto.js'
import { configFolder, dataFolder } from '../../lib/user/folders.js'
import { defaultIdentityFile, loadIdentity } from '../../lib/user/identity.js'
import { hex, keyPairOf, temporary } from '../ledger/helper.js'

test('an identity is made once, for its owner’s eyes only', async t => {
  const folder = await temporary(t)
  const file = path.join(folder, 'new', 'folders', 'identity')
  const made = await loadIdentity(file)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.equal((await stat(path.dirname(file))).mode & 0o077, 0)
  assert.match(await readFile(file, 'utf8'), /^[0-9a-f]{64}\n$/)
  assert.deepEqual(await readdir(path.dirname(file)), ['identity'])
  const again = await loadIdentity(file)
  assert.equal(hex(again.publicKey), hex(made.publicKey))
  assert.equal(hex(again.secretKey), hex(made.secretKey))
  const signature = crypto.sign('request', made.publicKey, made)
  assert.ok(crypto.verify('request', made.publicKey, signature, again.publicKey))
})

test('the file holds the seed', async t => {
  const file = path.join(await temporary(t), 'identity')
  for (const end of ['', '\n']) {
    await writeFile(file, '01'.repeat(32) + end)
    assert.equal(hex((await loadIdentity(file)).publicKey), hex(keyPairOf(1).publicKey))
  }
})

test('two files are two identities', async t => {
  const folder = await temporary(t)
  const [a, b] = [await loadIdentity(path.join(folder, 'a')), await loadIdentity(path.join(folder, 'b'))]
  assert.notEqual(hex(a.publicKey), hex(b.publicKey))
})

test('whoever makes the identity at the same time gets the same one', async t => {
  const folder = await temporary(t)
  const file = path.join(folder, 'config', 'identity')
  const made = await Promise.all(Array.from({ length: 20 }, () => loadIdentity(file)))
  assert.equal(new Set(made.map(({ publicKey }) => hex(publicKey))).size, 1)
  assert.deepEqual(await readdir(path.dirname(file)), ['identity'])
})

test('two processes that make it at the same time get the same one', async t => {
  const file = path.join(await temporary(t), 'identity')
  const script = `
    const { loadIdentity } = await import(process.argv[1])
    const { publicKey } = await loadIdentity(process.argv[2])
    console.log(Buffer.from(publicKey).toString('hex'))`
  const library = new URL('../../lib/user/identity.js', import.meta.url).href
  const run = () =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, library, file])
  const [a, b] = await Promise.all([run(), run()])
  assert.match(a.stdout, /^[0-9a-f]{64}\n$/)
  assert.equal(a.stdout, b.stdout)
})

test('a damaged identity is an error, and is left as it is', async t => {
  const file = path.join(await temporary(t), 'identity')
  const damaged = [
    '',
    '\n',
    'a'.repeat(63),
    'a'.repeat(65),
    'g'.repeat(64),
    'A'.repeat(64),
    'a'.repeat(64) + '\n\n'
  ]
  for (const text of damaged) {
    await writeFile(file, text)
    await assert.rejects(loadIdentity(file), invalidIdentity)
    assert.equal(await readFile(file, 'utf8'), text)
  }
})

test('what cannot be read or made is an error that names the file', async t => {
  const folder = await temporary(t)
  await mkdir(path.join(folder, 'directory'))
  await writeFile(path.join(folder, 'file'), '')
  for (const name of ['directory', 'file/identity', 'file/deeper/identity']) {
    const file = path.join(folder, name)
    await assert.rejects(loadIdentity(file), (error: Error) => {
      assert.ok(error.message.includes(file))
      return invalidIdentity(error)
    })
  }
})

test('folders follow the XDG variables', t => {
  setEnvironment(t, { XDG_DATA_HOME: '/data', XDG_CONFIG_HOME: '/config' })
  assert.equal(dataFolder(), '/data/vms')
  assert.equal(configFolder(), '/config/vms')
  assert.equal(defaultIdentityFile(), '/config/vms/identity')
})

for (const value of [undefined, '', 'relative/path', './here']) {
  test(`folders are in the home folder if the XDG variables are ${JSON.stringify(value)}`, t => {
    setEnvironment(t, { XDG_DATA_HOME: value, XDG_CONFIG_HOME: value })
    assert.equal(dataFolder(), path.join(homedir(), '.local', 'share', 'vms'))
    assert.equal(configFolder(), path.join(homedir(), '.config', 'vms'))
  })
}

function setEnvironment(t: TestContext, variables: { [name: string]: string | undefined }): void {
  const before = Object.fromEntries(Object.keys(variables).map(name => [name, process.env[name]]))
  t.after(() => set(before))
  set(variables)
}

function set(variables: { [name: string]: string | undefined }): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
}

function invalidIdentity(error: unknown): boolean {
  return error instanceof VMSError && error.code === 'INVALID_IDENTITY'
}
