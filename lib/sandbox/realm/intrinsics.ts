// The world of a contract: every object that it can reach, with every property that it has there. What is not in this
// table is removed, so the world is that of the oldest engine which is supported, whatever a newer one brings along.
//
// A function is either free, because its cost is constant and it runs nothing of the contract's but conversions that
// charge for themselves; or metered, that is, one of ours stands in its place.
//
// Left out on purpose: eval, Function and Compartment (code that was never checked), Proxy (chains of them overflow the
// native stack), BigInt and its arrays (operators without a price), float arrays (the bits of NaN), Intl, WeakRef and
// FinalizationRegistry (they show the machine), shared and resizable buffers, TextEncoder and TextDecoder, escape and
// unescape, `__proto__` and its kind (chains of prototypes without a price), the methods of strings that write HTML.

import { isMetered, remove } from './builtins/tools.js'

/** The globals of a contract, besides what the host endows it with. */
export const GLOBALS: readonly string[] = words(
  `Infinity NaN undefined globalThis isFinite isNaN parseFloat parseInt
  decodeURI decodeURIComponent encodeURI encodeURIComponent
  Array ArrayBuffer Boolean DataView Date JSON Map Math Number Object Promise Reflect RegExp Set String Symbol
  Int8Array Int16Array Int32Array Uint8Array Uint8ClampedArray Uint16Array Uint32Array WeakMap WeakSet
  Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError`
)

interface Properties {
  /** What is no function, and constructors, which are entries of their own. */
  values?: string
  free?: string
  metered?: string
}

const CONSTRUCTOR: Properties = { values: 'length name prototype' }
const ERROR_PROTOTYPE: Properties = { values: 'constructor name message' }
const VIEW: Properties = { values: 'length name prototype BYTES_PER_ELEMENT' }
const VIEW_PROTOTYPE: Properties = { values: 'constructor BYTES_PER_ELEMENT' }
const STEPS: Properties = { values: 'constructor @@toStringTag', metered: 'next return throw' }
const FUNCTIONS: Properties = { values: 'constructor prototype @@toStringTag' }

