// Sizes on the command line, and in what people read.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VMSError } from '../../lib/errors.js'
import { formatSize, parseSize } from '../../lib/user/sizes.js'

test('bytes, with a unit or without', () => {
  for (const [text, bytes] of [
    ['1', 1],
    ['5000', 5000],
    ['12B', 12],
    ['500kB', 500_000],
    ['500KB', 500_000],
    ['10MB', 10_000_000],
    ['10 MB', 10_000_000],
    ['10M', 10 * 1024 ** 2],
    ['10MiB', 10 * 1024 ** 2],
    ['1GiB', 1024 ** 3],
    ['1.5gib', 1.5 * 1024 ** 3],
    ['2TB', 2e12],
    ['0.1234kB', 123]
  ] as [string, number][])
    assert.equal(parseSize('--disk', text), bytes, text)
})

test('what is no size says what one is', () => {
  for (const text of [
    '',
    '0',
    '-1',
    '0.5',
    'MB',
    '10XB',
    '1e3',
    '10MBs',
    '1,5MB',
    '10  MB',
    '99999999TB',
    'NaN'
  ])
    assert.throws(
      () => parseSize('--disk', text),
      (error: VMSError) =>
        error.code === 'USAGE' &&
        error.message === `--disk takes a size from 1 byte, as 500kB, 10MB or 1GiB, not "${text}"`,
      text
    )
  assert.throws(() => parseSize('--disk', '2MiB', { max: 1024 ** 2 }), /a size from 1 byte to 1 MiB, as/)
  assert.equal(parseSize('--disk', '1MiB', { max: 1024 ** 2 }), 1024 ** 2)
})

test('sizes as people read them', () => {
  for (const [bytes, text] of [
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1000, '1 kB'],
    [1024, '1 KiB'],
    [1999, '1.9 kB'],
    [123_456, '123 kB'],
    [10_000_000, '10 MB'],
    [1.5 * 1024 ** 3, '1.6 GB'],
    [5 * 1024 ** 4, '5 TiB'],
    [48_915_537_920, '48 GB']
  ] as [number, string][])
    assert.equal(formatSize(bytes), text)
})
