// Which VMs a storage hosts: a small file each, named by the VM's key, that says from which name its key pair derives.

import { chmod, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { VMSError } from '../errors.js'

export interface Registered {
  /** the VM's key as printed */
  id: string
  /** names the VM's key pair in the store */
  name: string
  /** whether it takes no calls */
  stopped: boolean
}

/** A VM whose file cannot be read. */
export interface Damaged {
  id: string
  error: VMSError
}

export class Registry {
  constructor(private readonly folder: string) {}

  async list(): Promise<(Registered | Damaged)[]> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
    await chmod(this.folder, 0o700) // it may have been there before
    const files = (await readdir(this.folder)).filter(file => /^[a-z0-9]{52}\.json$/.test(file)).sort()
    return Promise.all(files.map(file => this.read(file)))
  }

  /** Adds a VM, or changes it; it is there after a power cut too. */
  async put({ id, name, stopped }: Registered): Promise<void> {
    const place = path.join(this.folder, `${id}.json`)
    const file = await open(place + '.new', 'w', 0o600)
    await file.writeFile(JSON.stringify(stopped ? { name, stopped } : { name }) + '\n')
    await file.sync()
    await file.close()
    await rename(place + '.new', place)
    const folder = await open(this.folder, 'r')
    await folder.sync()
    await folder.close()
  }

  async remove(id: string): Promise<void> {
    await rm(path.join(this.folder, `${id}.json`), { force: true })
  }

  private async read(file: string): Promise<Registered | Damaged> {
    const id = file.slice(0, 52)
    const place = path.join(this.folder, file)
    try {
      const { name, stopped } = JSON.parse(await readFile(place, 'utf8')) as Record<string, unknown>
      if (typeof name === 'string') return { id, name, stopped: stopped === true }
    } catch {}
    return { id, error: new VMSError('STORAGE_BROKEN', `${place} is damaged: restore it from a backup`) }
  }
}
