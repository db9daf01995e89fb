// Finding a string in another. The engine's search is quadratic for needles made for it, so long ones are searched for
// here, in linear time (Knuth, Morris and Pratt). What was read is charged afterwards: how much it is depends on where
// the needle is, and one search is short.

import { charge } from '../meter.js'
import { min, native } from './tools.js'

const S = String.prototype
const indexOf = native<[string, number], number>(S, 'indexOf')
const lastIndexOf = native<[string, number], number>(S, 'lastIndexOf')
const charCodeAt = native<[number], number>(S, 'charCodeAt')
const Table = Int32Array

/** Up to here, units of text by units of needle, the engine searches. */
const SMALL = 4096
const SHORT_NEEDLE = 4

/** @returns the first position of the needle from there on, or -1; charged */
export function findText(text: string, needle: string, from: number): number {
  const room = text.length - from
  const { length } = needle
  if (length > room) return -1
  if (length <= SHORT_NEEDLE || room * length <= SMALL) {
    const at = indexOf(text, needle, from)
    const read = (at === -1 ? text.length : at) - from
    if (read > 32) charge(read >>> 2)
    return at
  }
  const at = scan(text, needle, from, 1)
  charge((at === -1 ? room : at - from) * 4 + length * 8)
  return at
}

/** @returns the last position of the needle that is not behind that one, or -1; charged */
export function findLastText(text: string, needle: string, from: number): number {
  const start = min(from, text.length - needle.length)
  const { length } = needle
  if (start < 0) return -1
  if (length <= SHORT_NEEDLE || start * length <= SMALL) {
    const at = lastIndexOf(text, needle, start)
    const read = start - at
    if (read > 32) charge(read)
    return at
  }
  const at = scan(text, needle, start + length - 1, -1)
  charge((start - at) * 4 + length * 8)
  return at
}

/** Scans upwards, or downwards with the needle read from its end. */
function scan(text: string, needle: string, from: number, step: 1 | -1): number {
  const { length } = needle
  const first = step === 1 ? 0 : length - 1
  const fallback = new Table(length)
  for (let i = 1, k = 0; i < length; i++) {
    const unit = charCodeAt(needle, first + step * i)
    while (k > 0 && unit !== charCodeAt(needle, first + step * k)) k = fallback[k - 1]!
    if (unit === charCodeAt(needle, first + step * k)) k++
    fallback[i] = k
  }
  const end = step === 1 ? text.length : -1
  for (let i = from, k = 0; i !== end; i += step) {
    const unit = charCodeAt(text, i)
    while (k > 0 && unit !== charCodeAt(needle, first + step * k)) k = fallback[k - 1]!
    if (unit === charCodeAt(needle, first + step * k)) k++
    if (k === length) return step === 1 ? i - length + 1 : i
  }
  return -1
}
