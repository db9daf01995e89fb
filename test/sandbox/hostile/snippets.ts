// Bodies of contract methods that attack: `args` is what they are called with. Each must end, in the way named here, and
// in the same way wherever it is replayed.

export interface Snippet {
  name: string
  body: string
  /** the outcome's value, or the code or else the message of its error */
  ends: { value: unknown } | { code: string } | { message: RegExp }
}

const value = (value: unknown) => ({ value })
const code = (code: string) => ({ code })
const GAS = code('OUT_OF_GAS')
const DEPTH = code('STACK_DEPTH')
const LIMIT = code('LIMIT')
const INVALID = code('INVALID_VALUE')

function table(entries: [name: string, body: string, ends: Snippet['ends']][]): Snippet[] {
  return entries.map(([name, body, ends]) => ({ name, body, ends }))
}

/** tries to evaluate code through a constructor, and says what it got */
const constructed = (from: string) =>
  `try { return String((${from}).constructor('return typeof process')()) } catch (e) { return e instanceof TypeError }`

export const ESCAPES = table([
  ['constructor of a function', constructed('() => {}'), value(true)],
  ['constructor of an async function', constructed('async () => {}'), value(true)],
  ['constructor of a generator', constructed('function* () {}'), value(true)],
  ['constructor of an async generator', constructed('async function* () {}'), value(true)],
  ['constructor of a class', constructed('class {}'), value(true)],
  ['constructor of a bound function', constructed('(() => {}).bind()'), value(true)],
  ['constructor of a builtin', constructed('[].push'), value(true)],
  [
    'constructor of a getter',
    constructed("Object.getOwnPropertyDescriptor(Map.prototype, 'size').get"),
    value(true)
  ],
  ['constructor of System', constructed('System.files.stat'), value(true)],
  ['constructor of console', constructed('console.log'), value(true)],
  ['constructor of the arguments', constructed('args.constructor.constructor'), value(true)],
  ['constructor of a promise of System', constructed('System.files.readdir("/").then'), value(true)],
  [
    'constructor of an answer',
    'const list = await System.files.readdir("/"); try { list.constructor.constructor("return process")() } catch (e) { return e.name }',
    value('TypeError')
  ],
  [
    'constructor of an error of System',
    'try { await System.files.readFile("/none") } catch (e) { try { e.constructor.constructor("return process")() } catch (f) { return f.name } }',
    value('TypeError')
  ],
  [
    'constructor of an error of the engine',
    'try { null.x } catch (e) { try { e.constructor.constructor("return process")() } catch (f) { return f.name } }',
    value('TypeError')
  ],
  [
    'constructor of an error of a builtin',
    'try { "x".repeat(-1) } catch (e) { try { e.constructor.constructor("return process")() } catch (f) { return f.name } }',
    value('TypeError')
  ],
  [
    'constructor of a syntax error of a regular expression',
    'try { new RegExp("(") } catch (e) { try { e.constructor.constructor("return process")() } catch (f) { return [e instanceof SyntaxError, f.name] } }',
    value([true, 'TypeError'])
  ],
  [
    'constructor of a full stack',
    'function f() { f() } try { f() } catch (e) { return e.constructor.constructor("return process")() }',
    DEPTH
  ],
  ['callers', 'function f() { return f.caller } return f()', value(null)],
  [
    'callee',
    'return (function () { try { return arguments.callee } catch (e) { return e.name } })()',
    value('TypeError')
  ],
  [
    'call sites',
    'Error.prepareStackTrace = (_, sites) => sites; return typeof new Error().stack',
    { message: /Cannot|read only|not extensible/ }
  ],
  ['a longer stack', 'Error.stackTraceLimit = 100; return 1', { message: /Cannot|read only|not extensible/ }],
  ['this at the top', 'return (function () { return typeof this })()', value('undefined')],
  ['globals are frozen', 'globalThis.leak = 1', { message: /Cannot add property leak/ }],
  ['globals cannot be replaced', 'globalThis.Math = 1', { message: /read only|Cannot assign/ }],
  ['prototypes are frozen', 'Object.prototype.leak = 1', { message: /Cannot add property leak/ }],
  ['array methods are frozen', 'Array.prototype.map = 1', { message: /read only|Cannot assign/ }],
  [
    'intrinsics without a name are frozen',
    'Object.getPrototypeOf(async function* () {}).leak = 1',
    { message: /Cannot add/ }
  ],
  [
    'iterators are frozen',
    'Object.getPrototypeOf([][Symbol.iterator]()).next = 1',
    { message: /read only|Cannot assign/ }
  ],
  ['System is frozen', 'System.files.readFile = 1', { message: /read only|Cannot assign/ }],
  [
    'System has no constructor of its own',
    'return Object.getPrototypeOf(System) === Object.prototype',
    value(true)
  ],
  [
    'host promises are those of the contract',
    'return System.files.mkdir("/x") instanceof Promise',
    value(true)
  ],
  [
    'host errors are those of the contract',
    'try { await System.files.readFile("/none") } catch (e) { return e instanceof Error }',
    value(true)
  ],
  [
    'answers are those of the contract',
    'const s = await System.files.readdir("/"); return s instanceof Array',
    value(true)
  ],
  [
    'arguments are those of the contract',
    'return [args instanceof Array, args[0] instanceof Object, args[1] instanceof Uint8Array]',
    value([true, true, true])
  ],
  [
    'hooks have no name',
    'return [typeof exports, typeof module, typeof require, typeof process]',
    value(['object', 'object', 'undefined', 'undefined'])
  ],
  ['source text is not shown', 'return (() => 1 + 1).toString().includes("$$")', value(false)],
  [
    'templates of different calls cannot talk',
    'const t = (s => s)`x`; try { t.seen = 1 } catch (e) { return Object.isFrozen(t) && Object.isFrozen(t.raw) }',
    value(true)
  ],
  [
    'a species that lies',
    'class A extends Array { static get [Symbol.species]() { return Object } } return new A(1, 2, 3).map(x => x).length ?? 0',
    value(0)
  ],
  ['a promise that lies', 'class P extends Promise { then(f) { f(7) } } return new P(() => {})', value(7)],
  [
    'a promise with a constructor',
    'const p = Promise.resolve(3); Object.defineProperty(p, "constructor", { get() { for (;;); } }); return p',
    GAS
  ]
])

