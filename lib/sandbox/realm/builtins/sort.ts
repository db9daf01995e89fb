// A merge sort with a fixed order of comparisons, so that an inconsistent comparator has the same result on every
// engine. Stable.

import { charge } from '../meter.js'
import { append, min } from './tools.js'

/** Runs up to here are sorted by insertion. */
const RUN = 8

/**
 * Sorts the first elements of the list in place; `after` tells whether one is to stand after another that it stands
 * before.
 */
export function mergeSort<T>(list: T[], length: number, after: (left: T, right: T) => boolean): void {
  charge(length * 2)
  for (let low = 0; low < length; low += RUN) insertionSort(list, low, min(low + RUN, length), after)
  if (length <= RUN) return
  let from = list
  let into: T[] = []
  for (let i = 0; i < length; i++) append(into, list[i])
  for (let width = RUN; width < length; width *= 2) {
    charge(length * 2)
    for (let low = 0; low < length; low += width * 2) {
      merge(from, into, low, min(low + width, length), min(low + width * 2, length), after)
    }
    const other = from
    from = into
    into = other
  }
  if (from === list) return
  for (let i = 0; i < length; i++) list[i] = from[i]!
}

function insertionSort<T>(list: T[], low: number, high: number, after: (left: T, right: T) => boolean): void {
  for (let i = low + 1; i < high; i++) {
    const item = list[i]
    let at = i
    while (at > low && after(list[at - 1], item)) {
      list[at] = list[at - 1]!
      at--
    }
    list[at] = item
  }
}

function merge<T>(
  from: T[],
  into: T[],
  low: number,
  middle: number,
  high: number,
  after: (left: T, right: T) => boolean
): void {
  let left = low
  let right = middle
  for (let i = low; i < high; i++) {
    if (left < middle && (right >= high || !after(from[left], from[right]))) into[i] = from[left++]!
    else into[i] = from[right++]!
  }
}
