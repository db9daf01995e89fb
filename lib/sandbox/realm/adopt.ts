// Values on their way into the contract's realm.

import { fromEntries, type Size, type Value } from '../../ledger/normal.js'

/** Gas for each item of a value that goes in or out, and units of size (bytes or UTF-16) for one gas. */
const ITEM_GAS = 16
const SIZE_PER_GAS = 8

/** @returns the same value, made of this realm's objects */
export function adopt(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  if (ArrayBuffer.isView(value)) return new Uint8Array(value)
  if (Array.isArray(value)) {
    const items: Value[] = []
    for (let i = 0; i < value.length; i++) items.push(adopt(value[i]))
    return items
  }
  const entries: [string, Value][] = []
  const keys = Object.keys(value)
  for (let i = 0; i < keys.length; i++) entries.push([keys[i], adopt(value[keys[i]])])
  return fromEntries(entries)
}

/** What it costs to take across what has been looked at, in gas. */
export function priceOfSize({ items, bytes }: Size): number {
  return items * ITEM_GAS + Math.ceil(bytes / SIZE_PER_GAS)
}

/** What it costs to take a value across, in gas. */
export function priceOf(value: Value): number {
  if (typeof value === 'string') return ITEM_GAS + Math.ceil(value.length / SIZE_PER_GAS)
  if (typeof value !== 'object' || value === null) return ITEM_GAS
  if (ArrayBuffer.isView(value)) return ITEM_GAS + Math.ceil(value.byteLength / SIZE_PER_GAS)
  let price = ITEM_GAS
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) price += priceOf(value[i])
    return price
  }
  const keys = Object.keys(value)
  for (let i = 0; i < keys.length; i++) price += priceOf(keys[i]) + priceOf(value[keys[i]])
  return price
}
