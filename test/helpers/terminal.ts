// Commands that take their pipes for a terminal.

import { spawn } from 'node:child_process'
import { Running, VMS, type World } from './cli.js'

/** Starts a command with what it takes for a terminal. */
export async function startOnTerminal(world: World, args: string[]): Promise<Running> {
  const preload = `
    for (const one of [process.stdin, process.stdout, process.stderr]) one.isTTY = true
    process.stdout.columns = 1000
    process.stdout.hasColors = () => true`
  const home = await world.home('bob')
  const node = ['--import', `data:text/javascript,${encodeURI(preload)}`]
  const child = spawn(process.execPath, [...node, VMS, ...args], {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, TERM: 'xterm', VMS_BOOTSTRAP: world.bootstrap }
  })
  return new Running(child)
}
