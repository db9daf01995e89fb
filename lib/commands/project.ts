// The contract of the project in a folder.

import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { codeOf, VMSError } from '../errors.js'

const CONTRACT = /\.[cm]?[jt]s$/

/** What lies beside a contract and is none: declarations, tests, settings of tools. */
const OTHER = /\.(d|test|spec|config)\.[^.]+$|^\./

/**
 * The contract that is meant if none is named: "main" of package.json, else the only script in the folder.
 * @throws VMSError USAGE
 */
export async function contractOf(folder: string): Promise<string> {
  const main = await mainOf(path.join(folder, 'package.json'))
  if (main !== null) return path.normalize(main)
  const scripts = (await readdir(folder)).filter(name => CONTRACT.test(name) && !OTHER.test(name))
  if (scripts.length === 1) return scripts[0]
  const which =
    scripts.length === 0
      ? 'there is no contract here'
      : `there are several scripts here: ${scripts.join(', ')}`
  throw new VMSError('USAGE', `${which}; name one, "vms dev script.js", or give it as "main" in package.json`)
}

async function mainOf(file: string): Promise<string | null> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
  if (text === null) return null
  try {
    const { main } = JSON.parse(text) as { main?: unknown }
    return typeof main === 'string' ? main : null
  } catch {
    throw new VMSError('USAGE', `${file} is not JSON: mend it, or name the contract, "vms dev script.js"`)
  }
}
