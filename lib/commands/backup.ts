// vms backup and vms restore: the VMs of a host on another machine.

import { open, readFile } from 'node:fs/promises'
import path from 'node:path'
import { codeOf, messageOf, VMSError } from '../errors.js'
import { decryptBackup, encryptBackup } from '../host/backup.js'
import { backUp, markBackedUp, restore as restoreVMs, type Restored } from '../host/vault.js'
import { hostFolder } from '../user/folders.js'
import { defaultIdentityFile } from '../user/identity.js'
import type { Context } from './context.js'
import { escapeControls } from './escape.js'
import { EXIT } from './exit.js'
import { log, print, printJSON } from './output.js'
import { readPassphrase, type PassphraseFlags } from './passphrase.js'

export async function backup(context: Context, file: string, flags: PassphraseFlags): Promise<number> {
  const storage = context.storage ?? hostFolder()
  const found = await backUp(storage)
  const bytes = encryptBackup(found, await readPassphrase(flags, true))
  await writeNew(file, bytes, () => markBackedUp(storage))
  const vms = found.vms.length
  if (context.json) printJSON({ file: path.resolve(file), vms, oracles: found.oracles.size })
  else {
    print(`The keys of ${vms} ${vms === 1 ? 'VM are' : 'VMs are'} in ${file}.`)
    log('Log and files come from mirrors: without one that keeps them, a backup restores nothing.')
    log(`Who you are is not in it: keep a copy of ${defaultIdentityFile()} too.`)
  }
  return EXIT.ok
}

export async function restore(context: Context, file: string, flags: PassphraseFlags): Promise<number> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new VMSError('USAGE', `${file} cannot be read: ${messageOf(error)}`)
  })
  const found = decryptBackup(bytes, await readPassphrase(flags, false))
  const results = await restoreVMs(found, {
    ...(await context.network()),
    storage: context.storage ?? hostFolder(),
    timeout: context.timeout,
    onprogress: text => log(`vms: ${text}`)
  })
  for (const one of results) printRestored(context, one)
  if (!context.json && results.some(({ error }) => error === null))
    log('"vms serve" serves them here; do not start the host again that they come from.')
  return results.some(({ error }) => error) ? EXIT.unavailable : EXIT.ok
}

function printRestored(context: Context, { id, title, length, known, error }: Restored): void {
  if (context.json) {
    const failure = error && { code: error.code, message: error.message }
    return printJSON({ key: id, title, length, restored: error === null, known, error: failure })
  }
  if (error) return log(`vms: ${error.message}`)
  print(`${id}  ${escapeControls(title)}  ${length} blocks${known ? ', was here before' : ''}`)
}

// a backup is not overwritten by the next one: it may be the only one with a VM that was removed since
async function writeNew(file: string, bytes: Uint8Array, before: () => Promise<void>): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o600)
    try {
      await before()
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw new VMSError('USAGE', `${file} exists: choose another name`)
    throw new VMSError('DISK', `${file} cannot be written: ${messageOf(error)}`)
  }
}
