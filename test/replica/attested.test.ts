// What auditors say: handed to who asks, kept if they are trusted, and counted if it is about the log that is there.

import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import b4a from 'b4a'
import type { KeyPair } from 'hypercore'
import { attestation, type Attestation, type Verdict } from '../../lib/ledger/attestation.js'
import { encodeKey } from '../../lib/ledger/keys.js'
import { Attested } from '../../lib/replica/attested.js'
import type { Link } from '../../lib/replica/link.js'
import { alarms, attestations, auditorsOf, verifiedTo } from '../../lib/replica/verified.js'
import type { Replica } from '../../lib/replica/replica.js'
import { hashOf, keyPairOf, temporary } from '../ledger/helper.js'
import { isCode } from '../machine/helper.js'

const KEY = hashOf('a VM')
const [ANN, BEN, EVE] = [keyPairOf(1), keyPairOf(2), keyPairOf(3)]
const idOf = ({ publicKey }: KeyPair) => encodeKey(publicKey)

type Said = [name: string, bytes: Uint8Array]

/** A connection that keeps what is sent on it. */
function link(): { link: Link; sent: Said[] } {
  const sent: Said[] = []
  const fake = { sendAttestation: (...said: Said) => void sent.push(said) }
  return { link: fake as unknown as Link, sent }
}

function said(by: KeyPair, change: Partial<Attestation> = {}): Uint8Array {
  const { length = 5 } = change
  const honest = { length, hash: hashOf(`log at ${length}`), verdict: 'verified' as Verdict, time: 1000 }
  return attestation.encode(attestation.sign({ auditor: by.publicKey, vm: KEY, ...honest, ...change }, by))
}

interface Collected {
  attested: Attested
  folder: string
  changes: () => number
  hear: (...statements: Uint8Array[]) => void
}

async function collector(
  t: TestContext,
  folder: string | null = null,
  trusted = [ANN, BEN]
): Promise<Collected> {
  let changes = 0
  const place = folder ?? (await temporary(t))
  const attested = new Attested(place, KEY, () => changes++)
  for (const auditor of trusted) attested.trusted.add(idOf(auditor))
  return {
    attested,
    folder: place,
    changes: () => changes,
    hear: (...statements) => {
      for (const bytes of statements) attested.onmessage(link().link, 'attestation', bytes)
    }
  }
}

/** A copy with a log of so many blocks. */
function copyOf(attested: Attested, length = 10): Replica {
  const log = { length, treeHash: (n: number) => Promise.resolve(hashOf(`log at ${n}`)) }
  return { attested, log } as unknown as Replica
}

async function counted(attested: Attested, length = 10) {
  const all = await attestations(copyOf(attested, length))
  return all.map(({ auditor, length, verdict, agrees }) => [auditor, length, verdict, agrees])
}

test('what is attested is handed to those who have asked, and to those who ask', async t => {
  const { attested } = await collector(t, null, [])
  const [early, late, silent] = [link(), link(), link()]
  attested.onopen(silent.link)
  attested.onmessage(early.link, 'attestations', b4a.alloc(0))
  assert.equal(early.sent.length, 0)
  attested.attest(ANN, { length: 5, hash: hashOf('log at 5'), verdict: 'verified' })
  attested.onmessage(late.link, 'attestations', b4a.alloc(0))
  attested.onmessage(late.link, 'attestations', b4a.alloc(0))
  attested.attest(ANN, { length: 6, hash: hashOf('log at 6'), verdict: 'inconclusive' })
  attested.onclose(late.link)
  attested.attest(ANN, { length: 7, hash: hashOf('log at 7'), verdict: 'fraud' })
  const read = ({ sent }: { sent: Said[] }) =>
    sent.map(([name, bytes]) => {
      const one = attestation.decode(bytes)
      assert.ok(attestation.verify(one, ANN.publicKey) && b4a.equals(one.vm, KEY))
      return [name, one.length, one.verdict]
    })
  const [five, six, seven] = [
    ['attestation', 5, 'verified'],
    ['attestation', 6, 'inconclusive'],
    ['attestation', 7, 'fraud']
  ]
  assert.deepEqual(read(early), [five, six, seven])
  assert.deepEqual(read(late), [five, six])
  assert.deepEqual(silent.sent, [])
})

test('who trusts nobody does not ask', async t => {
  const [none, some] = [link(), link()]
  ;(await collector(t, null, [])).attested.onopen(none.link)
  ;(await collector(t)).attested.onopen(some.link)
  assert.deepEqual([none.sent.length, some.sent.map(([name]) => name)], [0, ['attestations']])
})

test('only what trusted auditors say is kept, and nothing that they did not sign', async t => {
  const { attested, folder, changes, hear } = await collector(t)
  hear(said(EVE), said(ANN))
  assert.equal(changes(), 1)
  assert.deepEqual(await counted(attested), [[idOf(ANN), 5, 'verified', true]])
  const forged = attestation.decode(said(ANN, { length: 6 }))
  forged.length = 9
  assert.throws(() => hear(attestation.encode(forged)), isCode('BAD_HOST'))
  assert.throws(() => hear(said(ANN, { vm: hashOf('another VM') })), isCode('BAD_HOST'))
  assert.throws(() => hear(said(EVE, { vm: hashOf('another VM') })), isCode('BAD_HOST'))
  assert.throws(() => hear(b4a.from('nonsense')), /malformed/)
  assert.deepEqual(await counted(attested), [[idOf(ANN), 5, 'verified', true]])
  await attested.close()
  assert.deepEqual(await readdir(path.join(folder, encodeKey(KEY), 'attestations')), [
    `${idOf(ANN)}.verified`
  ])
})

