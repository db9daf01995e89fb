// Which VMs a storage hosts: a small file each, named by the VM's key, that says from which name its key pair derives.

import { chmod, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import b4a from 'b4a'
import { VMSError } from '../errors.js'
import { syncFolder, syncWay } from '../user/synced.js'

export interface Registered {
  /** the VM's key as printed */
  id: string
  /** what the VM's key pair derives from: a name in the store, or 32 bytes that were restored */
  origin: { name: string } | { seed: Uint8Array }
  /** whether it takes no calls */
  stopped: boolean
  /** whether peers may have seen more of it than this storage holds: they are asked before it is served */
  doubtful: boolean
}

/** A VM whose file cannot be read. */
export interface Damaged {
  id: string
  error: VMSError
}

export class Registry {
  constructor(private readonly folder: string) {}

  async list(): Promise<(Registered | Damaged)[]> {
    await this.makeFolder()
    const files = (await readdir(this.folder)).filter(file => /^[a-z0-9]{52}\.json$/.test(file)).sort()
    return Promise.all(files.map(file => this.read(file)))
  }

  /** Adds a VM, or changes it; it is there after a power cut too. */
  async put({ id, origin, stopped, doubtful }: Registered): Promise<void> {
    await this.makeFolder()
    const place = path.join(this.folder, `${id}.json`)
    const from = 'seed' in origin ? { seed: b4a.toString(origin.seed, 'hex') } : origin
    const entry = { ...from, ...(stopped && { stopped }), ...(doubtful && { doubtful }) }
    const file = await open(place + '.new', 'w', 0o600)
    await file.writeFile(JSON.stringify(entry) + '\n')
    await file.sync()
    await file.close()
    await rename(place + '.new', place)
    await syncFolder(this.folder)
  }

  async remove(id: string): Promise<void> {
    await rm(path.join(this.folder, `${id}.json`), { force: true })
  }

  private async makeFolder(): Promise<void> {
    const made = await mkdir(this.folder, { recursive: true, mode: 0o700 })
    if (made !== undefined) await syncWay(path.dirname(this.folder))
    await chmod(this.folder, 0o700) // it may have been there before
  }

  private async read(file: string): Promise<Registered | Damaged> {
    const id = file.slice(0, 52)
    const place = path.join(this.folder, file)
    try {
      const entry = JSON.parse(await readFile(place, 'utf8')) as Record<string, unknown>
      const { name, seed } = entry
      const [stopped, doubtful] = [entry.stopped === true, entry.doubtful === true]
      if (typeof name === 'string') return { id, origin: { name }, stopped, doubtful }
      if (typeof seed === 'string' && /^[0-9a-f]{64}$/.test(seed))
        return { id, origin: { seed: b4a.from(seed, 'hex') }, stopped, doubtful }
    } catch {}
    return { id, error: new VMSError('STORAGE_BROKEN', `${place} is damaged: restore it from a backup`) }
  }
}
