// Where the demo plays: runs commands in processes of their own, each person with folders of their own, and shows what is
// typed and what it prints.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const VMS = fileURLToPath(new URL('../../bin/vms.js', import.meta.url))
const STEP_MS = 40_000

export class StepFailed extends Error {}

/** A host that serves until it is stopped. */
export interface Serving {
  output: string
  stop(): Promise<void>
}

interface Started {
  child: ChildProcess
  exited: Promise<number | null>
  /** everything on stdout so far */
  output: string
  onoutput: () => void
}

export class Stage {
  readonly hostFolder: string
  private readonly running = new Set<Started>()
  closed = false

  constructor(
    private readonly folder: string,
    private readonly bootstrap: string,
    private readonly write: (line: string) => void
  ) {
    this.hostFolder = path.join(folder, 'operator', 'data', 'vms', 'host')
  }

  /** Explains what happens next. */
  say(sentence: string): void {
    this.write('')
    this.write(sentence)
  }

  note(line: string): void {
    this.write(`  ${line}`)
  }

  fail(why: string): never {
    throw new StepFailed(why)
  }

  /** Runs a command to its end. @returns what it printed on stdout */
  async run(who: string, args: string[], status = 0): Promise<string> {
    const started = this.start(who, args, this.folder)
    const exit = await this.within(started.exited, args)
    if (exit !== status) this.fail(`"vms ${args.join(' ')}" ended with ${exit}, not ${status}`)
    return started.output
  }

  /** Starts a host, and waits until its VM can be found. */
  async serve(script: string): Promise<Serving> {
    const args = ['serve', path.relative(process.cwd(), script) || script]
    const started = this.start('operator', args)
    const ready = new Promise<void>(resolve => {
      started.onoutput = () => started.output.includes('vms audit') && resolve()
    })
    const ended = started.exited.then(status => this.fail(`the host ended with ${status}`))
    ended.catch(() => {}) // when it is stopped
    await this.within(Promise.race([ready, ended]), args)
    const stop = async () => {
      started.child.kill('SIGTERM')
      const status = await this.within(started.exited, args)
      if (status !== 0) this.fail(`the host ended with ${status} when it was stopped`)
    }
    return { output: started.output, stop }
  }

  /** Ends whatever still runs. */
  async close(): Promise<void> {
    this.closed = true
    for (const { child } of this.running) child.kill('SIGKILL')
    await Promise.all([...this.running].map(({ exited }) => exited))
  }

  private start(who: string, args: string[], cwd?: string): Started {
    if (this.closed) this.fail('interrupted')
    this.write(`${who}$ vms ${args.map(quote).join(' ')}`)
    const home = path.join(this.folder, who)
    const child = spawn(process.execPath, [VMS, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd,
      env: {
        ...process.env,
        VMS_BOOTSTRAP: this.bootstrap,
        VMS_STORAGE: '',
        XDG_DATA_HOME: path.join(home, 'data'),
        XDG_CONFIG_HOME: path.join(home, 'config')
      }
    })
    const exited = once(child, 'close').then(([status]) => status as number | null)
    const started: Started = { child, exited, output: '', onoutput: () => {} }
    this.running.add(started)
    void exited.then(() => this.running.delete(started))
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      started.output += text
      this.show(text)
      started.onoutput()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.show(text))
    return started
  }

  private show(text: string): void {
    for (const line of text.split('\n')) if (line !== '') this.note(line)
  }

  private async within<T>(promise: Promise<T>, args: string[]): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const error = new StepFailed(`"vms ${args.join(' ')}" took more than ${STEP_MS / 1000} s`)
      timer = setTimeout(() => reject(error), STEP_MS)
    })
    try {
      return await Promise.race([promise, late])
    } finally {
      clearTimeout(timer)
    }
  }
}

function quote(text: string): string {
  return /^[\w./:-]+$/.test(text) ? text : `'${text}'`
}
