// Where a user's things lie when no flag says otherwise (XDG Base Directory Specification).

import { homedir } from 'node:os'
import path from 'node:path'

/** What VMS keeps for a user: copies of VMs, heads, hosted VMs. */
export function dataFolder(): string {
  return path.join(baseFolder('XDG_DATA_HOME', ['.local', 'share']), 'vms')
}

/** What a host keeps: its VMs and their keys. */
export function hostFolder(): string {
  return path.join(dataFolder(), 'host')
}

/** The user's identity. */
export function configFolder(): string {
  return path.join(baseFolder('XDG_CONFIG_HOME', ['.config']), 'vms')
}

// the specification: relative paths in these variables are invalid, ignore them
function baseFolder(variable: string, fallback: string[]): string {
  const value = process.env[variable]
  return value && path.isAbsolute(value) ? value : path.join(homedir(), ...fallback)
}
