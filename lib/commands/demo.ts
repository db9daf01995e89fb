// vms demo: everything on one machine. A host, three callers and an auditor, each a process of its own on a local DHT; then
// a host that cheats, and is caught. The commands are those that anybody would type.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import createTestnet from 'hyperdht/testnet.js'
import { Host } from '../host/host.js'
import { commitChanges } from '../files/commit.js'
import { FileTree } from '../files/filetree.js'
import { messageOf } from '../errors.js'
import type { Context } from './context.js'
import { EXIT } from './exit.js'
import { log, print, printJSON } from './output.js'
import { Stage, StepFailed } from './stage.js'

const CONTRACT = fileURLToPath(new URL('../../../fixtures/contracts/rsvp.js', import.meta.url))
const PROOF = 'fraud.proof'
const KEY = /\b[ybndrfg8ejkmcpqxot1uwisza345h769]{52}\b/

export async function demo(context: Context): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), 'vms-demo-'))
  context.use({ close: () => rm(folder, { recursive: true, force: true }) })
  const testnet = await createTestnet(3, { host: '127.0.0.1' })
  context.use({ close: () => testnet.destroy() })
  const bootstrap = testnet.bootstrap.map(node => `${node.host}:${node.port}`)
  // with --json, what people read goes to stderr
  const stage = context.use(new Stage(folder, bootstrap.join(), context.json ? log : print))
  let failed: string | null = null
  try {
    await play(context, stage, bootstrap)
  } catch (error) {
    if (!(error instanceof StepFailed) || stage.closed) throw error
    failed = messageOf(error)
    log(`vms: the demo failed: ${failed}`)
  }
  if (context.json) printJSON({ ok: failed === null, ...(failed !== null && { failed }) })
  return failed === null ? EXIT.ok : EXIT.failed
}

async function play(context: Context, stage: Stage, bootstrap: string[]): Promise<void> {
  stage.say('A local DHT is running, and every command here uses it:')
  stage.note(`export VMS_BOOTSTRAP=${bootstrap.join()}`)

  stage.say('A host deploys a contract. The VM is known by one key, and its log is public.')
  const serving = await stage.serve(CONTRACT)
  const key = KEY.exec(serving.output)?.[0] ?? stage.fail('the host printed no key')

  stage.say('Three people call it. Each signs with an identity of their own.')
  await stage.run('alice', ['call', key, 'RSVP', 'true', 'I bring a cake'])
  await stage.run('bob', ['call', key, 'RSVP', 'false', 'I am ill'])
  await stage.run('carol', ['call', key, 'RSVP', 'true'])

  stage.say('Anybody reads the files that the calls have left, compared with the log.')
  const bob = (await stage.run('bob', ['identity'])).split('\n')[0]
  const names = (await stage.run('dave', ['files', key, 'ls', '/rsvps'])).split('\n').filter(Boolean)
  if (names.length !== 3 || !names.includes(`${bob}.json`))
    stage.fail('there should be a file of each of them')

  stage.say('An auditor replays every call, and comes to the same results.')
  const honest = await stage.run('auditor', ['audit', key])
  if (!honest.includes('verified')) stage.fail('the audit did not say "verified"')

  stage.say('Now the host is stopped, and its operator changes what Bob answered. No call asked for that.')
  await serving.stop()
  const file = `/rsvps/${bob}.json`
  const host = await forge(context, stage, bootstrap, file)

  stage.say('The host serves the forged files, and the next call is committed on top of them.')
  await stage.run('carol', ['call', key, 'RSVP', 'false'])
  await stage.run('dave', ['files', key, 'cat', file])

  stage.say('An auditor replays the log: it does not lead to these files, and the host has signed both.')
  const caught = await stage.run('auditor', ['audit', key, '--proof', PROOF], EXIT.failed)
  if (!/fraud/.test(caught) || !/wrong-state/.test(caught)) stage.fail('the audit did not name the fraud')
  await host.close()

  stage.say('The proof is a file. Somebody who trusts neither of them checks it, offline, with nothing else.')
  const proven = await stage.run('judge', ['verify', PROOF])
  if (!proven.includes('proven') || !proven.includes(key)) stage.fail('the proof did not convince')
  stage.say('The cheating host is caught: by anybody, with nothing but the key.')
}

/** What an operator with the keys can do: sign other files than those that the calls have left. */
async function forge(context: Context, stage: Stage, bootstrap: string[], file: string): Promise<Host> {
  const host = context.use(new Host({ storage: stage.hostFolder, bootstrap }))
  await host.ready()
  const [service] = host.services.values()
  const { db, blobs } = service.machine.cores
  const content = JSON.stringify({ isAttending: true, reason: 'I pay for everybody' })
  stage.note(`writes ${content} to ${file}`)
  await commitChanges(new FileTree(db, blobs), new Map([[file, new TextEncoder().encode(content)]]))
  return host
}