/** The properties of each. A constructor is found by its prototype. */
export const TABLE: Readonly<Record<string, Properties>> = {
  Object: {
    ...CONSTRUCTOR,
    free: 'getPrototypeOf isExtensible',
    metered: `assign create defineProperties defineProperty entries freeze fromEntries getOwnPropertyDescriptor
      getOwnPropertyDescriptors getOwnPropertyNames getOwnPropertySymbols hasOwn is isFrozen isSealed keys
      preventExtensions seal setPrototypeOf values`
  },
  'Object.prototype': {
    values: 'constructor',
    free: 'valueOf',
    metered: 'hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString'
  },
  Function: CONSTRUCTOR,
  'Function.prototype': {
    values: 'length name constructor',
    free: 'call @@hasInstance',
    metered: 'apply bind toString'
  },
  Array: { ...CONSTRUCTOR, free: 'isArray @@species', metered: 'from of' },
  'Array.prototype': {
    values: 'length constructor @@unscopables',
    free: 'entries keys values @@iterator',
    metered: `at concat copyWithin every fill filter find findIndex findLast findLastIndex flat flatMap forEach includes
      indexOf join lastIndexOf map pop push reduce reduceRight reverse shift slice some sort splice toLocaleString
      toReversed toSorted toSpliced toString unshift with`
  },
  String: { ...CONSTRUCTOR, metered: 'fromCharCode fromCodePoint raw' },
  'String.prototype': {
    values: 'length constructor',
    free: 'toString valueOf',
    metered: `at charAt charCodeAt codePointAt concat endsWith includes indexOf isWellFormed lastIndexOf localeCompare
      match matchAll normalize padEnd padStart repeat replace replaceAll search slice split startsWith substr substring
      toLocaleLowerCase toLocaleUpperCase toLowerCase toUpperCase toWellFormed trim trimEnd trimLeft trimRight trimStart
      @@iterator`
  },
  Number: {
    values: `length name prototype EPSILON MAX_SAFE_INTEGER MAX_VALUE MIN_SAFE_INTEGER MIN_VALUE NaN
      NEGATIVE_INFINITY POSITIVE_INFINITY`,
    free: 'isFinite isInteger isNaN isSafeInteger',
    metered: 'parseFloat parseInt'
  },
  'Number.prototype': {
    values: 'constructor',
    free: 'valueOf',
    metered: 'toExponential toFixed toLocaleString toPrecision toString'
  },
  Boolean: CONSTRUCTOR,
  'Boolean.prototype': { values: 'constructor', free: 'toString valueOf' },
  Symbol: {
    values: `length name prototype asyncIterator hasInstance isConcatSpreadable iterator match matchAll replace search
      species split toPrimitive toStringTag unscopables`,
    free: 'keyFor',
    metered: 'for'
  },
  'Symbol.prototype': {
    values: 'constructor @@toStringTag',
    free: 'description toString valueOf @@toPrimitive'
  },
  Error: CONSTRUCTOR,
  'Error.prototype': { ...ERROR_PROTOTYPE, metered: 'toString' },
  AggregateError: CONSTRUCTOR,
  'AggregateError.prototype': ERROR_PROTOTYPE,
  EvalError: CONSTRUCTOR,
  'EvalError.prototype': ERROR_PROTOTYPE,
  RangeError: CONSTRUCTOR,
  'RangeError.prototype': ERROR_PROTOTYPE,
  ReferenceError: CONSTRUCTOR,
  'ReferenceError.prototype': ERROR_PROTOTYPE,
  SyntaxError: CONSTRUCTOR,
  'SyntaxError.prototype': ERROR_PROTOTYPE,
  TypeError: CONSTRUCTOR,
  'TypeError.prototype': ERROR_PROTOTYPE,
  URIError: CONSTRUCTOR,
  'URIError.prototype': ERROR_PROTOTYPE,
  Date: { ...CONSTRUCTOR, metered: 'UTC now parse' },
  'Date.prototype': {
    values: 'constructor',
    free: `getDate getDay getFullYear getHours getMilliseconds getMinutes getMonth getSeconds getTime getTimezoneOffset
      getUTCDate getUTCDay getUTCFullYear getUTCHours getUTCMilliseconds getUTCMinutes getUTCMonth getUTCSeconds valueOf
      @@toPrimitive`,
    metered: `setDate setFullYear setHours setMilliseconds setMinutes setMonth setSeconds setTime setUTCDate
      setUTCFullYear setUTCHours setUTCMilliseconds setUTCMinutes setUTCMonth setUTCSeconds toDateString toISOString
      toJSON toLocaleDateString toLocaleString toLocaleTimeString toString toTimeString toUTCString`
  },
  Map: { ...CONSTRUCTOR, free: '@@species' },
  'Map.prototype': {
    values: 'constructor @@toStringTag',
    free: 'size',
    metered: 'clear delete entries forEach get has keys set values @@iterator'
  },
  Set: { ...CONSTRUCTOR, free: '@@species' },
  'Set.prototype': {
    values: 'constructor @@toStringTag',
    free: 'size',
    metered: 'add clear delete entries forEach has keys values @@iterator'
  },
  WeakMap: CONSTRUCTOR,
  'WeakMap.prototype': { values: 'constructor @@toStringTag', free: 'delete get has', metered: 'set' },
  WeakSet: CONSTRUCTOR,
  'WeakSet.prototype': { values: 'constructor @@toStringTag', free: 'delete has', metered: 'add' },
  Promise: { ...CONSTRUCTOR, free: '@@species', metered: 'all allSettled any race reject resolve' },
  'Promise.prototype': { values: 'constructor @@toStringTag', metered: 'catch finally then' },
  ArrayBuffer: { ...CONSTRUCTOR, free: 'isView @@species' },
  'ArrayBuffer.prototype': { values: 'constructor @@toStringTag', free: 'byteLength', metered: 'slice' },
  DataView: CONSTRUCTOR,
  'DataView.prototype': {
    values: 'constructor @@toStringTag',
    free: 'buffer byteLength byteOffset',
    metered: `getInt16 getInt32 getInt8 getUint16 getUint32 getUint8 setInt16 setInt32 setInt8 setUint16 setUint32
      setUint8`
  },
  '%TypedArray%': { ...CONSTRUCTOR, free: '@@species', metered: 'from of' },
  '%TypedArray%.prototype': {
    values: 'constructor',
    free: 'buffer byteLength byteOffset entries keys length values @@iterator @@toStringTag',
    metered: `at copyWithin every fill filter find findIndex findLast findLastIndex forEach includes indexOf join
      lastIndexOf map reduce reduceRight reverse set slice some sort subarray toLocaleString toReversed toSorted toString
      with`
  },
  Int8Array: VIEW,
  'Int8Array.prototype': VIEW_PROTOTYPE,
  Int16Array: VIEW,
  'Int16Array.prototype': VIEW_PROTOTYPE,
  Int32Array: VIEW,
  'Int32Array.prototype': VIEW_PROTOTYPE,
  Uint8Array: VIEW,
  'Uint8Array.prototype': VIEW_PROTOTYPE,
  Uint8ClampedArray: VIEW,
  'Uint8ClampedArray.prototype': VIEW_PROTOTYPE,
  Uint16Array: VIEW,
  'Uint16Array.prototype': VIEW_PROTOTYPE,
  Uint32Array: VIEW,
  'Uint32Array.prototype': VIEW_PROTOTYPE,
  Math: {
    values: 'E LN10 LN2 LOG10E LOG2E PI SQRT1_2 SQRT2 @@toStringTag',
    metered: `abs acos acosh asin asinh atan atan2 atanh cbrt ceil clz32 cos cosh exp expm1 floor fround hypot imul log
      log10 log1p log2 max min pow round sign sin sinh sqrt tan tanh trunc`
  },
  JSON: { values: '@@toStringTag', metered: 'parse stringify' },
  Reflect: {
    values: '@@toStringTag',
    free: 'getPrototypeOf isExtensible',
    metered: `apply construct defineProperty deleteProperty get getOwnPropertyDescriptor has ownKeys preventExtensions
      set setPrototypeOf`
  },
  '%IteratorPrototype%': { free: '@@iterator' },
  '%AsyncIteratorPrototype%': { free: '@@asyncIterator' },
  '%ArrayIteratorPrototype%': { values: '@@toStringTag', free: 'next' },
  '%StringIteratorPrototype%': { values: '@@toStringTag', free: 'next' },
  '%MapIteratorPrototype%': { values: '@@toStringTag', metered: 'next' },
  '%SetIteratorPrototype%': { values: '@@toStringTag', metered: 'next' },
  '%GeneratorFunction%': CONSTRUCTOR,
  '%GeneratorFunction%.prototype': FUNCTIONS,
  '%GeneratorPrototype%': STEPS,
  '%AsyncFunction%': CONSTRUCTOR,
  '%AsyncFunction%.prototype': { values: 'constructor @@toStringTag' },
  '%AsyncGeneratorFunction%': CONSTRUCTOR,
  '%AsyncGeneratorFunction%.prototype': FUNCTIONS,
  '%AsyncGeneratorPrototype%': STEPS
}

