// The world of a contract, for editors and tsc. Nothing of this is code: write
//
//   import type {} from 'vmswarm/contract'                 in TypeScript or in a module
//   /// <reference types="vmswarm/contract" />             in a script with JSDoc
//
// and System, console, exports and module are known. Leave the libraries "dom" and the types of Node out of the
// tsconfig.json of contracts, then what is not there is an error in the editor already.

/** What arguments and results can be made of; `undefined` becomes null. */
export type Value = null | boolean | number | string | Uint8Array | Value[] | { [key: string]: Value }

/** Who signed the request that is run now. */
export interface Caller {
  /** The caller's public key in z-base-32: 52 letters and digits. */
  readonly id: string
}

/** The VM that runs the contract. */
export interface VM {
  /** Its key in z-base-32: 52 letters and digits. */
  readonly key: string
  /** The number of this call: 0 is `init`. */
  readonly index: number
}

/** What `stat` tells about a path. */
export interface Stat {
  readonly type: 'file' | 'directory'
  /** Bytes; 0 for a folder. */
  readonly size: number
  isFile(): boolean
  isDirectory(): boolean
}

/** `code` of what a call of `System` is rejected with. */
export type ErrorCode =
  /** there is no such file or folder */
  | 'ENOENT'
  /** a part of the path is a file */
  | 'ENOTDIR'
  /** the path is a folder */
  | 'EISDIR'
  /** the folder holds files, and `recursive` was not asked for */
  | 'ENOTEMPTY'
  /** the path, or another argument, is none */
  | 'EINVAL'
  /** the file would be larger than a file may be */
  | 'EFBIG'
  /** the call has used up what it may read, write or ask for at once */
  | 'LIMIT'
  /** System was called while the contract loads: call it in a method */
  | 'LOADING'
  /** the call has ended already */
  | 'ENDED'

/**
 * What a call of `System` is rejected with: an Error with Node's codes.
 *
 *   catch (error) { if ((error as SystemError).code !== 'ENOENT') throw error }
 *
 * An Error that a contract throws can have a `code` of its own: `Object.assign(new Error(…), { code: 'TAKEN' })`. It is
 * logged with name and message, and callers tell errors by it.
 */
export interface SystemError extends Error {
  code: ErrorCode
}

/**
 * The files of the VM: all that outlives a call. A path is absolute or relative to `/`, of at most 1,024 bytes, without
 * `.` and `..`. Folders exist as long as they contain a file. What a call has written is kept if it ends, and dropped if
 * it throws.
 */
export interface Files {
  /**
   * The content of a file as text.
   * @throws ENOENT, EISDIR, ENOTDIR, EINVAL
   */
  readFile(path: string, encoding?: 'utf8'): Promise<string>
  /** The content of a file as bytes. */
  readFile(path: string, encoding: 'binary'): Promise<Uint8Array>
  readFile(path: string, encoding?: 'utf8' | 'binary'): Promise<string | Uint8Array>
  /**
   * Writes a file of at most 1 MiB, and the folders that it lies in; replaces one that is there.
   * @throws EISDIR, ENOTDIR, EFBIG, EINVAL
   */
  writeFile(path: string, data: string | Uint8Array): Promise<void>
  /**
   * The names in a folder, in the order of their UTF-8 bytes; none if there is no such folder. With `recursive` the paths
   * of all files below it, relative to it.
   * @throws ENOTDIR, EINVAL
   */
  readdir(path: string, options?: { recursive?: boolean }): Promise<string[]>
  /**
   * Whether a path is a file or a folder, and its size.
   * @throws ENOENT, ENOTDIR, EINVAL
   */
  stat(path: string): Promise<Stat>
  /**
   * Deletes a file.
   * @throws ENOENT, EISDIR, ENOTDIR, EINVAL
   */
  unlink(path: string): Promise<void>
  /**
   * Checks the path, and does nothing: a folder is there when a file is.
   * @throws EINVAL
   */
  mkdir(path: string): Promise<void>
  /**
   * With `recursive` deletes everything in a folder.
   * @throws ENOTDIR, ENOTEMPTY, EINVAL
   */
  rmdir(path: string, options?: { recursive?: boolean }): Promise<void>
}

/** The oracle `clock`. */
export interface Clock {
  /** The host's clock, ms since 1970. */
  now(): Promise<number>
}

/** The oracle `random`. */
export interface Random {
  /** Random bytes: up to 65,536. @throws EINVAL */
  bytes(count: number): Promise<Uint8Array>
}

export interface Response<Body> {
  status: number
  /** by lower-case name */
  headers: { [name: string]: string }
  body: Body
}

export interface RequestOptions {
  headers?: { [name: string]: string }
  encoding?: 'utf8' | 'binary'
}

/**
 * The oracle `fetch`: the origins that it may ask stand in genesis.
 * @throws FORBIDDEN_ORIGIN, FORBIDDEN_ADDRESS, TOO_MANY_REDIRECTS, RESPONSE_TOO_LARGE, ORACLE_TIMEOUT, EINVAL, or why the server
 * could not be asked
 */
export interface Fetch {
  get(url: string, options: RequestOptions & { encoding: 'binary' }): Promise<Response<Uint8Array>>
  get(url: string, options?: RequestOptions): Promise<Response<string>>
  post(
    url: string,
    body: string | Uint8Array,
    options: RequestOptions & { encoding: 'binary' }
  ): Promise<Response<Uint8Array>>
  post(url: string, body: string | Uint8Array, options?: RequestOptions): Promise<Response<string>>
}

/**
 * APIs with effects that the host offers, by name. Declare those that a contract uses:
 *
 *   declare module 'vmswarm/contract' {
 *     interface Oracles { clock: Clock, weather: { now(place: string): Promise<number> } }
 *   }
 */
export interface Oracles {}

/** Everything that a contract can reach outside of itself. It can be called in methods, not while the contract loads. */
export interface System {
  readonly caller: Caller
  readonly vm: VM
  readonly files: Files
  readonly oracles: Oracles
}

declare global {
  const System: System

  /** Writes lines to the log of the host: at most 100 a call, of 1,000 characters. No caller and no auditor sees them. */
  interface Console {
    log(...values: unknown[]): void
    info(...values: unknown[]): void
    warn(...values: unknown[]): void
    error(...values: unknown[]): void
    debug(...values: unknown[]): void
  }
  var console: Console

  namespace NodeJS {
    interface Module {
      /** What the contract exports: its functions are the methods of the VM. */
      exports: any
    }
  }
  var module: NodeJS.Module
  /** What the contract exports: `exports.method = async (…) => …`. The method `init` is called once, at deployment. */
  var exports: NodeJS.Module['exports']
}