export const RESULTS = table([
  ['a thenable that loops', 'return { then() { for (;;); } }', GAS],
  ['a thenable that never settles', 'return { then() {} }', code('NEVER_SETTLES')],
  ['a thenable that answers with a thenable, for ever', 'const t = { then(f) { f(t) } }; return t', GAS],
  [
    'a promise of itself',
    'let f; const p = new Promise(r => { f = r }); f(p); return p',
    { message: /cycle/ }
  ],
  ['a getter', 'return { get a() { for (;;); } }', INVALID],
  ['a getter in an array', 'return Object.defineProperty([1], 0, { get() { for (;;); } })', INVALID],
  ['toJSON', 'return { toJSON() { for (;;); } }', INVALID],
  ['a cycle', 'const a = {}; a.a = a; return a', INVALID],
  ['a cycle in an array', 'const a = []; a.push(a); return a', INVALID],
  ['a graph that expands', 'let a = [1]; for (let i = 0; i < 60; i++) a = [a, a]; return a', LIMIT],
  ['a sparse array', 'const a = []; a[4] = 1; return a', value([null, null, null, null, 1])],
  ['a very sparse array', 'const a = []; a[2 ** 32 - 2] = 1; return a', LIMIT],
  ['holes', 'return [, 1, , ]', value([null, 1, null])],
  ['a huge string', 'return "x".repeat(2 ** 22)', LIMIT],
  ['a huge buffer', 'return new Uint8Array(2 ** 22)', LIMIT],
  ['a long list', 'return Array.from({ length: 200_000 }, (_, i) => i)', LIMIT],
  ['deep nesting', 'let a = []; for (let i = 0; i < 200; i++) a = [a]; return a', INVALID],
  ['a lone surrogate', 'return "\\ud800"', INVALID],
  ['NaN', 'return NaN', INVALID],
  ['minus zero', 'return -0', value(0)],
  ['undefined in an object', 'return { a: undefined }', value({ a: null })],
  ['a function', 'return () => {}', INVALID],
  ['a symbol', 'return Symbol.iterator', INVALID],
  ['a map', 'return new Map()', INVALID],
  ['a key __proto__', 'return JSON.parse(\'{"__proto__": 1}\')', value(JSON.parse('{"__proto__": 1}'))],
  ['a prototype with getters', 'return Object.create({ get a() { for (;;); } })', INVALID],
  ['an array of a class', 'return new (class extends Array {})()', INVALID],
  ['an array with a name', 'const a = [1]; a.x = 2; return a', INVALID],
  ['thrown: null', 'throw null', { message: /^null was thrown$/ }],
  ['thrown: undefined', 'throw undefined', { message: /^undefined was thrown$/ }],
  ['thrown: a function', 'throw () => {}', { message: /a function was thrown/ }],
  ['thrown: a symbol', 'throw Symbol("x")', { message: /a symbol was thrown/ }],
  [
    'thrown: an object with getters',
    'throw { get message() { for (;;); }, get code() { for (;;); } }',
    { message: /an object was thrown/ }
  ],
  [
    'thrown: an error with getters',
    'throw Object.defineProperties(new Error("x"), { message: { get() { for (;;); } }, name: { get() { for (;;); } } })',
    { message: /^$/ }
  ],
  ['thrown: an error with a huge message', 'throw new Error("x".repeat(2 ** 20))', { message: /^x{1000}$/ }],
  [
    'thrown: an error with a strange prototype',
    'const e = new Error("x"); Object.setPrototypeOf(e, { get name() { for (;;); } }); throw e',
    { message: /x|thrown/ }
  ],
  ['thrown: a promise', 'throw Promise.reject(new Error("x"))', { message: /an object was thrown/ }],
  [
    'rejected with a thenable',
    'return Promise.reject({ then() { for (;;); } })',
    { message: /an object was thrown/ }
  ],
  ['a rejection nobody handles', 'Promise.reject({ get message() { for (;;); } }); return 1', value(1)],
  [
    'a code that is an object',
    'throw Object.assign(new Error("x"), { code: { toString() { for (;;); } } })',
    { message: /^x$/ }
  ],
  [
    'a name that is a symbol',
    'throw Object.assign(new Error("x"), { name: Symbol("s") })',
    { message: /^x$/ }
  ]
])

