import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { VMSError } from '../../lib/errors.js'
import { openOwnStore, openSlot, openStore, type OpenStore } from '../../lib/replica/slot.js'
import { temporary } from '../ledger/helper.js'

test('two who open a slot at once get different folders', async t => {
  const folder = await temporary(t)
  const slots = await Promise.all([openSlot(folder), openSlot(folder), openSlot(folder)])
  assert.equal(new Set(slots.map(placeOf)).size, 3)
  assert.ok(slots.some(slot => placeOf(slot) === path.join(folder, '0')))
  await Promise.all(slots.map(slot => slot.close()))
  assert.deepEqual(await readdir(folder), ['0'])
})

test('the first slot is kept with what it holds', async t => {
  const folder = await temporary(t)
  const slot = await openSlot(folder)
  const core = slot.store.get({ name: 'test' })
  await core.append(Buffer.from('kept'))
  const { key } = core
  await slot.close()
  const again = await openSlot(folder)
  assert.equal(placeOf(again), path.join(folder, '0'))
  assert.equal(String(await again.store.get({ key }).get(0)), 'kept')
  await again.close()
})

test('a copy whose making was disturbed is used; a storage that was moved is not', async t => {
  const folder = await temporary(t)
  const slot = await openSlot(folder)
  await slot.close()
  await writeFile(path.join(folder, '0', 'CORESTORE'), '') // as two processes may leave it that make it at once
  await assert.rejects(openStore(path.join(folder, '0')), isCode('STORAGE_BROKEN'))
  const again = await openSlot(folder)
  assert.equal(placeOf(again), path.join(folder, '0'))
  await again.close()
})

test('the other slots go when they are closed, and the first is free again when its process ends', async t => {
  const folder = await temporary(t)
  const first = await openSlot(folder)
  const second = await openSlot(folder)
  assert.deepEqual((await readdir(folder)).length, 2)
  await second.close()
  assert.deepEqual(await readdir(folder), ['0'])
  await first.close()
  const third = await openSlot(folder)
  assert.equal(placeOf(third), path.join(folder, '0'))
  await third.close()
})

test('a process gets another slot than one that is running, and the first after that was killed', async t => {
  const folder = await temporary(t)
  const script = `
    const { openSlot } = await import(process.argv[1])
    await openSlot(process.argv[2])
    console.log('open')
    setInterval(() => {}, 1000)`
  const library = new URL('../../lib/replica/slot.js', import.meta.url).href
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, library, folder], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const ended = new Promise(resolve => child.on('exit', resolve))
  await new Promise(resolve => child.stdout.once('data', resolve))
  await assert.rejects(openStore(path.join(folder, '0')), isCode('STORAGE_IN_USE'))
  const second = await openSlot(folder)
  assert.notEqual(placeOf(second), path.join(folder, '0'))
  await second.close()
  child.kill('SIGKILL')
  await ended
  const first = await openSlot(folder)
  assert.equal(placeOf(first), path.join(folder, '0'))
  await first.close()
})

test('what a killed process left is removed by the next one that needs a slot of its own', async t => {
  const folder = await temporary(t)
  const first = await openSlot(folder)
  const script = `
    const { openSlot } = await import(process.argv[1])
    await openSlot(process.argv[2])
    process.kill(process.pid, 'SIGKILL')`
  const library = new URL('../../lib/replica/slot.js', import.meta.url).href
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, library, folder])
  await new Promise(resolve => child.on('exit', resolve))
  assert.equal((await readdir(folder)).length, 2)
  const second = await openSlot(folder)
  assert.equal((await readdir(folder)).length, 2)
  await second.close()
  await first.close()
  assert.deepEqual(await readdir(folder), ['0'])
})

test('a slot that is closed while others are opened takes nobody else’s folder with it', async t => {
  const folder = await temporary(t)
  const first = await openSlot(folder)
  let current = await openSlot(folder)
  for (let i = 0; i < 15; i++) {
    const [, next] = await Promise.all([current.close(), openSlot(folder)])
    assert.ok((await readdir(placeOf(next))).length > 0, `round ${i}`)
    current = next
  }
  await current.close()
  await first.close()
  assert.deepEqual(await readdir(folder), ['0'])
})

test('a storage admits one process, and says so', async t => {
  for (const open of [openStore, openOwnStore]) {
    const folder = path.join(await temporary(t), 'storage')
    const opened = await open(folder)
    await assert.rejects(open(folder), (error: Error) => {
      assert.ok(error.message.includes(`the storage ${folder} is in use`), error.message)
      return isCode('STORAGE_IN_USE')(error)
    })
    await opened.close()
    await (await open(folder)).close()
  }
})

test('a folder with other things in it is not filled', async t => {
  const folder = await temporary(t)
  const thesis = path.join(folder, 'thesis.txt')
  await writeFile(thesis, 'x')
  await assert.rejects(openStore(folder), isCode('STORAGE_BROKEN'))
  assert.deepEqual(await readdir(folder), ['thesis.txt'])
  await assert.rejects(openStore(thesis), isCode('STORAGE_BROKEN'))
  await assert.rejects(openStore(path.join(thesis, 'cores')), isCode('STORAGE_BROKEN'))
  assert.equal(await readFile(thesis, 'utf8'), 'x')
})

test('an empty folder is taken', async t => {
  const folder = path.join(await temporary(t), 'empty')
  await mkdir(folder)
  await (await openStore(folder)).close()
})

function placeOf({ store }: OpenStore): string {
  return store.storage.path
}

function isCode(code: string) {
  return (error: unknown) => {
    assert.ok(error instanceof VMSError, String(error))
    assert.equal(error.code, code)
    return true
  }
}
