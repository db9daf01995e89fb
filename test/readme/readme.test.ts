// The README's commands, run as it gives them; what they print has to be what it shows, but for keys and hashes.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { VMS, World } from '../helpers/cli.js'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const README = await readFile(path.join(ROOT, 'README.md'), 'utf8')

interface Step {
  command: string
  /** what is typed into a session */
  input: string[]
  output: string
}

/** The fenced blocks of a language. */
function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp('^```' + language + '\\n([^]*?)^```$', 'gm'))].map(([, text]) => text)
}

function steps(): Step[] {
  const found: Step[] = []
  for (const line of blocks('console').join('').split('\n')) {
    if (line.startsWith('$ ')) found.push({ command: line.slice(2), input: [], output: '' })
    else if (/^\w+> /.test(line)) found.at(-1)!.input.push(line.slice(line.indexOf('>') + 2))
    else found.at(-1)!.output += line + '\n'
  }
  return found
}

/** Names keys and hashes by the order in which they appear, so that two runs can be compared. */
class Names {
  private readonly names = new Map<string, string>()

  normalize(text: string): string {
    return text
      .replace(/\b[a-z0-9]{52}\b/g, key => this.nameOf(key))
      .replace(/^(\d+ {2})[a-z0-9]{8} /gm, (_, index: string) => `${index}CALLER `)
      .replace(/^(\w+ {2}(?:running|stopped) {2})[a-z0-9]{8} /gm, (_, before: string) => `${before}OWNER `)
      .replace(/\b[0-9a-f]{64}\b/g, 'HASH')
      .replace(/signed \d+ s ago/g, 'signed N s ago')
      .replace(/^(host +running for )\d+ s, process \d+$/gm, '$1N s, process N')
      .replace(/^(storage +)\/.*$/gm, '$1FOLDER')
      .replace(/^(commit +)\d+ s ago$/gm, '$1N s ago')
      .replace(/^(peers +)\d+$/gm, '$1N')
      .replace(/[\d.]+ (?:bytes|[kMGT]i?B)\b(?= used|, | free|$)/gm, 'SIZE')
      .replace(/^[a-z0-9]{8}( {2}\d+ blocks, )/gm, 'VM$1')
      .replace(/(keep a copy of )\S+/, '$1IDENTITY')
      .replace(/127\.0\.0\.1:\d+/g, 'NODE')
      .trimEnd()
  }

  private nameOf(key: string): string {
    if (!this.names.has(key)) this.names.set(key, `KEY${this.names.size}`)
    return this.names.get(key)!
  }
}

/** The words of a command line with single quotes. */
function words(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain)
}

test('what the README shows happens', async t => {
  const world = await World.make(t)
  const home = await world.home('user')
  for (const name of ['rsvp.js', 'counter.js', 'poll.js', 'invoice.js', 'stock.js', 'stock-2.js']) {
    await cp(path.join(ROOT, 'fixtures', 'contracts', name), path.join(home, name))
  }
  await cp(path.join(ROOT, 'fixtures', 'oracles'), home, { recursive: true })
  await cp(path.join(ROOT, 'fixtures', 'proofs'), home, { recursive: true })
  await writeFile(path.join(home, 'passphrase'), 'correct horse battery staple\n', { mode: 0o600 })
  const keys = new Map<string, string>()
  const actual = (text: string) => text.replace(/\b[a-z0-9]{52}\b/g, key => keys.get(key) ?? key)
  const [expectedNames, actualNames] = [new Names(), new Names()]
  let storage = '' // of the host that was started last

  for (const { command, input, output } of steps()) {
    const [vms, name, ...args] = words(actual(command))
    assert.equal(vms, 'vms', command)
    let printed: string
    if (name === 'serve' || name === 'testnet') {
      if (name === 'serve') storage = `host of ${args.join()}`
      const flags = name === 'serve' ? ['--storage', storage] : []
      const given = name === 'testnet' ? [] : args // its port may be taken here
      const running = await world.start('user', name, ...given, ...flags)
      await running.until(({ stdout }) => stdout.endsWith('\n\n'))
      printed = running.stdout
      const [shown, real] = [output, printed].map(text => /\b[a-z0-9]{52}\b/.exec(text)?.[0])
      if (shown && real) keys.set(shown, real)
    } else if (name === 'mirror') {
      const running = await world.start('user', name, ...args)
      await running.until(
        ({ stdout }) => stdout.split('\n').length >= output.trimEnd().split('\n').length + 1
      )
      printed = running.stdout
    } else {
      const from = name === 'backup' ? 'host of counter.js' : storage
      const flags = ['status', 'backup'].includes(name) ? ['--storage', from] : []
      const running = await world.start('user', name, ...args, ...flags)
      running.child.stdin!.end(input.map(line => line + '\n').join(''))
      const { stdout, stderr } = await running.ended
      printed = stdout + stderr
      // what was deployed has a key of its own here
      const [shown, real] = [output, stdout].map(text => /: ([a-z0-9]{52})$/m.exec(text)?.[1])
      if (name === 'deploy' && shown && real) keys.set(shown, real)
    }
    assert.equal(actualNames.normalize(printed), expectedNames.normalize(output), command)
  }

  const [example] = blocks('js').filter(text => text.includes("from 'vmswarm'"))
  await mkdir(path.join(home, 'node_modules'))
  await symlink(ROOT, path.join(home, 'node_modules', 'vmswarm'))
  await writeFile(
    path.join(home, 'client.mjs'),
    actual(example).replace('127.0.0.1:49737', world.bootstrap) // the node of this test
  )
  const env = {
    ...process.env,
    HOME: home,
    XDG_DATA_HOME: path.join(home, 'data'),
    XDG_CONFIG_HOME: path.join(home, 'config')
  }
  const { stdout } = await promisify(execFile)(process.execPath, ['client.mjs'], { cwd: home, env })
  assert.equal(stdout, 'true\n')
})

test('the contract that the README shows is the one in fixtures', async () => {
  const rsvp = await readFile(path.join(ROOT, 'fixtures', 'contracts', 'rsvp.js'), 'utf8')
  assert.ok(blocks('js').includes(rsvp))
})

test('every package that is depended on is named in the README', async () => {
  const { dependencies } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: object
  }
  const table = README.slice(README.indexOf('## Dependencies'), README.indexOf('## Develop'))
  const named = new Set(table.match(/^\| [^|]+/gm)!.flatMap(cell => cell.slice(2).trim().split(', ')))
  assert.deepEqual(
    Object.keys(dependencies).filter(name => !named.has(name)),
    []
  )
})

test('the exit statuses and commands of the README are all there are', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [VMS, '--help'])
  const commands = [...stdout.slice(stdout.indexOf('Commands:')).matchAll(/^ {2}(\w+)/gm)].map(
    ([, name]) => name
  )
  const table = [...README.matchAll(/^\| (`vms .*?) \|/gm)].flatMap(([, cell]) =>
    [...cell.matchAll(/`vms (\w+)/g)].map(([, name]) => name)
  )
  assert.deepEqual(table.sort(), commands.sort())
})
