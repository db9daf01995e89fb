// What a child process can reach besides its two pipes: nothing.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { open, readFile, readlink } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import { isolation, locate } from '../../lib/sandbox/isolation.js'
import { MAX_DATA } from '../../lib/sandbox/memory.js'
import { childFlags, ENVIRONMENT, SandboxProcess } from '../../lib/sandbox/process.js'

const linux = process.platform === 'linux'
const here = (file: string) => new URL(`../../lib/sandbox/${file}`, import.meta.url)

/** Runs a command to its end and returns what it wrote to stdout. */
async function output(t: TestContext, [file, ...args]: string[]): Promise<string> {
  const child = spawn(file, args, { cwd: '/', env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  const texts = ['', '']
  child.stdout.on('data', chunk => (texts[0] += chunk))
  child.stderr.on('data', chunk => (texts[1] += chunk))
  const [code] = (await once(child, 'close')) as [number | null]
  assert.equal(code, 0, texts[1])
  return texts[0]
}

/** What a script says that runs in the place of the runner: in a thread of a child with a child's permissions. */
async function inThread(t: TestContext, script: string): Promise<unknown> {
  const { wrap } = await isolation()
  const main = `new (require('node:worker_threads').Worker)(${JSON.stringify(script)}, { eval: true })`
  return JSON.parse(await output(t, wrap([process.execPath, ...childFlags(), '-e', main])))
}

async function child(t: TestContext): Promise<SandboxProcess> {
  const made = new SandboxProcess(await isolation())
  t.after(() => made.kill())
  await made.started
  assert.equal(made.ready, true)
  return made
}

test('the network cannot be reached, not even that of this machine', async t => {
  const { network, reason, wrap } = await isolation()
  assert.equal(network === 'none', reason === null)
  const heard: string[] = []
  const server = createServer(() => heard.push('tcp')).listen(0, '127.0.0.1')
  const udp = createSocket('udp4', () => heard.push('udp')).bind(0, '127.0.0.1')
  t.after(() => server.close())
  t.after(() => udp.close())
  await Promise.all([once(server, 'listening'), once(udp, 'listening')])
  const ports = { tcp: (server.address() as AddressInfo).port, udp: udp.address().port }
  // sends a datagram first, and says how it fared with a connection
  const probe = `
    const socket = require('node:dgram').createSocket('udp4')
    socket.send('x', ${ports.udp}, '127.0.0.1', () => {
      socket.close()
      const tcp = require('node:net').connect(${ports.tcp}, '127.0.0.1')
      tcp.on('connect', () => { console.log('connected'); tcp.destroy() }).on('error', e => console.log(e.code))
    })`
  const outside = await output(t, [process.execPath, '-e', probe])
  assert.equal(outside.trim(), 'connected')
  while (heard.length < 2) await new Promise(setImmediate)
  if (network === 'open') return t.skip(`children of this process are not kept from the network: ${reason}`)
  const inside = await output(t, wrap([process.execPath, '-e', probe]))
  assert.equal(inside.trim(), 'ENETUNREACH')
  const interfaces = `console.log(JSON.stringify(require('node:os').networkInterfaces()))`
  assert.equal((await output(t, wrap([process.execPath, '-e', interfaces]))).trim(), '{}')
  assert.deepEqual(heard.sort(), ['tcp', 'udp'])
})

test('the process is that of node itself', async t => {
  const made = await child(t)
  if (linux) {
    assert.match(await readFile(`/proc/${made.pid}/cmdline`, 'latin1'), /^[^\0]*node\0/)
    assert.equal(await readlink(`/proc/${made.pid}/exe`), await readlink('/proc/self/exe'))
  }
  await made.kill()
  assert.throws(() => process.kill(made.pid!, 0), { code: 'ESRCH' })
})

test('the environment says nothing', { skip: !linux }, async t => {
  const made = await child(t)
  const environment = (await readFile(`/proc/${made.pid}/environ`, 'latin1')).split('\0').filter(Boolean)
  // a shell may add its folder
  assert.deepEqual(environment.filter(line => !/^(PWD=\/|OLDPWD=\/|SHLVL=\d|_=.*)$/.test(line)).sort(), [
    'LC_ALL=C',
    'TZ=UTC'
  ])
  assert.equal(await readlink(`/proc/${made.pid}/cwd`), '/')
})

test('kernel limits are in force', { skip: !linux }, async t => {
  const made = await child(t)
  const limits = await readFile(`/proc/${made.pid}/limits`, 'latin1')
  assert.match(limits, /^Max core file size +0 +0 /m)
  const [, data] = /^Max data size +(\d+) /m.exec(limits) ?? []
  const [, used] = /^VmData:\s+(\d+) kB$/m.exec(await readFile(`/proc/${made.pid}/status`, 'latin1')) ?? []
  if (locate('prlimit') === null) return t.skip('the program prlimit is not installed')
  assert.ok(Math.abs(Number(data) - MAX_DATA - Number(used) * 1024) < 16 * 1024 * 1024)
})

test('no file of the parent, nor of the one before it, is open in the child', { skip: !linux }, async t => {
  const file = await open('/proc/self/status') // closed by exec
  t.after(() => file.close())
  const script = `
    import { SandboxProcess } from ${JSON.stringify(here('process.js').href)}
    import { isolation, locate } from ${JSON.stringify(here('isolation.js').href)}
    import { readdirSync, readlinkSync } from 'node:fs'
    const child = new SandboxProcess(await isolation())
    await child.started
    const list = pid => readdirSync('/proc/' + pid + '/fd').flatMap(fd => {
      try { return [[Number(fd), readlinkSync('/proc/' + pid + '/fd/' + fd)]] } catch { return [] }
    })
    console.log(JSON.stringify({ parent: list('self'), child: list(child.pid) }))
    await child.kill()`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit', 'ignore', file.fd, file.fd] // those do not close by themselves
  })
  t.after(() => parent.kill('SIGKILL'))
  let text = ''
  parent.stdout!.on('data', chunk => (text += chunk))
  await once(parent, 'close')
  const fds = JSON.parse(text) as { [who in 'parent' | 'child']: [number, string][] }
  assert.ok(fds.parent.some(([fd, link]) => fd === 5 && link.endsWith('/status')))
  const pipes = fds.child.filter(([fd]) => fd < 4)
  assert.equal(pipes.length, 4)
  for (const [, link] of pipes) assert.match(link, /^(socket|pipe):/)
  // epoll, eventfd, and the pipes with which threads wake each other
  for (const [fd, link] of fds.child) {
    if (fd > 3) assert.match(link, /^(anon_inode:|pipe:|\/dev\/null$)/, `${fd}: ${link}`)
  }
})

