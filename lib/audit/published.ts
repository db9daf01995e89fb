// The files as the host publishes them, read where the log alone does not suffice. They come from a host that was caught
// already, or is about to be: the whole tree is looked at before anything is read from it, so that no cycle, no malformed
// entry and no block that never comes can hold up the audit.

import b4a from 'b4a'
import type Hypercore from 'hypercore'
import { Node, YoloIndex, type Level } from 'hyperbee/lib/messages.js'
import { blobOf } from '../files/blob.js'
import { DriveTree, openBee, type Tree } from '../files/tree.js'
import type { FilesState } from '../ledger/encoding.js'
import type { Cores } from '../machine/cores.js'
import { reaches } from '../replica/snapshot.js'

/** `late`: nobody sends them; `other`: the host has signed others, or what it signed is no tree of files. */
export type Published = OpenFiles | 'late' | 'other'

export interface OpenFiles {
  files: Tree
  close(): Promise<void>
}

/** Whether the published cores have a state that the log claims. */
export async function isPublished(
  { db, blobs }: Cores,
  state: FilesState,
  timeout: number,
  online: boolean
): Promise<'same' | 'late' | 'other'> {
  const reached = await Promise.all([
    reaches(db, state.db, timeout, online),
    reaches(blobs, state.blobs, timeout, online)
  ])
  return reached.includes('late') ? 'late' : reached.includes('other') ? 'other' : 'same'
}

export class PublishedFiles {
  /** nodes that were looked at with everything below them, and the blobs that they need */
  private readonly sound = new Map<string, number>()

  constructor(
    private readonly cores: Cores,
    private readonly timeout: number,
    private readonly online: () => boolean
  ) {}

  async at(state: FilesState): Promise<Published> {
    const reached = await isPublished(this.cores, state, this.timeout, this.online())
    if (reached !== 'same') return reached
    const db = this.cores.db.session({ timeout: this.timeout })
    const blobs = this.cores.blobs.session({ timeout: this.timeout })
    const bee = openBee(db).checkout(Math.max(1, state.db.length))
    const close = async () => {
      await bee.close()
      await Promise.all([db.close(), blobs.close()])
    }
    const sound = await isTree(db, state, this.sound)
    if (sound) return { files: new DriveTree(bee, blobs), close }
    await close()
    return sound === null ? 'late' : 'other'
  }
}

interface Block {
  key: Uint8Array
  value: Uint8Array | null
  levels: Level[]
}

/** A node, the place of its level, and the keys between which its own must lie. */
interface Step {
  seq: number
  offset: number
  above: Uint8Array | null
  below: Uint8Array | null
}

/**
 * Whether a database core is a tree as Hyperbee makes it, with entries that lie within the blobs. Every node has a key and
 * all keys ascend, so the walk comes to each block once at most.
 * @returns null if a block does not come
 */
async function isTree(
  db: Hypercore,
  { db: { length }, blobs }: FilesState,
  sound: Map<string, number>
): Promise<boolean | null> {
  const looked: string[] = []
  const blocks = new Map<number, Block | null>()
  const read = async (seq: number) => {
    const known = blocks.get(seq)
    if (known !== undefined) return known
    const bytes = await db.get(seq).catch(() => null)
    if (bytes === null) throw new Late()
    const block = decode(bytes)
    blocks.set(seq, block)
    return block
  }

  const visit = async (step: Step): Promise<Step[] | null> => {
    const { seq, offset, above, below } = step
    const name = nameOf(step)
    if (blobs.length >= (sound.get(name) ?? Infinity)) return []
    looked.push(name)
    const node = await read(seq)
    const level = node?.levels.at(offset)
    if (!level) return null
    const { keys, children } = level
    const places = children.length / 2
    if (keys.length === 0) return seq === length - 1 && places === 0 ? [] : null
    if (places !== 0 && places !== keys.length + 1) return null
    const bounds: (Uint8Array | null)[] = [above]
    for (const key of keys) {
      const entry = key > 0 && key <= seq ? await read(key) : null
      if (entry === null || !isEntry(entry, blobs.length)) return null
      const last = bounds.at(-1)!
      if (last !== null && b4a.compare(last, entry.key) >= 0) return null
      bounds.push(entry.key)
    }
    bounds.push(below)
    if (below !== null && b4a.compare(bounds.at(-2)!, below) >= 0) return null
    const steps: Step[] = []
    for (let i = 0; i < places; i++) {
      const [child, place] = [children[2 * i], children[2 * i + 1]]
      if (child < 1 || child > seq) return null
      steps.push({ seq: child, offset: place, above: bounds[i], below: bounds[i + 1] })
    }
    return steps
  }

  const steps: Step[] = length < 2 ? [] : [{ seq: length - 1, offset: 0, above: null, below: null }]
  try {
    for (let step = steps.pop(); step; step = steps.pop()) {
      const next = await visit(step)
      if (next === null) return false
      steps.push(...next)
    }
    for (const name of looked) sound.set(name, blobs.length)
    return true
  } catch (error) {
    if (error instanceof Late) return null
    throw error
  }
}

class Late extends Error {}

function nameOf({ seq, offset, above, below }: Step): string {
  return [seq, offset, ...[above, below].map(key => key && b4a.toString(key, 'hex'))].join()
}

function decode(bytes: Uint8Array): Block | null {
  try {
    const { key, value, index } = Node.decode(bytes)
    return { key, value, levels: YoloIndex.decode(index).levels }
  } catch {
    return null
  }
}

function isEntry({ value }: Block, blobBlocks: number): boolean {
  try {
    blobOf(JSON.parse(b4a.toString(value ?? b4a.alloc(0))), 'a file', blobBlocks)
    return true
  } catch {
    return false
  }
}