/** The global functions: all metered. */
export const GLOBAL_FUNCTIONS = words(
  'isFinite isNaN parseFloat parseInt decodeURI decodeURIComponent encodeURI encodeURIComponent'
)

/** The constructors that the engine's own stand for: what they do is constant. */
const FREE_CONSTRUCTORS = words('Object Function String Boolean Symbol Promise %TypedArray%').concat(
  words('%GeneratorFunction% %AsyncFunction% %AsyncGeneratorFunction%')
)

function words(text: string): string[] {
  return text.split(/\s+/).filter(word => word !== '')
}

const { getPrototypeOf, getOwnPropertyDescriptor, ownKeys } = Reflect

/** @returns a property's key as the table writes it */
export function nameOf(key: PropertyKey): string {
  if (typeof key !== 'symbol') return String(key)
  const name = key.description ?? ''
  return name.startsWith('Symbol.') ? `@@${name.slice(7)}` : `symbol ${name}`
}

type Root = Record<string, unknown> & { prototype: object }
const parent = (object: object): object => getPrototypeOf(object) as object
const constructorOf = (prototype: object): object => (prototype as { constructor: object }).constructor

/** @returns the objects of the table as they are now, by their names */
export function roots(world: Readonly<Record<string, unknown>>): Record<string, object> {
  const generator = parent(function* () {})
  const asyncGenerator = parent(async function* () {})
  const asyncFunction = parent(async function () {})
  const array = parent([][Symbol.iterator]())
  const view = parent(Uint8Array.prototype)
  const known: Record<string, object> = {
    'Function.prototype': parent(Object),
    '%TypedArray%.prototype': view,
    '%IteratorPrototype%': parent(array),
    '%ArrayIteratorPrototype%': array,
    '%StringIteratorPrototype%': parent(''[Symbol.iterator]()),
    '%MapIteratorPrototype%': parent(new Map().keys()),
    '%SetIteratorPrototype%': parent(new Set().keys()),
    '%GeneratorFunction%.prototype': generator,
    '%GeneratorPrototype%': (generator as Root).prototype,
    '%AsyncFunction%.prototype': asyncFunction,
    '%AsyncGeneratorFunction%.prototype': asyncGenerator,
    '%AsyncGeneratorPrototype%': (asyncGenerator as Root).prototype,
    '%AsyncIteratorPrototype%': parent((asyncGenerator as Root).prototype),
    Math: world.Math as object,
    JSON: world.JSON as object,
    Reflect: world.Reflect as object
  }
  const found: Record<string, object> = {}
  for (const name of Object.keys(TABLE)) {
    const [base = '', key] = name.split('.')
    const prototype = known[`${base}.prototype`] ?? (world[base] as Root | undefined)?.prototype
    const object = known[name] ?? (key === undefined ? prototype && constructorOf(prototype) : prototype)
    if (object === undefined) throw new TypeError(`there is no ${name}`)
    found[name] = object
  }
  return found
}

