// What npm does for a new project: packs the package that runs, and writes down the versions of all that it needs.

import { execFile } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { codeOf, messageOf, VMSError } from '../errors.js'

/** The package that runs: a clone of the repository with what is built, or as npm has installed it. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

const MAX_OUTPUT = 16 * 1024 * 1024

/** For whom no registry can be reached: not for minutes. */
const PATIENCE = ['--fetch-retries=0', '--fetch-timeout=30000']

/**
 * Packs the package that runs.
 * @param folder where the tarball comes to lie
 * @returns the tarball's name
 * @throws VMSError USAGE if npm cannot do that
 */
export async function packTo(folder: string, signal: AbortSignal): Promise<string> {
  // what is there already is packed: an installed package has no sources that it could be built from
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  try {
    const [{ filename }] = JSON.parse(await npm(args, ROOT, signal)) as { filename: string }[]
    return path.basename(filename)
  } catch (error) {
    throw new VMSError('USAGE', `npm cannot pack ${ROOT}: ${reasonOf(error)}`)
  }
}

/**
 * Writes the package-lock.json of a project.
 * @returns why that cannot be done, or null if it is
 */
export async function lock(folder: string, signal: AbortSignal): Promise<string | null> {
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline']
  const args = ['install', '--package-lock-only', '--ignore-scripts', ...quiet, ...PATIENCE]
  try {
    await npm(args, folder, signal)
    return null
  } catch (error) {
    return reasonOf(error)
  }
}

async function npm(args: string[], cwd: string, signal: AbortSignal): Promise<string> {
  const shell = process.platform === 'win32' // where it is a script
  const { stdout } = await promisify(execFile)('npm', args, { cwd, signal, shell, maxBuffer: MAX_OUTPUT })
  return stdout
}

// npm says a lot; what went wrong stands in its first lines
function reasonOf(error: unknown): string {
  if (codeOf(error) === 'ENOENT') return 'there is no npm: it comes with Node.js'
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : ''
  const lines = said.split('\n').flatMap(line => /^npm (?:error|ERR!) (.+)/.exec(line)?.[1] ?? [])
  const telling = lines.filter(line => !/^(code|syscall|errno|network This is|A complete log)/.test(line))
  return telling[0] ?? messageOf(error).split('\n')[0]
}
