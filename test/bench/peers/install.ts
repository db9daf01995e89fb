// Packages that VMS is compared with, or drawn by, and does not use: installed below .bench when they are asked for, from the
// lockfiles in packages/.

import { execFile } from 'node:child_process'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { ROOT } from '../ground.js'

const INSTALL_MS = 300_000

export class Packages {
  private readonly resolve: NodeJS.RequireResolve

  constructor(readonly folder: string) {
    this.resolve = createRequire(path.join(folder, 'package.json')).resolve
  }

  async import<T>(name: string): Promise<T> {
    return (await import(pathToFileURL(this.resolve(name)).href)) as T
  }
}

/** Installs the packages of a folder in packages/, if they are not there yet. */
export async function install(name: string): Promise<Packages> {
  const source = path.join(ROOT, 'test', 'bench', 'peers', 'packages', name)
  const folder = path.join(ROOT, '.bench', name)
  const mark = path.join(folder, 'installed.json')
  const wanted = await readFile(path.join(source, 'package-lock.json'), 'utf8')
  if ((await readFile(mark, 'utf8').catch(() => '')) !== wanted) {
    await rm(folder, { recursive: true, force: true })
    await cp(source, folder, { recursive: true })
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund']
    await promisify(execFile)('npm', ['ci', '--prefix', folder, ...flags], {
      cwd: folder,
      timeout: INSTALL_MS
    })
    await writeFile(mark, wanted)
  }
  return new Packages(folder)
}
