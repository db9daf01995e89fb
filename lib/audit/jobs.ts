// Replays ranges of a log in several processes at once. They have neither network nor storage: this process reads for them.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../errors.js'
import type { Evidence, FilesEvidence } from './evidence.js'
import type { Findings, Found } from './findings.js'
import type { Replayed } from './ranges.js'
import type { BlockRange } from './selection.js'

const JOB = fileURLToPath(new URL('./job.js', import.meta.url))

/** What a job is told, and what it asks and tells. */
export interface Start {
  namespace: Uint8Array
  publicKey: Uint8Array
  ranges: BlockRange[]
}

export type Question =
  | { ask: 'blocks'; number: number; count: number }
  | { ask: 'hash'; length: number }
  | { ask: 'files'; state: Parameters<Evidence['files']>[0] }
  | { ask: 'file block'; files: number; core: 'db' | 'blobs'; index: number }

export type FromJob =
  | { type: 'question'; id: number; question: Question }
  | { type: 'progress'; blocks: number }
  | { type: 'done'; found: Found; replayed: Replayed }
  | { type: 'failed'; message: string }

export interface Answer {
  id: number
  answer: unknown
}

/**
 * @param shares a list of ranges for each process
 * @throws Error if a process fails
 */
export async function replayInJobs(
  evidence: Evidence,
  shares: BlockRange[][],
  findings: Findings,
  onblocks: (blocks: number) => void = () => {}
): Promise<Replayed> {
  const stopping = new AbortController()
  try {
    const done = await Promise.all(shares.map(ranges => runJob(evidence, ranges, onblocks, stopping.signal)))
    for (const [i, { found }] of done.entries()) findings.take(found, i === 0 ? 0 : 1)
    return {
      calls: Math.max(...done.map(({ replayed }) => replayed.calls)),
      checked: done.reduce((sum, { replayed }) => sum + replayed.checked, 0)
    }
  } finally {
    stopping.abort()
  }
}

async function runJob(
  evidence: Evidence,
  ranges: BlockRange[],
  onblocks: (blocks: number) => void,
  signal: AbortSignal
): Promise<{ found: Found; replayed: Replayed }> {
  const child = fork(JOB, [], {
    serialization: 'advanced',
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc']
  })
  const stop = () => child.kill('SIGKILL')
  signal.addEventListener('abort', stop)
  const exited = once(child, 'exit')
  const reader = new Reader(evidence)
  const { namespace, publicKey } = evidence.keys.manifests.log.signers[0]
  try {
    const result = new Promise<{ found: Found; replayed: Replayed }>((resolve, reject) => {
      child.on('message', (message: FromJob) => {
        switch (message.type) {
          case 'question':
            return void reader
              .answer(message.question)
              .then(answer => child.connected && child.send({ id: message.id, answer }))
              .catch(reject)
          case 'progress':
            return onblocks(message.blocks)
          case 'failed':
            return reject(new Error(message.message))
          case 'done':
            return resolve(message)
        }
      })
      child.on('error', reject)
      void exited.then(([status, cause]) =>
        reject(new Error(`a process of the audit ended with ${String(cause ?? status)}`))
      )
    })
    const start: Start = { namespace, publicKey, ranges }
    child.send(start, error => error && stop())
    return await result
  } catch (error) {
    throw new Error(`a part of the audit failed: ${messageOf(error)}`, { cause: error })
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
    await exited
  }
}

/** Reads what a job asks for. */
class Reader {
  private readonly opened: FilesEvidence[] = []

  constructor(private readonly evidence: Evidence) {}

  async answer(question: Question): Promise<unknown> {
    switch (question.ask) {
      case 'blocks': {
        const numbers = Array.from({ length: question.count }, (_, i) => question.number + i)
        return Promise.all(numbers.map(number => this.evidence.block(number)))
      }
      case 'hash':
        return this.evidence.hash(question.length)
      case 'files': {
        const files = await this.evidence.files(question.state)
        if (typeof files === 'string') return files
        const { db, blobs } = files
        return {
          files: this.opened.push(files) - 1,
          db: { length: db.length, roots: db.roots },
          blobs: { length: blobs.length, roots: blobs.roots }
        }
      }
      case 'file block':
        return this.opened[question.files][question.core].get(question.index)
    }
  }
}
