// Whatever bytes a peer sends: a decoder throws a plain Error, or what it returns has exactly these bytes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import c from 'compact-encoding'
import { decodeBlock, encodeBlock } from '../../lib/ledger/blocks.js'
import {
  decodeAsk,
  decodeHello,
  decodeRefusal,
  decodeSignedRequest,
  encodeHello,
  encodeRefusal,
  encodeSignedRequest
} from '../../lib/ledger/messages.js'
import { decodeRequest, request, signRequest } from '../../lib/ledger/request.js'
import { confirmation, headMessage, hello, receipt } from '../../lib/ledger/statements.js'
import { decodeValue, encodeValue } from '../../lib/ledger/values.js'
import { hashOf, hex, keyPairOf, Random } from './helper.js'
import {
  COMMITS,
  GENESIS,
  HEADS,
  HELLO,
  RECEIPT,
  REQUEST,
  RUNTIME_CHANGE,
  VALUES,
  WITH_FACTORY,
  WITH_ORACLES
} from './samples.js'

interface Format {
  name: string
  valid: Uint8Array[]
  /** decodes and encodes again */
  again: (bytes: Uint8Array) => Uint8Array
}

const keyPair = keyPairOf(1)

const FORMATS: Format[] = [
  {
    name: 'blocks',
    valid: [GENESIS, WITH_ORACLES, WITH_FACTORY, ...COMMITS.map(([, commit]) => commit), RUNTIME_CHANGE].map(
      encodeBlock
    ),
    again: bytes => encodeBlock(decodeBlock(bytes))
  },
  {
    name: 'requests',
    valid: [c.encode(request, REQUEST)],
    again: bytes => c.encode(request, decodeRequest(bytes))
  },
  {
    name: 'signed requests',
    valid: [encodeSignedRequest(signRequest(REQUEST, keyPair))],
    again: bytes => encodeSignedRequest(decodeSignedRequest(bytes))
  },
  {
    name: 'heads',
    valid: HEADS.map(head => headMessage.encode(headMessage.sign(head, keyPair))),
    again: bytes => headMessage.encode(headMessage.decode(bytes))
  },
  {
    name: 'receipts',
    valid: [
      receipt.encode(receipt.sign(RECEIPT, keyPair)),
      ...receipt
        .signAll([RECEIPT, { ...RECEIPT, index: 1 }, RECEIPT], keyPair)
        .map(one => receipt.encode(one))
    ],
    again: bytes => receipt.encode(receipt.decode(bytes))
  },
  {
    name: 'hellos',
    valid: [hello.encode(hello.sign(HELLO, keyPair))],
    again: bytes => hello.encode(hello.decode(bytes))
  },
  {
    name: 'confirmations',
    valid: [
      confirmation.encode(
        confirmation.sign({ vm: HELLO.vm, challenge: hashOf('challenge'), head: HELLO.head }, keyPair)
      )
    ],
    again: bytes => confirmation.encode(confirmation.decode(bytes))
  },
  {
    name: 'questions',
    valid: [hashOf('challenge')],
    again: bytes => {
      const challenge = decodeAsk(bytes)
      return challenge.byteLength === 32 ? challenge : new Uint8Array(0)
    }
  },
  {
    name: 'hello messages',
    valid: [
      encodeHello({
        namespace: hashOf('namespace'),
        publicKey: keyPair.publicKey,
        hello: hello.encode(hello.sign(HELLO, keyPair))
      })
    ],
    again: bytes => encodeHello(decodeHello(bytes))
  },
  {
    name: 'values',
    valid: VALUES.map(([, value]) => encodeValue([value, { value }])),
    again: bytes => encodeValue(decodeValue(bytes))
  }
]

for (const [i, { name, valid, again }] of FORMATS.entries()) {
  test(`5,000 mutations of ${name}`, () => {
    const random = new Random(100 + i)
    let accepted = 0
    for (let n = 0; n < 5000; n++) {
      const bytes = mutate(random.pick(valid), random)
      let encoded: Uint8Array
      try {
        encoded = again(bytes)
      } catch (error) {
        assert.equal(Object.getPrototypeOf(error), Error.prototype, `${String(error)}: ${hex(bytes)}`)
        continue
      }
      accepted++
      assert.equal(hex(encoded), hex(bytes))
    }
    assert.ok(accepted < 5000)
  })
}

test('5,000 mutations of refusals: an unknown code is a bad host', () => {
  const random = new Random(99)
  const valid = encodeRefusal({ request: hashOf('request'), code: 'STALE', message: 'too old', retry: null })
  for (let n = 0; n < 5000; n++) {
    try {
      assert.ok(['STALE', 'BAD_HOST'].includes(decodeRefusal(mutate(valid, random)).code))
    } catch (error) {
      assert.equal(Object.getPrototypeOf(error), Error.prototype, String(error))
    }
  }
})

test('a refusal whose code is named like a property of every object is a bad host', () => {
  const refusal = { request: hashOf('request'), code: 'constructor' as 'STALE', message: '', retry: null }
  assert.equal(decodeRefusal(encodeRefusal(refusal)).code, 'BAD_HOST')
})

function mutate(valid: Uint8Array, random: Random): Uint8Array {
  let bytes = [...valid]
  for (let times = 1 + random.int(3); times > 0; times--) {
    const at = random.int(bytes.length + 1)
    switch (random.int(6)) {
      case 0:
        bytes[Math.min(at, bytes.length - 1)] ^= 1 << random.int(8)
        break
      case 1:
        bytes.splice(at, 0, random.pick([0, 1, 0xfc, 0xfd, 0xfe, 0xff, random.int(256)]))
        break
      case 2:
        bytes.splice(at, 1 + random.int(4))
        break
      case 3:
        bytes = bytes.slice(0, at)
        break
      case 4:
        bytes.splice(at, 0, ...bytes.slice(at, at + random.int(64)))
        break
      default:
        bytes[Math.min(at, bytes.length - 1)] = random.pick([0, 1, 0xfd, 0xfe, 0xff])
    }
    if (bytes.length === 0) return new Uint8Array(0)
  }
  return Uint8Array.from(bytes)
}
