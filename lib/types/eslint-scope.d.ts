// The part of eslint-scope that is used here, at the version pinned in package.json; it ships no types.

declare module 'eslint-scope' {
  import type { AnyNode, Identifier, Program } from 'acorn'

  export interface Reference {
    readonly identifier: Identifier
    readonly from: Scope
    /** The variable that it names; null if nothing declares it. */
    readonly resolved: Variable | null
    /** True for the value that a declaration gives its variable. */
    readonly init?: boolean
    /** What is written, if anything is. */
    readonly writeExpr?: AnyNode
    isWrite(): boolean
    isRead(): boolean
  }
  export interface Definition {
    readonly type:
      | 'CatchClause'
      | 'Parameter'
      | 'FunctionName'
      | 'ClassName'
      | 'Variable'
      | 'ImportBinding'
      | 'ImplicitGlobal'
    /** The identifier that it declares. */
    readonly name: Identifier
    /** What declares it: a function, a class, a VariableDeclarator. */
    readonly node: AnyNode
  }
  export interface Variable {
    readonly name: string
    readonly references: Reference[]
    readonly defs: Definition[]
  }
  export interface Scope {
    readonly type: string
    readonly upper: Scope | null
    readonly childScopes: Scope[]
    readonly variables: Variable[]
    readonly set: Map<string, Variable>
    /** The references in this scope itself. */
    readonly references: Reference[]
    /** References that nothing in this scope or inside it declares. */
    readonly through: Reference[]
    /** The nearest scope around that `var` declares in. */
    readonly variableScope: Scope
    /** What the scope is of. */
    readonly block: AnyNode
  }
  export interface Options {
    ecmaVersion: number
    sourceType: 'script' | 'module' | 'commonjs'
    nodejsScope?: boolean
    impliedStrict?: boolean
    ignoreEval?: boolean
  }
  export function analyze(
    program: Program,
    options: Options
  ): { readonly globalScope: Scope; readonly scopes: Scope[] }
}
