// Which addresses are everybody's.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPublic } from '../../lib/oracles/addresses.js'

const PUBLIC = [
  '1.1.1.1',
  '8.8.8.8',
  '172.15.255.255',
  '172.32.0.1',
  '192.167.1.1',
  '2606:4700::1111',
  '2a00::1'
]

const OTHERS = [
  ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1'],
  ...['172.31.255.255', '192.0.0.1', '192.0.2.1', '192.88.99.1', '192.168.1.1', '198.18.0.1', '198.51.100.1'],
  ...['203.0.113.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
  ...[
    '::',
    '::1',
    'fc00::1',
    'fd12::1',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    '2001:db8::1',
    '2002:7f00:1::'
  ],
  ...['::ffff:127.0.0.1', '::ffff:8.8.8.8', '64:ff9b::7f00:1', '::127.0.0.1', '100::1', '3fff::1', '2001::1'],
  ...['', 'localhost', '1.1.1', '0x7f000001', '127.1', '2130706433']
]

for (const address of PUBLIC) {
  test(`${address} is public`, () => assert.equal(isPublic(address), true))
}

for (const address of OTHERS) {
  test(`${address || 'nothing'} is not public`, () => assert.equal(isPublic(address), false))
}
