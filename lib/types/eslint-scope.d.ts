// The part of eslint-scope that is used here, at the version pinned in package.json; it ships no types.

declare module 'eslint-scope' {
  import type { Identifier, Program } from 'acorn'

  export interface Reference {
    readonly identifier: Identifier
    readonly from: Scope
    /** True for the value that a declaration gives its variable. */
    readonly init?: boolean
    isWrite(): boolean
  }
  export interface Variable {
    readonly name: string
    readonly references: Reference[]
  }
  export interface Scope {
    readonly type: string
    readonly upper: Scope | null
    readonly childScopes: Scope[]
    readonly variables: Variable[]
    /** References that nothing in this scope or inside it declares. */
    readonly through: Reference[]
    /** The nearest scope around that `var` declares in. */
    readonly variableScope: Scope
  }
  export interface Options {
    ecmaVersion: number
    sourceType: 'script' | 'module' | 'commonjs'
    nodejsScope?: boolean
    impliedStrict?: boolean
  }
  export function analyze(program: Program, options: Options): { readonly globalScope: Scope }
}
