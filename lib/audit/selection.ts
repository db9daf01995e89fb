// Which blocks of a log an audit checks: all, those from somewhere on, or a random share that the host cannot foresee.

import b4a from 'b4a'
import crypto from '../ledger/crypto.js'

/** All blocks if nothing is given. */
export interface Selection {
  /** the first block */
  from?: number
  /** so many blocks at the end */
  last?: number
  /** the share of the blocks, above 0 and up to 1 */
  sample?: number
  /** what the share is drawn with: the same for the same seed */
  seed?: string
}

/** Blocks from `start` up to `end`, which is excluded. */
export interface BlockRange {
  start: number
  end: number
}

/** A seed that nobody knows before. */
export function randomSeed(): string {
  return b4a.toString(crypto.randomBytes(8), 'hex')
}

/**
 * The selected blocks after genesis, in ascending ranges; genesis is checked always.
 * @param length blocks of the log
 */
export function select(length: number, selection: Selection): BlockRange[] {
  const { sample = 1, seed = '' } = selection
  const start = Math.max(1, beginOf(length, selection))
  if (start >= length) return []
  if (sample >= 1) return [{ start, end: length }]
  const ranges: BlockRange[] = []
  const add = (block: number) => {
    const end = ranges.at(-1)
    if (end?.end === block) end.end++
    else ranges.push({ start: block, end: block + 1 })
  }
  for (let block = start; block < length; block++) if (draw(seed, block) < sample) add(block)
  if (ranges.length === 0) add(start + Math.floor(draw(seed, 0) * (length - start)))
  return ranges
}

/** The first block of those that are selected, or that a share is drawn from. */
export function beginOf(length: number, { from = 0, last }: Selection): number {
  const begin = Math.max(from, last === undefined ? 0 : length - last)
  return begin <= 1 ? 0 : begin
}

/** Shares ranges out into at most `count` lists with about the same number of blocks. */
export function shareOut(ranges: BlockRange[], count: number): BlockRange[][] {
  const size = Math.ceil(countBlocks(ranges) / count)
  const shares: BlockRange[][] = []
  let room = 0
  for (const { start, end } of ranges) {
    let at = start
    while (at < end) {
      if (room === 0) {
        shares.push([])
        room = size
      }
      const part = Math.min(room, end - at)
      shares.at(-1)!.push({ start: at, end: at + part })
      at += part
      room -= part
    }
  }
  return shares
}

/** The range that a block is in, if there is one. */
export function rangeOf(ranges: BlockRange[], block: number): BlockRange | null {
  let [low, high] = [0, ranges.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ranges[middle].end <= block) low = middle + 1
    else high = middle
  }
  const range = ranges.at(low)
  return range && range.start <= block ? range : null
}

export function countBlocks(ranges: BlockRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0)
}

/** A number from 0 up to 1 that follows from the seed and the block. */
function draw(seed: string, block: number): number {
  return crypto.hash(b4a.from(`${seed} ${block}`)).reduceRight((sum, byte) => (sum + byte) / 256, 0)
}
