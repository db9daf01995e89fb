// A host in miniature, to be killed: commits batches in a loop and prints every call that it would have answered.
//
//   node committer.js FOLDER SEED

import { writeSync } from 'node:fs'
import { Machine } from '../../lib/machine/machine.js'
import { hashRequest } from '../../lib/ledger/request.js'
import { hex, Random } from '../ledger/helper.js'
import { ask, coresOf, deploy, openPlace, VM } from './helper.js'

const [folder, seed] = process.argv.slice(2)
const random = new Random(Number(seed))
const place = await openPlace(folder)
if ((await coresOf(place)).log.length === 0) await deploy(place)
const machine = new Machine(place, VM)
await machine.ready()

for (;;) {
  const requests = Array.from({ length: 1 + random.int(8) }, () => {
    const path = '/' + random.int(20)
    switch (random.int(4)) {
      case 0:
        return ask(machine, 'remove', path)
      case 1:
        return ask(machine, 'write', path, 'x'.repeat(random.int(100_000)))
      default:
        return ask(machine, 'append', path, 'x')
    }
  })
  await machine.commit(requests, committed => {
    for (const { index, request } of committed) writeSync(1, `${index} ${hex(hashRequest(request.signed))}\n`)
  })
}
