// A small internet of network namespaces with the routers of the kernel, and the real command line in it.
//
//   host ── router ──┐                    ┌── router ── client
//                    ├── public network ──┤
//   relay ───────────┘   (DHT nodes)      └── mirror
//
// Needs root, network namespaces and nftables. What a run leaves that was killed is removed by the next one.

import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Running, Users, type Line } from '../helpers/cli.js'

/** How a router maps who is behind it: always to the same port, to another one for each peer, or no router at all. */
export type Kind = 'cone' | 'symmetric' | 'open'

/** Who is behind a router, or would be. */
export type Side = 'host' | 'client'

export interface LabOptions {
  host?: Kind
  client?: Kind
  /** runs a relay that everybody is told of */
  relay?: boolean
  /** has a public place for the user "mirror" */
  mirror?: boolean
  /** percent of the packets that get lost at the host's router */
  loss?: number
  /** ms that a packet takes longer to the host's router, and from it */
  delay?: number
  /** whether the routers drop what comes from each other */
  blocked?: boolean
}

const PORT = 49737
const DHT_HOSTS = [11, 12, 13, 21, 22, 23, 31, 32, 33].map(publicAddress)
/** More than introduce a host: one of them is there whoever of these is killed. */
const BOOTSTRAP = DHT_HOSTS.slice(0, 4)
const ADDRESSES = { host: publicAddress(101), client: publicAddress(102) }
const PREFIX = 'vmsnet'
const FIRST_LINE_MS = 60_000

/** Why there can be no lab here; null if there can. */
export const unavailable = probe()

let labs = 0
const open = new Set<Lab>()
const leave = () => {
  for (const lab of open) lab.remove()
}
const interrupted = () => process.exit(1)

export class Lab extends Users {
  private readonly prefix = `${PREFIX}-${process.pid}-${labs++}`
  private readonly helpers: Running[] = []
  private readonly namespaces = ['pub', 'host', 'client']
  private readonly addresses = { ...ADDRESSES }
  private readonly kinds: { [side in Side]: Kind }
  private dht!: Running
  private relayKey: string | null = null

  private constructor(
    folder: string,
    private readonly options: LabOptions
  ) {
    super(folder, BOOTSTRAP.map(host => `${host}:${PORT}`).join())
    this.kinds = { host: options.host ?? 'cone', client: options.client ?? 'cone' }
  }

