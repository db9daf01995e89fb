// Whether the storage is as this host left it: a file that is written when the host has stopped, and removed before it signs
// anything. The file names itself by its inode, so that a storage that was copied or restored does not pass for one that was
// left here.

import { open, readFile, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { syncFolder } from '../user/synced.js'

const NAME = 'stopped'

/** @returns whether the host that used the storage before has stopped cleanly; from here on it has not */
export async function takeCleanStop(storage: string): Promise<boolean> {
  const file = path.join(storage, NAME)
  const [text, found] = await Promise.all([
    readFile(file, 'utf8').catch(() => null),
    stat(file, { bigint: true }).catch(() => null)
  ])
  const isClean = found !== null && text === textOf(found.ino)
  await rm(file, { force: true, recursive: true })
  await syncFolder(storage)
  return isClean
}

/** Call it when everything is closed. */
export async function leaveCleanStop(storage: string): Promise<void> {
  const file = await open(path.join(storage, NAME), 'w', 0o600)
  try {
    const { ino } = await file.stat({ bigint: true })
    await file.writeFile(textOf(ino))
    await file.sync()
  } finally {
    await file.close()
  }
  await syncFolder(storage)
}

function textOf(inode: bigint): string {
  return `${inode}\n`
}
