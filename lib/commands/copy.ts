// Copies files of a VM to the disk. The host chooses their names, so they are not trusted: nothing is written outside of
// the destination, not by a path that leads out of it and not through a symbolic link.

import { lstat, mkdir, realpath, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { ClientFiles } from '../client/files.js'
import { codeOf, messageOf, VMSError } from '../errors.js'

export interface Copied {
  /** in the VM */
  path: string
  /** on the disk */
  dest: string
  size: number
}

/**
 * Copies a file, or a folder with everything below it.
 * @param dest a name that does not exist yet, or a folder to copy into; the current folder if not given
 * @param force overwrites files that exist
 */
export async function copyOut(
  reader: ClientFiles,
  source: string,
  dest: string | undefined,
  force: boolean
): Promise<Copied[]> {
  const { type } = await reader.stat(source)
  const target = await targetOf(source, dest)
  if (type === 'file') return [await copyFile(reader, source, target, path.dirname(target), force)]

  const names = await reader.readdir(source, { recursive: true })
  if (!force && (await exists(target))) throw taken(target)
  await attempt(target, () => mkdir(target, { recursive: true }))
  const copied: Copied[] = []
  for (const name of names) {
    const file = `${source.replace(/\/$/, '')}/${name}`
    copied.push(await copyFile(reader, file, inside(target, name), target, force))
  }
  return copied
}

async function targetOf(source: string, dest = '.'): Promise<string> {
  const into = await stat(dest).catch(() => null)
  if (!into?.isDirectory()) return path.resolve(dest)
  return path.join(path.resolve(dest), path.posix.basename(source) || 'files')
}

async function copyFile(
  reader: ClientFiles,
  source: string,
  target: string,
  root: string,
  force: boolean
): Promise<Copied> {
  const bytes = await reader.readFile(source, 'binary')
  await attempt(target, async () => {
    await makeFolders(root, path.dirname(target))
    if (force) await rm(target, { force: true }) // a link goes, what it points to stays
    await writeFile(target, bytes, { flag: 'wx' })
  })
  return { path: source, dest: target, size: bytes.byteLength }
}

// folder by folder, so that none is made through a link
async function makeFolders(root: string, folder: string): Promise<void> {
  await mkdir(root, { recursive: true })
  const real = await realpath(root)
  let at = root
  for (const segment of path.relative(root, folder).split(path.sep).filter(Boolean)) {
    at = path.join(at, segment)
    await mkdir(at).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error
    })
    if (!(await realpath(at)).startsWith(real + path.sep)) throw outside(at)
  }
}

function inside(root: string, name: string): string {
  const target = path.resolve(root, name)
  if (!target.startsWith(root.replace(/[\\/]$/, '') + path.sep)) throw outside(name)
  return target
}

async function exists(target: string): Promise<boolean> {
  return (await lstat(target).catch(() => null)) !== null
}

async function attempt(target: string, action: () => Promise<unknown>): Promise<void> {
  try {
    await action()
  } catch (error) {
    if (error instanceof VMSError) throw error
    if (codeOf(error) === 'EEXIST') throw taken(target)
    throw new VMSError('DISK', `${target} cannot be written: ${messageOf(error)}`)
  }
}

function taken(target: string): VMSError {
  return new VMSError('USAGE', `${target} exists: --force overwrites it`)
}

function outside(name: string): VMSError {
  return new VMSError('BAD_HOST', `${name} leads out of the destination: it is not copied`)
}
