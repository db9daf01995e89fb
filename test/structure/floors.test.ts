// One direction: each floor of lib/ uses only those below it, and no modules use each other in a circle.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

// dist/test/structure → the repository
const root = fileURLToPath(new URL('../../../', import.meta.url))

/** From the top; those in one row do not use each other. */
const FLOORS: string[][] = [
  ['bin'],
  ['lib/index.ts', 'lib/transform.ts'],
  ['lib/commands'],
  ['lib/testing'],
  ['lib/host', 'lib/client', 'lib/mirror'],
  ['lib/audit'],
  ['lib/replica', 'lib/oracles'],
  ['lib/machine'],
  ['lib/sandbox'],
  ['lib/user'],
  ['lib/ledger'],
  ['lib/files'],
  ['lib/swarm'],
  ['lib/errors.ts'],
  ['lib/utf8.ts'],
  ['lib/types', 'lib/contract'] // declarations
]

/** What each module imports, types too: the packages, and the modules as paths from the repository. */
const modules = new Map<string, { line: number; from: string }[]>()
for (const folder of ['bin', 'lib']) {
  for (const file of readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })) {
    const name = path.posix.join(folder, ...file.split(path.sep))
    if (name.endsWith('.ts')) modules.set(name, importsOf(name))
  }
}

test('there are modules to look at, and every one is on a floor', () => {
  assert.ok(modules.size > 50)
  for (const name of modules.keys()) assert.ok(floorOf(name), `${name} is on no floor of the house`)
})

test('every import leads to a module that is there', () => {
  for (const [name, imports] of modules) {
    for (const { line, from } of imports)
      if (isOurs(from))
        assert.ok(existsSync(path.join(root, from)), `${name}:${line} imports ${from}, which is not there`)
  }
})

test('each floor uses only those below it', () => {
  const wrong: string[] = []
  for (const [name, imports] of modules) {
    const user = floorOf(name)
    for (const { line, from } of imports) {
      const used = isOurs(from) ? floorOf(from) : null
      if (!user || !used || user.place === used.place) continue
      if (used.row <= user.row) wrong.push(`${name}:${line} imports ${from}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('no modules import each other in a circle', () => {
  const state = new Map<string, 'open' | 'done'>()
  const circles: string[] = []
  const visit = (name: string, way: string[]) => {
    if (state.get(name) === 'done') return
    if (state.get(name) === 'open') {
      circles.push([...way.slice(way.indexOf(name)), name].join(' → '))
      return
    }
    state.set(name, 'open')
    for (const { from } of modules.get(name) ?? []) if (isOurs(from)) visit(from, [...way, name])
    state.set(name, 'done')
  }
  for (const name of modules.keys()) visit(name, [])
  assert.deepEqual(circles, [])
})

test('every package that is imported is a dependency of its own', () => {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(path.join(root, 'package.json'), 'utf8')
  ) as { [kind: string]: { [name: string]: string } }
  for (const [name, imports] of modules) {
    for (const { line, from } of imports) {
      if (isOurs(from) || from.startsWith('node:') || name.startsWith('lib/types/')) continue
      const [scope, rest] = from.split('/')
      const owner = scope.startsWith('@') ? `${scope}/${rest}` : scope
      // the contract's realm is bundled, with what it imports
      const known = name.startsWith('lib/sandbox/realm/')
        ? { ...dependencies, ...devDependencies }
        : dependencies
      assert.ok(owner in known, `${name}:${line} imports ${from}, which is no dependency`)
    }
  }
})

function isOurs(from: string): boolean {
  return from.startsWith('lib/') || from.startsWith('bin/')
}

function floorOf(name: string): { row: number; place: string } | null {
  for (const [row, places] of FLOORS.entries()) {
    const place = places.find(place => name === place || name.startsWith(place + '/'))
    if (place !== undefined) return { row, place }
  }
  return null
}

// import and export declarations, import(), and the types of import('…')
function importsOf(name: string): { line: number; from: string }[] {
  const source = ts.createSourceFile(
    name,
    readFileSync(path.join(root, name), 'utf8'),
    ts.ScriptTarget.Latest
  )
  const found: { line: number; from: string }[] = []
  const add = (node: ts.Node | undefined) => {
    if (!node || !ts.isStringLiteralLike(node)) return
    const line = source.getLineAndCharacterOfPosition(node.pos).line + 1
    const from = node.text.startsWith('.')
      ? path.posix.join(path.posix.dirname(name), node.text).replace(/\.js$/, '.ts')
      : node.text
    found.push({ line, from })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0])
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}
