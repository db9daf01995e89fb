// Which VMs a storage hosts: a small file each, named by the VM's key, that says from which name its key pair derives.

import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { VMSError } from '../errors.js'

export interface Registered {
  /** the VM's key as printed */
  id: string
  /** names the VM's key pair in the store */
  name: string
}

export class Registry {
  constructor(private readonly folder: string) {}

  /** @throws VMSError STORAGE_BROKEN */
  async list(): Promise<Registered[]> {
    await mkdir(this.folder, { recursive: true })
    const files = (await readdir(this.folder)).filter(file => /^[a-z0-9]{52}\.json$/.test(file)).sort()
    return Promise.all(files.map(async file => ({ id: file.slice(0, 52), name: await this.nameIn(file) })))
  }

  /** Adds a VM; it is there after a power cut too. */
  async add({ id, name }: Registered): Promise<void> {
    const place = path.join(this.folder, `${id}.json`)
    const file = await open(place + '.new', 'w', 0o600)
    await file.writeFile(JSON.stringify({ name }) + '\n')
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

  private async nameIn(file: string): Promise<string> {
    try {
      const { name } = JSON.parse(await readFile(path.join(this.folder, file), 'utf8')) as { name: unknown }
      if (typeof name === 'string') return name
    } catch {}
    throw new VMSError(
      'STORAGE_BROKEN',
      `${path.join(this.folder, file)} is damaged: restore it from a backup`
    )
  }
}