test('of each auditor the newest is kept, whatever comes later', async t => {
  const { attested, changes, hear } = await collector(t)
  hear(said(ANN, { length: 5 }), said(ANN, { length: 7 }), said(ANN, { length: 6, time: 9000 }))
  hear(said(ANN, { length: 7 }))
  assert.equal(changes(), 2)
  assert.deepEqual(await counted(attested), [[idOf(ANN), 7, 'verified', true]])
})

test('an audit that is inconclusive takes nothing back', async t => {
  const { attested, hear } = await collector(t)
  hear(said(BEN, { length: 3, verdict: 'inconclusive' }))
  assert.deepEqual(await counted(attested), [[idOf(BEN), 3, 'inconclusive', true]])
  hear(said(BEN, { length: 5 }), said(BEN, { length: 9, verdict: 'inconclusive', time: 2000 }))
  assert.deepEqual(await counted(attested), [[idOf(BEN), 5, 'verified', true]])
})

test('a fraud stands until the same auditor has verified as much, later', async t => {
  const fraud = said(ANN, { length: 5, verdict: 'fraud', time: 2000 })
  const ben = said(BEN, { length: 9 })
  for (const change of [{}, { length: 9, time: 1000 }, { length: 4, time: 3000 }]) {
    const { attested, hear } = await collector(t)
    hear(fraud, ben, said(ANN, change))
    const all = await attestations(copyOf(attested))
    assert.deepEqual(verifiedTo(all), { length: 9, auditors: 1 })
    assert.deepEqual(
      alarms(all).map(({ auditor, length, verdict }) => [auditor, length, verdict]),
      [[idOf(ANN), 5, 'fraud']]
    )
  }
  const { attested, hear } = await collector(t)
  hear(fraud, ben, said(ANN, { length: 5, time: 3000 }))
  assert.deepEqual(await counted(attested), [
    [idOf(ANN), 5, 'verified', true],
    [idOf(BEN), 9, 'verified', true]
  ])
})

test('what is about another log counts for nothing, and is an alarm', async t => {
  const { attested, hear } = await collector(t)
  hear(said(ANN, { length: 6, hash: hashOf('another log') }), said(BEN, { length: 6 }))
  const all = await attestations(copyOf(attested))
  assert.deepEqual(auditorsOf(all, 6), [idOf(BEN)])
  assert.deepEqual(
    alarms(all).map(({ auditor, agrees }) => [auditor, agrees]),
    [[idOf(ANN), false]]
  )
})

test('what is about more than the copy holds says nothing yet', async t => {
  const { attested, hear } = await collector(t)
  hear(said(ANN, { length: 6 }), said(BEN, { length: 0 }))
  const all = await attestations(copyOf(attested, 5))
  assert.deepEqual([verifiedTo(all), alarms(all)], [{ length: 0, auditors: 0 }, []])
  assert.deepEqual(verifiedTo(await attestations(copyOf(attested, 6))), { length: 6, auditors: 1 })
})

test('the highest block that enough of them have verified', async t => {
  const { attested, hear } = await collector(t, null, [ANN, BEN, EVE])
  hear(said(ANN, { length: 5 }), said(BEN, { length: 7 }), said(EVE, { length: 5 }))
  const all = await attestations(copyOf(attested))
  assert.deepEqual(
    [0, 1, 2, 3, 4].map(count => verifiedTo(all, count)),
    [
      { length: 7, auditors: 1 },
      { length: 7, auditors: 1 },
      { length: 5, auditors: 3 },
      { length: 5, auditors: 3 },
      { length: 0, auditors: 0 }
    ]
  )
  assert.deepEqual(auditorsOf(all, 6), [idOf(BEN)])
})

test('the next command knows what this one was told, of those that it trusts', async t => {
  const { attested, folder, hear } = await collector(t)
  hear(said(ANN, { length: 5 }), said(BEN, { length: 6, verdict: 'fraud' }))
  await attested.close()
  assert.deepEqual(await counted((await collector(t, folder)).attested), [
    [idOf(ANN), 5, 'verified', true],
    [idOf(BEN), 6, 'fraud', true]
  ])
  assert.deepEqual(await counted((await collector(t, folder, [BEN])).attested), [
    [idOf(BEN), 6, 'fraud', true]
  ])
})

test('what another command was told later is not overwritten', async t => {
  const first = await collector(t)
  const second = await collector(t, first.folder)
  second.hear(said(ANN, { length: 9 }))
  await second.attested.close()
  first.hear(said(ANN, { length: 5 }))
  await first.attested.close()
  assert.deepEqual(await counted((await collector(t, first.folder)).attested), [
    [idOf(ANN), 9, 'verified', true]
  ])
})

test('files that are damaged, or say something else than their name, count for nothing', async t => {
  const { attested, folder, hear } = await collector(t)
  hear(said(ANN))
  await attested.close()
  const place = (name: string) => path.join(folder, encodeKey(KEY), 'attestations', name)
  const forged = attestation.decode(said(ANN, { length: 6 }))
  forged.length = 9
  for (const bytes of [
    b4a.from('nonsense'),
    attestation.encode(forged),
    said(ANN, { vm: hashOf('another VM') }),
    said(ANN, { verdict: 'inconclusive' }),
    said(EVE)
  ]) {
    await writeFile(place(`${idOf(ANN)}.verified`), bytes)
    assert.deepEqual(await counted((await collector(t, folder)).attested), [])
  }
})
