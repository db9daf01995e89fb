// Oracles as an auditor has them: it asks none, and hands each call the answers that the log says it was given, as long as it asks
// for what the log says it asked for.

import b4a from 'b4a'
import type { Outcome, Record } from '../ledger/record.js'
import type { CheckedRequest } from '../ledger/request.js'
import type { Asked, Oracles } from '../machine/oracles.js'

export class LoggedOracles implements Oracles {
  private readonly logged: Map<CheckedRequest, Record>

  /** @param records of the requests, one each */
  constructor(requests: CheckedRequest[], records: Record[]) {
    this.logged = new Map(requests.map((request, i) => [request, records[i]]))
  }

  answer(request: CheckedRequest, nth: number, { name, method, inputs }: Asked): Promise<Outcome | null> {
    const said = this.logged.get(request)?.oracles.at(nth)
    const isSame = said?.name === name && said.method === method && b4a.equals(said.inputs, inputs)
    return Promise.resolve(isSame ? said.output : null)
  }
}