  /** Makes a network that is gone when the test ends. */
  static async make(t: TestContext, options: LabOptions = {}): Promise<Lab> {
    removeLeft()
    const lab = new Lab(await mkdtemp(path.join(tmpdir(), 'vms-net-')), options)
    if (open.size === 0) {
      process.once('exit', leave)
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupted)
    }
    open.add(lab)
    t.after(() => lab.close())
    await lab.build()
    return lab
  }

  /** Takes a side's line down. What its router knows of connections is lost. */
  down(side: Side): void {
    const name = this.kinds[side] === 'open' ? side : `router-${side}`
    this.shell(`ip -n ${this.name(name)} link set eth0 down`)
  }

  up(side: Side): void {
    const name = this.kinds[side] === 'open' ? side : `router-${side}`
    this.shell(`ip -n ${this.name(name)} link set eth0 up`)
  }

  /** Gives a side's router another public address; what it knew of connections is lost with the old one. */
  move(side: Side): void {
    const [router, before] = [this.name(`router-${side}`), this.addresses[side]]
    const now = publicAddress(Number(before.split('.')[3]) + 10)
    this.addresses[side] = now
    this.shell(
      `ip -n ${router} addr del ${before}/24 dev eth0`,
      `ip -n ${router} addr add ${now}/24 dev eth0`,
      ...(this.options.blocked ? this.blocking() : [])
    )
  }

  /** Kills six of the nine nodes of the DHT, among them those that introduce the host of a topic. @returns these */
  async killNodes(topic: Uint8Array): Promise<string[]> {
    const relays = (await this.tell(`relays ${Buffer.from(topic).toString('hex')}`)).relays as string[]
    const others = DHT_HOSTS.filter(host => !relays.includes(host)).reverse()
    await this.tell(`kill ${[...relays, ...others].slice(0, 6).join(' ')}`)
    return relays
  }

  /** Removes the network at once; processes in it end. */
  remove(): void {
    for (const { child } of this.helpers) child.kill('SIGKILL')
    for (const name of this.namespaces) removeNamespace(this.name(name))
    open.delete(this)
  }

  override async start(user: string, ...args: string[]): Promise<Running> {
    return super.start(user, ...args, ...(this.relayKey === null ? [] : ['--relay', this.relayKey]))
  }

  protected override place(user: string): string[] {
    return this.inside(this.namespaces.includes(user) ? user : 'client')
  }

  private async close(): Promise<void> {
    await this.kill()
    this.remove()
    await Promise.all(this.helpers.map(({ ended }) => ended))
    if (open.size === 0) {
      process.off('exit', leave)
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, interrupted)
    }
    await rm(this.folder, { recursive: true, force: true })
  }

  private async build(): Promise<void> {
    const { relay, mirror, delay, blocked } = this.options
    if (relay) this.namespaces.push('relay')
    if (mirror) this.namespaces.push('mirror')
    for (const side of ['host', 'client'] as const)
      if (this.kinds[side] !== 'open') this.namespaces.push(`router-${side}`)
    const pub = this.name('pub')
    this.shell(
      ...this.namespaces.flatMap(name => [
        `ip netns add ${this.name(name)}`,
        `ip -n ${this.name(name)} link set lo up`
      ]),
      `ip -n ${pub} link add br0 type bridge`,
      `ip -n ${pub} link set br0 up`,
      ...DHT_HOSTS.map(host => `ip -n ${pub} addr add ${host}/24 dev br0`),
      ...(relay ? this.attach('relay', publicAddress(40)) : []),
      ...(mirror ? this.attach('mirror', publicAddress(50)) : [])
    )
    for (const side of ['host', 'client'] as const) {
      const slow = side === 'host' && delay !== undefined
      if (slow) await this.delay(delay)
      const open = this.kinds[side] === 'open'
      this.shell(
        ...this.attach(open ? side : `router-${side}`, this.addresses[side], slow),
        ...(open ? [] : this.route(side))
      )
    }
    if (blocked) this.shell(...this.blocking())

    const program = fileURLToPath(new URL('dht-process.js', import.meta.url))
    this.dht = this.help(...this.inside('pub'), process.execPath, program, String(PORT), ...DHT_HOSTS)
    await within(FIRST_LINE_MS, this.dht.json(), 'the nodes of the DHT')
    if (!relay) return
    const running = await this.start('relay', 'relay', '--json')
    const [ready] = await within(FIRST_LINE_MS, running.json(), 'the relay')
    this.relayKey = String(ready.key)
  }

  /** Commands that connect a namespace with the public network. */
  private attach(name: string, address: string, slow = false): string[] {
    const [pub, own] = [this.name('pub'), this.name(name)]
    const link = slow
      ? [`ip -n ${pub} link set slow1 netns ${own}`, `ip -n ${own} link set slow1 name eth0`]
      : [`ip -n ${pub} link add ${name} type veth peer name eth0 netns ${own}`]
    const end = slow ? 'slow0' : name
    return [
      ...link,
      `ip -n ${pub} link set ${end} master br0`,
      `ip -n ${pub} link set ${end} up`,
      `ip -n ${own} addr add ${address}/24 dev eth0`,
      `ip -n ${own} link set eth0 up`
    ]
  }

  /** Commands that place a router before a side. */
  private route(side: Side): string[] {
    const [router, own] = [this.name(`router-${side}`), this.name(side)]
    const subnet = side === 'host' ? '192.168.11' : '192.168.12'
    const { loss } = this.options
    const lossy = side === 'host' && loss !== undefined
    // what nobody behind it has asked for is dropped on the way in: it would take the port that a connection is mapped to
    return [
      `ip link add lan0 netns ${router} type veth peer name eth0 netns ${own}`,
      `ip -n ${router} addr add ${subnet}.1/24 dev lan0`,
      `ip -n ${router} link set lan0 up`,
      `ip netns exec ${router} sysctl -qw net.ipv4.ip_forward=1`,
      `ip -n ${own} addr add ${subnet}.2/24 dev eth0`,
      `ip -n ${own} link set eth0 up`,
      `ip -n ${own} route add default via ${subnet}.1`,
      `ip netns exec ${router} nft -f - <<'END'
table ip nat {
  chain out {
    type nat hook postrouting priority srcnat;
    oifname "eth0" masquerade ${this.kinds[side] === 'symmetric' ? 'fully-random' : ''}
  }
}
table ip filter {
  chain input {
    type filter hook input priority 0;
    iifname "eth0" ct state established,related accept
    iifname "eth0" drop
  }
  chain blocked {}
  chain forward {
    type filter hook forward priority 0;
    ${lossy ? `numgen random mod 100 < ${loss} drop` : ''}
    jump blocked
    iifname "eth0" ct state established,related accept
    iifname "eth0" drop
  }
}
END`
    ]
  }

  /** Commands after which the routers drop what comes from each other. */
  private blocking(): string[] {
    return (['host', 'client'] as const).flatMap(side => {
      const nft = `ip netns exec ${this.name(`router-${side}`)} nft`
      const other = this.addresses[side === 'host' ? 'client' : 'host']
      return [
        `${nft} flush chain ip filter blocked`,
        `${nft} add rule ip filter blocked ip saddr ${other} drop`
      ]
    })
  }

  /** Makes the two ends of a slow line. */
  private async delay(ms: number): Promise<void> {
    const program = fileURLToPath(new URL('../../../test/net/delay.py', import.meta.url))
    const running = this.help(...this.inside('pub'), 'python3', program, String(ms), 'slow0', 'slow1')
    await within(
      FIRST_LINE_MS,
      running.until(() => running.stdout !== ''),
      'the slow line'
    )
  }

  private help(program: string, ...args: string[]): Running {
    const running = new Running(spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] }))
    this.helpers.push(running)
    return running
  }

  /** Has the program of the DHT's nodes do something. */
  private async tell(line: string): Promise<Line> {
    const { dht } = this
    const count = dht.stdout.split('\n').length
    dht.child.stdin!.write(line + '\n')
    return (await within(FIRST_LINE_MS, dht.json(count), line))[count - 1]
  }

  private inside(name: string): [string, ...string[]] {
    return ['ip', 'netns', 'exec', this.name(name)]
  }

  private name(name: string): string {
    return `${this.prefix}-${name}`
  }

  private shell(...commands: string[]): void {
    execFileSync('sh', ['-e'], { input: commands.join('\n') + '\n', stdio: ['pipe', 'pipe', 'pipe'] })
  }
}

