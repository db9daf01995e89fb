// vms init: writes a new project, with the package that runs beside it.

import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { codeOf, messageOf, VMSError } from '../errors.js'
import type { Context } from './context.js'
import { EXIT } from './exit.js'
import { lock, packTo, ROOT } from './npm.js'
import { log, print, printJSON } from './output.js'
import { template, type Package } from './template.js'

/** Where the package lies in a project: it may be on no registry. */
const VENDOR = 'vendor'

export async function init(
  context: Context,
  dir = '.',
  { typescript = false }: { typescript?: boolean }
): Promise<number> {
  const folder = path.resolve(dir)
  await checkEmpty(folder, dir)
  const stop = new AbortController()
  context.use({ close: () => Promise.resolve(stop.abort()) })

  const pack = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as Package
  const packed = await mkdtemp(path.join(tmpdir(), 'vms-init-'))
  context.use({ close: () => rm(packed, { recursive: true, force: true }) })
  const tarball = await packTo(packed, stop.signal) // before anything is written: this may fail
  const project = { name: nameOf(folder, pack), typescript, tarball: `${VENDOR}/${tarball}`, pack }
  const { contract, test, files } = template(project)
  try {
    await mkdir(path.join(folder, VENDOR), { recursive: true })
    await copyFile(path.join(packed, tarball), path.join(folder, VENDOR, tarball))
    for (const [name, content] of Object.entries(files)) await writeInto(folder, name, content)
  } catch (error) {
    throw new VMSError('DISK', `${dir} cannot be written: ${messageOf(error)}`)
  }
  if (process.stderr.isTTY) log('vms: asking the registry which packages it needs')
  const unlocked = await lock(folder, stop.signal)
  if (stop.signal.aborted) return EXIT.ok // told to stop: there is nobody to tell

  if (unlocked !== null)
    log(
      `vms: npm could not write package-lock.json: ${unlocked}; "npm install" will, once it reaches the registry`
    )
  const written = [
    ...Object.keys(files),
    project.tarball,
    ...(unlocked === null ? ['package-lock.json'] : [])
  ]
  if (context.json) {
    printJSON({ ok: true, folder, contract, test, files: written.sort(), locked: unlocked === null })
    return EXIT.ok
  }
  print(
    `${dir === '.' ? 'this folder' : dir} is a project now: a contract, ${contract}, and its test, ${test}`
  )
  if (dir !== '.') print(`  cd ${dir}`)
  print(
    `  npm ${unlocked === null ? 'ci' : 'install'}`,
    '  npm test',
    '  npx vms dev'.padEnd(PAD) + 'call its methods while you write it',
    `  npx vms serve ${contract}`.padEnd(PAD) + 'deploy it'
  )
  return EXIT.ok
}

/** Characters of a command, before it is said what it does. */
const PAD = 34

/** @throws VMSError USAGE if something is there; what git keeps does not count */
async function checkEmpty(folder: string, dir: string): Promise<void> {
  try {
    const found = (await readdir(folder)).filter(name => name !== '.git')
    if (found.length === 0) return
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return
    if (code === 'ENOTDIR') throw new VMSError('USAGE', `${dir} is a file: name a folder for the project`)
    throw new VMSError('DISK', `${dir} cannot be read: ${messageOf(error)}`)
  }
  throw new VMSError(
    'USAGE',
    `${dir === '.' ? 'this folder' : dir} is not empty: name one that is, or a new one`
  )
}

async function writeInto(folder: string, name: string, content: string): Promise<void> {
  const file = path.join(folder, name)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, content)
}

/** The folder's name, as npm takes it; no package can depend on one of its own name. */
function nameOf(folder: string, { name: taken }: Package): string {
  const name = path
    .basename(folder)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|-+$/g, '')
    .slice(0, 100)
  return name === '' || name === taken || name === 'node_modules' ? 'guestbook' : name
}
