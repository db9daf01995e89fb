// Names that are there after a power cut too: a file that was synced may still be lost with its name, which is the folder's.

import { open } from 'node:fs/promises'
import path from 'node:path'

/** Resolves when the names in a folder are on the disk. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The same for a folder and the way to it. Those above may be somebody else's: what cannot be synced there was not made here. */
export async function syncWay(folder: string): Promise<void> {
  await syncFolder(folder)
  for (let place = path.resolve(folder); path.dirname(place) !== place; place = path.dirname(place))
    await syncFolder(path.dirname(place)).catch(() => {})
}