/** What a promise resolves with; fails if that takes too long. */
export async function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms / 1000} s: ${what}`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

function publicAddress(last: number): string {
  return `203.0.113.${last}`
}

function probe(): string | null {
  if (process.platform !== 'linux') return `no network namespaces on ${process.platform}`
  if (process.getuid!() !== 0) return 'network namespaces need root'
  const name = `${PREFIX}-${process.pid}-probe`
  try {
    const script = `ip netns add ${name}
ip -n ${name} link add br0 type bridge
ip -n ${name} link add end0 type veth peer name end1
ip netns exec ${name} sysctl -qw net.ipv4.ip_forward=1
ip netns exec ${name} nft 'add table ip t; add chain ip t c { type nat hook postrouting priority srcnat; }; add rule ip t c masquerade fully-random'
ip netns exec ${name} nft 'add table ip u; add chain ip u c; add rule ip u c numgen random mod 100 < 3 drop'
test -c /dev/net/tun
python3 -c 'import fcntl'
`
    execFileSync('sh', ['-e'], { input: script, stdio: ['pipe', 'pipe', 'pipe'] })
    return null
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer }
    return `no network namespaces with routers here: ${stderr?.toString().trim().split('\n')[0] || message}`
  } finally {
    removeNamespace(name)
  }
}

/** Removes what runs have left whose process is gone. */
function removeLeft(): void {
  for (const line of quietly('ip', 'netns', 'list').split('\n')) {
    const [name] = line.split(' ')
    const pid = new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) removeNamespace(name)
  }
}

function removeNamespace(name: string): void {
  for (const pid of quietly('ip', 'netns', 'pids', name).split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // it has ended meanwhile
    }
  }
  quietly('ip', 'netns', 'del', name)
}

function isAlive(pid: number): boolean {
  try {
    return /node/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  } catch {
    return false
  }
}

function quietly(program: string, ...args: string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return ''
  }
}
