// From a file on disk to the one script that is deployed: what is in the log is what was executed, so modules and
// TypeScript are bundled once, before. The same files give the same bytes, whatever folder they lie in.
//
// esbuild parses in a process of its own; nothing here looks into the source.

import { readFile, stat } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { basename, dirname, extname, resolve } from 'node:path'
import type { BuildOptions, BuildResult, Loader, Message, Plugin } from 'esbuild'
import { codeOf, messageOf, VMSError } from '../errors.js'
import type { Problem } from './types.js'

export interface Bundle {
  /** One script that assigns to `exports` or `module.exports`. */
  source: string
  /** The file's name without extension. */
  title: string
  /** A source map from the script to the author's files, see places.ts; null if the script is the file itself. */
  map: string | null
}

/** What is wrong in a file of a contract. */
export interface FileProblem extends Problem {
  /** Relative to the folder of the contract; null where the problem is with no file that could be read. */
  file: string | null
}

/** INVALID_CONTRACT with everything that was found; the message is the first. */
export class BundleError extends VMSError {
  constructor(readonly problems: FileProblem[]) {
    const [{ file, line, column, message }] = problems
    super('INVALID_CONTRACT', file === null ? message : `${file}:${line}:${column}: ${message}`)
  }
}

const LOADERS: { [extension: string]: Loader } = {
  '.js': 'js',
  '.cjs': 'js',
  '.mjs': 'js',
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts'
}

const MAX_FILE = 8 * 1024 * 1024 // comments and types go away, so it may be larger than a contract

/**
 * Reads a contract. A plain script is taken as it is, byte for byte; a file with imports, exports, require() or types
 * is bundled with everything it imports.
 * @param onfile told each file that it is made of, and where one is looked for that is not there
 * @throws BundleError INVALID_CONTRACT, with file, line and column where there is such a place
 */
export async function bundle(path: string, onfile?: (path: string) => void): Promise<Bundle> {
  const loader = LOADERS[extname(path)]
  const contents = await readText(path)
  if (!loader) throw invalid(`${path} is not a contract: name a .js or .ts file`)
  const name = basename(path)
  const result = await build({
    stdin: { contents, resolveDir: dirname(resolve(path)), sourcefile: name, loader },
    absWorkingDir: dirname(resolve(path)),
    bundle: true,
    write: false,
    metafile: true,
    format: 'cjs',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
    tsconfigRaw: {}, // a tsconfig.json somewhere above would change the bytes
    sourcemap: 'external', // beside the script: nothing of it is deployed
    sourcesContent: false,
    plugins: onfile ? [telling(onfile)] : [],
    outfile: 'contract.js', // never written; what the map is relative to
    allowOverwrite: true,
    footer: { js: 'module.exports = { ...module.exports };' } // esbuild exports getters, contracts export values
  })
  const title = basename(path, extname(path))
  const plain = extname(path) === '.js' || extname(path) === '.cjs'
  if (plain && isScript(result, name)) return { source: contents, title, map: null }
  const metas = result.warnings.filter(({ id }) => id === 'empty-import-meta')
  if (metas.length > 0) {
    throw new BundleError(metas.map(meta => place(meta, 'import.meta is not there in a contract')))
  }
  const [map, script] = result.outputFiles!
  return { source: script.text, title, map: map.text }
}

/**
 * Bundles a module that runs outside of the sandbox, with all that it imports but Node's own.
 * @param onfile as of `bundle`
 * @throws BundleError INVALID_CONTRACT
 */
export async function bundleModule(path: string, onfile?: (path: string) => void): Promise<string> {
  const contents = await readText(path)
  const loader = LOADERS[extname(path)]
  if (!loader) throw invalid(`${path} is no module: name a .mjs, .js or .ts file`)
  const result = await build({
    stdin: { contents, resolveDir: dirname(resolve(path)), sourcefile: basename(path), loader },
    absWorkingDir: dirname(resolve(path)),
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
    tsconfigRaw: {},
    plugins: onfile ? [telling(onfile)] : []
  })
  return result.outputFiles![0].text
}

/** Tells the files that a build reads, and where it looks for others. */
function telling(onfile: (path: string) => void): Plugin {
  return {
    name: 'telling',
    setup(build) {
      build.onResolve({ filter: /^\.{1,2}(\/|$)/ }, ({ resolveDir, path }) => {
        onfile(resolve(resolveDir, path))
        return undefined
      })
      build.onLoad({ filter: /^/ }, ({ path }) => {
        onfile(path)
        return undefined
      })
    }
  }
}

// what neither imports nor exports anything is a script already
function isScript({ metafile }: BuildResult, name: string): boolean {
  const input = metafile!.inputs[name]
  return input.format !== 'esm' && input.imports.length === 0
}

async function readText(path: string): Promise<string> {
  let bytes
  try {
    const { size } = await stat(path)
    if (size > MAX_FILE) throw invalid(`${path} is larger than ${MAX_FILE / 1024 / 1024} MiB`)
    bytes = await readFile(path)
  } catch (error) {
    if (error instanceof VMSError) throw error
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') throw invalid(`there is no file ${path}`)
    if (code === 'EISDIR') throw invalid(`${path} is a folder: name the contract's file`)
    throw invalid(`${path} cannot be read: ${messageOf(error)}`)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw invalid(`${path} is not UTF-8 text`)
  }
}

let building = 0

// esbuild's service is started by the first build, and stopped after the last: it would keep the program from ending
async function build(options: BuildOptions): Promise<BuildResult> {
  const esbuild = await import('esbuild')
  building++
  try {
    return await esbuild.build(options)
  } catch (error) {
    throw explain(error)
  } finally {
    if (--building === 0) await esbuild.stop()
  }
}

function explain(error: unknown): Error {
  const found = error instanceof Error && 'errors' in error ? (error.errors as Message[]) : []
  if (found.length === 0) return error instanceof Error ? error : new Error(String(error))
  return new BundleError(found.map(message => place(message, reasonOf(message))))
}

function reasonOf({ text }: Message): string {
  const [, missing] = /^Could not resolve "(.*)"$/.exec(text) ?? []
  if (missing === undefined) return text
  return isBuiltin(missing)
    ? `Node modules are not there in a contract, ${missing} cannot be imported`
    : `${missing} cannot be found`
}

function place({ location }: Message, message: string): FileProblem {
  if (!location) return { file: null, message, line: null, column: null }
  const { file, line, lineText, column } = location
  // esbuild counts bytes
  const before = Buffer.from(lineText).subarray(0, column).toString()
  return { file, message, line, column: before.length + 1 }
}

function invalid(message: string): BundleError {
  return new BundleError([{ file: null, message, line: null, column: null }])
}