test('the pipes to the child block it', { skip: !linux }, async t => {
  const made = await child(t)
  for (const fd of [0, 1]) {
    const [, flags] =
      /^flags:\s+(\d+)$/m.exec(await readFile(`/proc/${made.pid}/fdinfo/${fd}`, 'latin1')) ?? []
    assert.equal(parseInt(flags, 8) & 0o4000, 0, `O_NONBLOCK of ${fd}`)
  }
})

test('code in the place of the runner has no files, processes, threads, addons or bindings', async t => {
  const script = `
    const { forbidThreads } = await import(${JSON.stringify(here('threads.js').href)})
    forbidThreads()
    const fs = require('node:fs'), threads = require('node:worker_threads')
    const attempts = {
      read: () => fs.readFileSync('/etc/passwd'),
      list: () => fs.readdirSync('/'),
      write: () => fs.writeFileSync('/tmp/vms-probe', 'x'),
      code: () => fs.writeFileSync(${JSON.stringify(here('child.js').pathname)}, 'x'),
      process: () => require('node:child_process').spawnSync('/bin/true'),
      thread: () => new threads.Worker('1', { eval: true }),
      again: () => { threads.Worker = Object; if (threads.Worker === Object) return; throw new Error('fixed') },
      binding: () => process.binding('spawn_sync'),
      addon: () => process.dlopen({ exports: {} }, '/nowhere.node')
    }
    const results = {}
    for (const [name, attempt] of Object.entries(attempts)) {
      try { attempt(); results[name] = 'done' } catch (error) { results[name] = error.code ?? error.message }
    }
    const imported = await import('node:worker_threads')
    try { new imported.Worker('1', { eval: true }); results.module = 'done' } catch (error) { results.module = error.message }
    results.time = [new Date(0).getTimezoneOffset(), Object.keys(process.env).sort().join(), process.cwd()]
    console.log(JSON.stringify(results))`
  const results = (await inThread(t, `(async () => {${script}})()`)) as { [name: string]: unknown }
  const { time, ...attempts } = results
  assert.deepEqual(attempts, {
    read: 'ERR_ACCESS_DENIED',
    list: 'ERR_ACCESS_DENIED',
    write: 'ERR_ACCESS_DENIED',
    code: 'ERR_ACCESS_DENIED',
    process: 'ERR_ACCESS_DENIED',
    thread: 'no threads are left',
    again: 'fixed',
    binding: 'ERR_ACCESS_DENIED',
    addon: 'ERR_DLOPEN_DISABLED',
    module: 'no threads are left'
  })
  assert.equal((time as unknown[])[0], 0)
  assert.equal((time as unknown[])[2], '/')
})