export const RESOURCES = table([
  ['for', 'for (;;);', GAS],
  ['while', 'while (true) {}', GAS],
  ['do', 'do ; while (true)', GAS],
  ['continue', 'outer: for (;;) { for (;;) continue outer }', GAS],
  [
    'for of an endless iterator',
    'for (const x of { [Symbol.iterator]: () => ({ next: () => ({ done: false }) }) });',
    GAS
  ],
  [
    'for await of an endless iterator',
    'for await (const x of { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false }) }) });',
    GAS
  ],
  [
    'for in of a large object',
    'const o = {}; for (let i = 0; i < 1e5; i++) o["k" + i] = i; for (;;) for (const k in o) break',
    GAS
  ],
  ['microtasks', 'for (;;) await null', GAS],
  ['microtasks that dangle', '(async () => { for (;;) await null })()', value(null)],
  ['promises that chain', 'const again = () => Promise.resolve().then(again); again()', value(null)],
  ['thenables that chain', 'const t = { then(f) { f(t) } }; await t', GAS],
  ['catch', 'for (;;) { try { for (;;); } catch { continue } }', GAS],
  ['finally', 'for (;;) { try { for (;;); } finally { continue } }', GAS],
  ['finally that returns', 'function f() { try { for (;;); } finally { return 1 } } return f()', GAS],
  ['finally that recurses', 'function f() { try { f() } finally { f() } } f()', DEPTH],
  ['catch that recurses', 'function f() { try { f() } catch { f() } } f()', DEPTH],
  ['a rejection handler', 'return (async () => { for (;;); })().catch(() => 1)', GAS],
  [
    'an iterator that is closed',
    'for (const x of { [Symbol.iterator]: () => ({ next: () => ({}), return() { for (;;); } }) }) break',
    GAS
  ],
  [
    'a generator that will not end',
    'function* g() { try { yield } finally { for (;;) yield } } for (const x of g()) { for (;;); }',
    GAS
  ],
  ['never settles', 'await new Promise(() => {})', code('NEVER_SETTLES')],
  [
    'never settles, in two',
    'let a; const b = (async () => { await a })(); a = (async () => { await b })(); await new Promise(() => {})',
    code('NEVER_SETTLES')
  ],

  [
    'builtins that dangle: join',
    'const a = Array(1e5).fill(0); const f = a.join.bind(a, ","); let p = Promise.resolve(); for (let i = 0; i < 5e3; i++) p = p.then(f); return 1',
    value(1)
  ],
  [
    'builtins that dangle: normalize',
    'const s = "\\u1e9b\\u0323".repeat(2 ** 17); const f = String.prototype.normalize.bind(s, "NFKD"); let p = Promise.resolve(); for (let i = 0; i < 1e3; i++) p = p.then(f); return 1',
    value(1)
  ],
  [
    'builtins that dangle: fill, after an error',
    'const a = new Uint8Array(1e6); const f = a.fill.bind(a, 7); let p = Promise.resolve(); for (let i = 0; i < 5e3; i++) p = p.then(f); throw new Error("x")',
    { message: /^x$/ }
  ],
  [
    'builtins that dangle: push',
    'const a = []; const f = a.push.bind(a, ...Array(60).fill(1)); let p = Promise.resolve(); for (let i = 0; i < 3e4; i++) p = p.then(f); return 1',
    value(1)
  ],
  ['a field that gives gas back', 'class A { "-100000" = 1 } for (;;) new A()', GAS],
  [
    'a length that gives gas back',
    'const o = Object.defineProperty({}, "length", { value: -100000 }); for (;;) ({ ...o })',
    GAS
  ],
  [
    'for in of a length that gives gas back',
    'const o = Object.defineProperty({}, "length", { value: -100000 }); for (;;) for (const k in o);',
    GAS
  ],
  [
    'recursion through a promise that cannot be awaited',
    'const p = Promise.resolve(); Object.defineProperty(p, "constructor", { get() { throw 1 } }); async function f() { try { await p } catch {} f() } f()',
    value(null)
  ],
  [
    'recursion through a thenable',
    'const t = { get then() { f() } }; async function f() { await t; f() } f(); await null; await null',
    DEPTH
  ],
  [
    'thousands of bound arguments',
    'const a = Array(31000).fill(1); const f = (() => 1).bind(null, ...a); for (;;) f()',
    LIMIT
  ],
  [
    'thenables of builtins that dangle',
    'const t = {}; t.then = [].forEach.bind([t]); Promise.resolve(t); return 1',
    value(1)
  ],
  ['text that grows and is read', 'let s = "x".repeat(8e6); for (;;) { s += "y"; s.charCodeAt(5) }', GAS],
  [
    'the stack of an error',
    'try { null.x } catch (e) { return [Object.getOwnPropertyNames(e).sort(), typeof e.stack] }',
    value([['message'], 'undefined'])
  ],
  ['recursion', 'function f() { return f() + 1 } return f()', DEPTH],
  ['recursion of arrows', 'const f = () => f(); f()', DEPTH],
  ['mutual recursion', 'const f = () => g(), g = () => f(); f()', DEPTH],
  ['recursion of getters', 'const o = { get a() { return this.a } }; o.a', DEPTH],
  ['recursion of setters', 'const o = { set a(x) { this.a = x } }; o.a = 1', DEPTH],
  ['recursion of toString', 'const o = { toString() { return "" + o } }; return "" + o', DEPTH],
  ['recursion of valueOf', 'const o = { valueOf() { return +o } }; return +o', DEPTH],
  ['recursion of toPrimitive', 'const o = { [Symbol.toPrimitive]() { return o + 1 } }; return o + 1', DEPTH],
  ['recursion of constructors', 'class A { constructor() { new A() } } new A()', DEPTH],
  ['recursion of fields', 'class A { x = new A() } new A()', DEPTH],
  ['recursion of default parameters', 'function f(a = f()) {} f()', DEPTH],
  ['recursion of tags', 'const t = () => t`x`; t`x`', DEPTH],
  ['recursion of async functions', 'const f = async () => f(); await f()', DEPTH],
  ['recursion of generators', 'function* g() { yield* g() } [...g()]', DEPTH],
  ['recursion of async generators', 'async function* g() { yield* g() } for await (const x of g());', DEPTH],
  ['recursion of map', 'const f = () => [1].map(f); f()', DEPTH],
  ['recursion of sort', 'const f = () => [1, 2].sort(f); f()', DEPTH],
  ['recursion of replace', 'const f = () => "a".replace("a", f); f()', DEPTH],
  ['recursion of replace with a pattern', 'const f = () => "a".replace(/a/, f); f()', DEPTH],
  [
    'recursion of JSON.stringify',
    'const o = { toJSON() { return JSON.stringify(o) } }; JSON.stringify(o)',
    DEPTH
  ],
  ['recursion of JSON.parse', 'const f = () => JSON.parse("[1]", f); f()', DEPTH],
  ['recursion of Reflect.apply', 'const f = () => Reflect.apply(f, null, []); f()', DEPTH],
  ['recursion of Reflect.construct', 'function F() { Reflect.construct(F, []) } new F()', DEPTH],
  ['recursion of call', 'function f() { f.call() } f()', DEPTH],
  ['recursion of bind', 'const f = () => f.bind()(); f()', DEPTH],
  [
    'recursion of instanceof',
    'const o = { [Symbol.hasInstance]: () => 1 instanceof o }; 1 instanceof o',
    DEPTH
  ],
  ['recursion of Array.from', 'const f = () => Array.from([1], f); f()', DEPTH],
  ['recursion of a promise', 'const f = () => new Promise(f); f()', DEPTH],
  ['recursion of iterators', 'const o = { *[Symbol.iterator]() { yield* o } }; [...o]', DEPTH],
  ['recursion of destructuring', 'const o = { get a() { const { a } = o } }; o.a', DEPTH],
  [
    'recursion with many locals',
    `function f() { ${Array.from({ length: 500 }, (_, i) => `let a${i} = ${i}`).join(';')}; return f() + a1 } f()`,
    DEPTH
  ],
  [
    'recursion with many arguments',
    'const list = Array(1000).fill(1); const f = (...a) => f(...list); f()',
    { code: 'STACK_DEPTH' }
  ],
  [
    'a long chain of classes',
    'let C = Object; for (let i = 0; i < 10_000; i++) C = class extends C {}; new C()',
    LIMIT
  ],
  [
    'a long chain of bound functions',
    'let f = () => 1; for (let i = 0; i < 1e5; i++) f = f.bind(); return f()',
    LIMIT
  ],
  [
    'a long chain of prototypes',
    'let o = {}; for (let i = 0; i < 1e6; i++) o = Object.create(o); for (;;) o.x',
    LIMIT
  ],
  [
    'a chain of resolved promises',
    'let p = Promise.resolve(1); for (let i = 0; i < 1e7; i++) p = Promise.resolve(p.then(x => x)); return p',
    GAS
  ],

  ['a regular expression that explodes', 'return /^(a+)+$/.test("a".repeat(40) + "!")', value(false)],
  ['another', 'return /(x+x+)+y/.test("x".repeat(1e4))', value(false)],
  ['one over a long text', 'const s = "a".repeat(2 ** 20); for (;;) /(.*)(.*)(.*)b/.test(s)', GAS],
  ['split by characters', 'const s = "a".repeat(2 ** 20); for (;;) s.split("")', GAS],
  ['a long pattern', 'new RegExp("a".repeat(1e6))', { message: /./ }],
  ['a pattern of repetitions', 'new RegExp("(((a{100}){100}){100}){100}")', { message: /./ }],
  ['a replacement that explodes', 'return "a".repeat(1e4).replace(/a/g, "$&".repeat(1e4)).length', GAS],
  ['a native pattern behind match', 'return "a".repeat(30).match("^(a+)+$") !== null', value(true)],
  ['a native pattern behind search', 'return ("a".repeat(40) + "!").search("^(a+)+$")', value(-1)],
  [
    'a native pattern behind matchAll',
    'return [...("a".repeat(40) + "!").matchAll("(a+)+$")].length',
    value(0)
  ],

  ['repeat', 'return "x".repeat(2 ** 29).length', LIMIT],
  ['repeat again', 'let s = "x"; for (;;) s = s.repeat(2)', LIMIT],
  ['doubling', 'let s = "x"; for (;;) s += s', LIMIT],
  ['doubling in a template', 'let s = "x"; for (;;) s = `${s}${s}`', LIMIT],
  ['concat', 'let s = "x"; for (;;) s = s.concat(s)', LIMIT],
  ['pad', 'return "".padEnd(2 ** 29).length', LIMIT],
  ['join', 'return Array(2 ** 20).join("x".repeat(1000)).length', LIMIT],
  ['join of itself', 'const a = [1]; a.push(a); return String(a)', value('1,')],
  ['toString of a nest', 'let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return String(a)', DEPTH],
  ['fill', 'Array(2 ** 32 - 1).fill(0)', GAS],
  ['fill of a fake', 'Array.prototype.fill.call({ length: 2 ** 53 - 1 }, 0)', GAS],
  ['forEach of a huge array', 'Array(2 ** 32 - 1).forEach(() => {})', GAS],
  ['map of a huge array', 'const a = []; a.length = 2 ** 32 - 1; a.map(x => x)', GAS],
  ['indexOf of a huge array', 'const a = []; a[2 ** 32 - 2] = 1; a.indexOf(2)', GAS],
  ['reverse of a fake', 'Array.prototype.reverse.call({ length: 2 ** 53 - 1 })', GAS],
  ['splice of a fake', 'Array.prototype.splice.call({ length: 2 ** 53 - 1 }, 0, 1)', GAS],
  [
    'a length that is a lie',
    'let n = 0; Array.prototype.fill.call({ get length() { return n++ ? 5 : 2 ** 50 } }, 0)',
    GAS
  ],
  ['flat', 'let a = [1]; for (let i = 0; i < 30; i++) a = [a, a]; a.flat(Infinity)', GAS],
  ['flat of a nest', 'let a = []; for (let i = 0; i < 1e5; i++) a = [a]; a.flat(Infinity)', DEPTH],
  ['sort', 'for (;;) Array.from({ length: 1e5 }, (_, i) => -i).sort()', GAS],
  ['sort by an endless comparison', '[3, 2, 1].sort(() => { for (;;); })', GAS],
  ['array concat', 'let a = [1]; for (;;) a = a.concat(a)', GAS],
  ['spread', 'let a = [1]; for (;;) a = [...a, ...a]', { message: /./ }],
  ['spread of an endless iterator', 'function* g() { for (;;) yield 1 } return [...g()]', GAS],
  ['spread into arguments', 'const a = Array(1e6).fill(0); return Math.max(...a)', LIMIT],
  ['apply with a fake', 'Math.max.apply(null, { length: 2 ** 32 })', GAS],
  ['Array.from of a fake', 'Array.from({ length: 2 ** 32 })', GAS],
  ['Array.from of an endless iterator', 'Array.from((function* () { for (;;) yield 1 })())', GAS],
  ['new Map of an endless iterator', 'new Map((function* () { for (;;) yield [1, 1] })())', GAS],
  ['Promise.all of an endless iterator', 'Promise.all((function* () { for (;;) yield 1 })())', GAS],
  [
    'Object.fromEntries of an endless iterator',
    'Object.fromEntries((function* () { for (let i = 0; ; i++) yield [i, i] })())',
    GAS
  ],
  ['push', 'const a = []; for (;;) a.push(a.length)', GAS],
  ['a Map that grows', 'const m = new Map(); for (let i = 0; ; i++) m.set(i, [i])', GAS],
  ['a Set that grows', 'const s = new Set(); for (let i = 0; ; i++) s.add({ i })', GAS],
  ['an object that grows', 'const o = {}; for (let i = 0; ; i++) o["k" + i] = i', GAS],
  ['long keys', 'const o = {}; for (let i = 0; ; i++) o[String(i).padStart(1e4)] = i', GAS],
  ['closures that grow', 'const a = []; for (;;) a.push(() => a)', GAS],
  ['classes that grow', 'const a = []; for (;;) a.push(class { x = 1 })', GAS],
  ['errors that grow', 'const a = []; for (;;) a.push(new Error("x"))', GAS],
  ['promises that grow', 'const a = []; for (;;) a.push(Promise.reject(a))', GAS],
  ['buffers', 'const a = []; for (;;) a.push(new ArrayBuffer(2 ** 20))', GAS],
  ['a large buffer', 'new ArrayBuffer(2 ** 32)', LIMIT],
  ['a buffer of a fake', 'new Uint8Array({ length: 2 ** 32 })', LIMIT],
  ['a growing buffer', 'return new ArrayBuffer(8, { maxByteLength: 2 ** 40 }).byteLength', value(8)],
  ['array lengths', 'for (;;) { const a = []; a.length = 2 ** 24 }', GAS],
  [
    'JSON of a bomb',
    'let o = {}; for (let i = 0; i < 40; i++) o = { a: o, b: o }; JSON.stringify(o)',
    { message: /./ }
  ],
  [
    'JSON with a gap',
    'let a = []; for (let i = 0; i < 400; i++) a = [a, 1, 2, 3]; for (;;) JSON.stringify(a, null, "          ")',
    GAS
  ],
  ['JSON nested deeply', 'JSON.parse("[".repeat(1e5))', LIMIT],
  [
    'JSON of a nest',
    'let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a)',
    { code: 'LIMIT' }
  ],
  [
    'JSON read again and again',
    'const s = JSON.stringify(Array(1e4).fill({ a: 1 })); for (;;) JSON.parse(s)',
    GAS
  ],
  [
    'comparisons of long strings',
    'const a = "x".repeat(2 ** 22), b = "x".repeat(2 ** 22); for (;;) a === b',
    GAS
  ],
  [
    'switch over long strings',
    'const a = "x".repeat(2 ** 20) + "a", b = "x".repeat(2 ** 20) + "b"; for (;;) switch (a) { case b: }',
    GAS
  ],
  [
    'lookups of long strings',
    'const m = new Map(); for (let i = 0; ; i++) m.get("x".repeat(2 ** 16) + i)',
    GAS
  ],
  ['flattening', 'const s = "x".repeat(2 ** 22); for (let i = 0; ; i++) (s + i).charCodeAt(5)', GAS],
  ['slices of long strings', 'const s = "x".repeat(2 ** 22); for (;;) s.toUpperCase()', GAS],
  ['normalisation', 'const s = "\\u1e9b\\u0323".repeat(2 ** 18); for (;;) s.normalize("NFKD")', GAS],
  ['encoding', 'const s = "\\u20ac".repeat(2 ** 18); for (;;) encodeURIComponent(s)', GAS],
  ['rest of a long array', 'const a = Array(1e6).fill(0); for (;;) { const [x, ...rest] = a }', GAS],
  [
    'rest of a large object',
    'const o = {}; for (let i = 0; i < 1e4; i++) o["k" + i] = i; for (;;) { const { k1, ...rest } = o }',
    GAS
  ],
  [
    'copies of a large object',
    'const o = {}; for (let i = 0; i < 1e4; i++) o["k" + i] = i; for (;;) ({ ...o })',
    GAS
  ],
  ['parsing dates', 'const s = "2020-01-01T00:00:00Z"; for (;;) new Date(s)', GAS],
  ['powers', 'for (;;) 1.0001 ** 12345.678', GAS],
  ['console', 'for (;;) console.log("x".repeat(2 ** 20))', GAS],
  ['System calls without end', 'for (;;) await System.files.mkdir("/x")', GAS],
  ['System calls at once', 'for (;;) System.files.mkdir("/x")', { message: /./ }],
  [
    'System calls with large arguments',
    'const s = "x".repeat(2 ** 19); for (;;) await System.files.writeFile("/x", s)',
    { message: /./ }
  ]
])

/** One contract with a method a snippet: m0, m1, … */
export function contractOf(snippets: Snippet[]): string {
  return snippets.map(({ body }, i) => `exports.m${i} = async (...args) => { ${body} }`).join('\n')
}
