// vms check: what it prints for people and for programs.

import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { fixture, World } from '../helpers/cli.js'

const MEMORY = 'but memory does not survive a call: keep it in a file with System.files'

test('a contract that can be deployed is told with its methods, and what loading takes', async t => {
  const world = await World.make(t)
  const { status, stdout } = await world.run('alice', 'check', fixture('counter.js'))
  assert.equal(status, 0)
  assert.match(stdout, /^\S+counter\.js can be deployed\. Its methods: get\(\), increment\(by\?\)\n/)
  assert.match(stdout, /\nloading it costs [\d,]+ gas of the 10,000,000 that a call has\n$/)
  const json = await world.run('alice', 'check', fixture('counter.js'), '--json')
  const [{ load, ...line }] = json.lines
  assert.equal(typeof load, 'number')
  assert.deepEqual(
    [json.status, line],
    [0, { ok: true, methods: ['get', 'increment'], problems: [], warnings: [] }]
  )
})

test('warnings do not keep a contract from being deployed', async t => {
  const world = await World.make(t)
  await writeFile(
    path.join(await world.home('alice'), 'hits.js'),
    'const hits = []\nexports.hit = name => hits.push(name)\n'
  )
  const { status, stdout } = await world.run('alice', 'check', 'hits.js')
  assert.equal(status, 0)
  assert.deepEqual(stdout.split('\n').slice(0, 2), [
    'hits.js can be deployed. Its methods: hit(name)',
    `hits.js:2:23: warning: hits is changed inside a function, ${MEMORY}`
  ])
  const [{ ok, warnings }] = (await world.run('alice', 'check', 'hits.js', '--json')).lines
  const message = `hits is changed inside a function, ${MEMORY}`
  assert.deepEqual([ok, warnings], [true, [{ file: 'hits.js', message, line: 2, column: 23 }]])
})

test('problems of a contract over several files are shown in those', async t => {
  const world = await World.make(t)
  const folder = path.join(await world.home('alice'), 'src')
  await mkdir(folder)
  await writeFile(
    path.join(folder, 'part.ts'),
    'type A = 1\nlet n: A | 0 = 0\nexport const add = () => { n = 1 }\n'
  )
  await writeFile(
    path.join(folder, 'main.ts'),
    "import { add } from './part.js'\n\nexport function close(): void { add() }\n"
  )
  const { status, stdout } = await world.run('alice', 'check', 'src/main.ts')
  assert.equal(status, 1)
  assert.deepEqual(stdout.split('\n'), [
    `src/part.ts:3:28: n is assigned inside a function, ${MEMORY}`,
    'src/main.ts:3:17: a method cannot be named close, the client has a member of that name: rename it',
    ''
  ])

  await writeFile(
    path.join(folder, 'node.ts'),
    "import fs from 'node:fs'\nimport 'left-pad'\nexport const a = fs\n"
  )
  const node = await world.run('alice', 'check', 'src/node.ts')
  assert.deepEqual(
    [node.status, node.stdout],
    [
      1,
      'src/node.ts:1:16: Node modules are not there in a contract, node:fs cannot be imported\n' +
        'src/node.ts:2:8: left-pad cannot be found\n'
    ]
  )
  const [{ ok, problems }] = (await world.run('alice', 'check', 'src/node.ts', '--json')).lines
  assert.equal(ok, false)
  assert.deepEqual((problems as object[])[1], {
    file: 'src/node.ts',
    message: 'left-pad cannot be found',
    line: 2,
    column: 8
  })
})

test('a host logs the warnings of what it deploys, and refuses a bundle by the places of its author', async t => {
  const world = await World.make(t)
  const home = await world.home('host')
  await writeFile(path.join(home, 'hits.js'), 'const hits = []\nexports.hit = name => hits.push(name)\n')
  const { running, ready } = await world.serve(['hits.js'])
  assert.equal(ready[0].event, 'ready')
  assert.equal(running.stderr, `hits.js:2:23: warning: hits is changed inside a function, ${MEMORY}\n`)
  await running.stop()

  await writeFile(
    path.join(home, 'bad.ts'),
    'type A = 1\nlet n: A | 0 = 0\nexport const add = () => { n = 1 }\n'
  )
  const bad = await world.run('host', 'serve', 'bad.ts')
  assert.deepEqual(
    [bad.status, bad.stderr],
    [1, `vms: bad.ts:3:28: n is assigned inside a function, ${MEMORY}\n`]
  )
})
