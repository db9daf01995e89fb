// What "vms init" writes: a guest book, its test, and how to run them.

/** What there is to know of the package that a project depends on. */
export interface Package {
  name: string
  version: string
  engines: { node: string }
  /** the versions that it is tested with */
  devDependencies: { [name: string]: string }
}

export interface Project {
  name: string
  typescript: boolean
  /** the package as a tarball, relative to the project */
  tarball: string
  pack: Package
}

export interface Template {
  contract: string
  test: string
  /** contents by path */
  files: { [path: string]: string }
}

export function template(project: Project): Template {
  const { typescript } = project
  const contract = typescript ? 'guestbook.ts' : 'guestbook.js'
  const test = typescript ? 'test/guestbook.test.ts' : 'guestbook.test.js'
  const files: { [path: string]: string } = {
    'package.json': json(manifest(project, contract)),
    '.gitignore': typescript ? 'node_modules/\nbuild/\n' : 'node_modules/\n',
    [contract]: contractIn(typescript, contract),
    [test]: testIn(typescript, contract)
  }
  if (typescript) {
    files['tsconfig.json'] = json(CONTRACT_CONFIG)
    files['test/tsconfig.json'] = json(TEST_CONFIG)
  }
  return { contract, test, files }
}

function manifest({ name, typescript, tarball, pack }: Project, contract: string): object {
  const { name: vms, engines, devDependencies } = pack
  const versions = ['@types/node', 'typescript'].map(tool => [tool, devDependencies[tool]])
  return {
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    main: contract,
    engines,
    scripts: {
      dev: 'vms dev',
      check: `${typescript ? 'tsc && ' : ''}vms check ${contract}`,
      test: typescript ? 'tsc -p test && node --test build/test/*.test.js' : 'node --test'
    },
    dependencies: { [vms]: `file:${tarball}` },
    ...(typescript && { devDependencies: Object.fromEntries(versions) as object })
  }
}

/** A contract has neither what browsers have nor what Node has: to use it is an error. */
const CONTRACT_CONFIG = {
  compilerOptions: {
    target: 'es2022',
    lib: ['es2022'],
    types: [],
    module: 'nodenext',
    strict: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
    noEmit: true
  },
  include: ['*.ts']
}

const TEST_CONFIG = {
  extends: '../tsconfig.json',
  compilerOptions: {
    lib: ['es2023'],
    types: ['node'],
    noEmit: false,
    rootDir: '..',
    outDir: '../build'
  },
  include: ['*.ts']
}

function contractIn(typescript: boolean, file: string): string {
  const types = (annotation: string) => (typescript ? annotation : '')
  return `// A guest book: everybody has one entry, and who signs again replaces it.
//
//   npx vms dev                  runs it in memory, and anew whenever it is saved
//   npx vms serve ${file}   deploys and serves it
${typescript ? '' : '\n/// <reference types="vmswarm/contract" />\n'}
${
  typescript
    ? `import type {} from 'vmswarm/contract'

export interface Entry {
  /** the id of who signed */
  by: string
  text: string
}

`
    : ''
}/** Signs the guest book. */
export async function sign(text${types(': string')})${types(': Promise<void>')} {
  if (typeof text !== 'string' || text.trim() === '') throw new TypeError('write something')
  await System.files.writeFile(\`/entries/\${System.caller.id}\`, text)
}

/** All entries. What is in files is all that outlives a call. */
export async function entries()${types(': Promise<Entry[]>')} {
  const list${types(': Entry[]')} = []
  for (const by of await System.files.readdir('/entries')) {
    list.push({ by, text: await System.files.readFile(\`/entries/\${by}\`) })
  }
  return list
}
`
}

function testIn(typescript: boolean, file: string): string {
  const typed = typescript ? '<typeof contract>' : ''
  return `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContract } from 'vmswarm/testing'
${typescript ? "import type * as contract from '../guestbook.js'\n" : ''}
test('everybody has one entry', async () => {
  const vm = await testContract${typed}('${file}')
  const alice = vm.as('alice')
  await alice.sign('hello')
  await alice.sign('hello again')
  assert.deepEqual(await vm.as('bob').entries(), [{ by: alice.id, text: 'hello again' }])
  await vm.close()
})

test('who writes nothing leaves nothing', async () => {
  const vm = await testContract${typed}('${file}')
  await assert.rejects(vm.as('alice').sign(' '), /write something/)
  assert.equal(vm.files.size, 0)
  await vm.close()
})
`
}

function json(value: object): string {
  return JSON.stringify(value, null, 2) + '\n'
}