/**
 * Removes every property that is not in the table.
 * @returns all functions that are there
 * @throws if something is missing, or is not priced as the table says
 */
export function prune(objects: Readonly<Record<string, object>>): object[] {
  const functions: object[] = []
  for (const [name, { values = '', free: freed = '', metered = '' }] of Object.entries(TABLE)) {
    const object = objects[name]
    const isFree = new Set(words(freed))
    const isPriced = new Set(words(metered))
    const isKept = new Set([...words(values), ...isFree, ...isPriced])
    for (const key of ownKeys(object)) {
      const written = nameOf(key)
      if (!isKept.delete(written)) {
        remove(object, key)
        continue
      }
      const found = getOwnPropertyDescriptor(object, key)
      const fn: unknown = found?.get ?? found?.value
      if (typeof fn === 'function' && (isFree.has(written) || isPriced.has(written))) {
        if (isMetered(fn) !== isPriced.has(written))
          throw new TypeError(`${name}.${written} is not priced as it should be`)
        functions.push(fn)
      }
    }
    if (isKept.size > 0) throw new TypeError(`${name} lacks ${[...isKept].join(' ')}`)
    if (typeof object === 'function') {
      if (isMetered(object) === FREE_CONSTRUCTORS.includes(name.replace('Function.prototype', 'Function')))
        throw new TypeError(`${name} is not priced as it should be`)
      functions.push(object)
    }
  }
  return functions
}
