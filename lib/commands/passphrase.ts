// The passphrase of a backup: from a file, from the environment, or typed where nobody sees it.

import { readFileSync, statSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { messageOf, VMSError } from '../errors.js'
import { log } from './output.js'

export interface PassphraseFlags {
  passphraseFile?: string
}

/** @param repeat whether it has to be typed twice, because nobody could tell that it was mistyped */
export async function readPassphrase({ passphraseFile }: PassphraseFlags, repeat: boolean): Promise<string> {
  const passphrase = passphraseFile === undefined ? process.env.VMS_PASSPHRASE : readFile(passphraseFile)
  if (passphrase !== undefined) return notEmpty(passphrase)
  if (!process.stdin.isTTY)
    throw new VMSError('USAGE', 'a backup needs a passphrase: --passphrase-file FILE, or VMS_PASSPHRASE')
  const typed = notEmpty(await ask('Passphrase: '))
  if (repeat && (await ask('Once more: ')) !== typed) throw new VMSError('USAGE', 'the two are not the same')
  return typed
}

// its first line: an editor ends it with a newline that nobody would type
function readFile(file: string): string {
  try {
    const text = readFileSync(file, 'utf8')
    if (statSync(file).mode & 0o077)
      log(`vms: others can read ${file}: "chmod 600" keeps the passphrase from them`)
    return text.split(/\r?\n/)[0]
  } catch (error) {
    throw new VMSError('USAGE', `--passphrase-file: ${messageOf(error)}`)
  }
}

function notEmpty(passphrase: string): string {
  if (passphrase === '') throw new VMSError('USAGE', 'the passphrase is empty')
  return passphrase
}

async function ask(question: string): Promise<string> {
  process.stderr.write(question)
  const output = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output, terminal: true })
  terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT')) // which the terminal does not do meanwhile
  try {
    return await terminal.question('')
  } finally {
    terminal.close()
    process.stderr.write('\n')
  }
}
