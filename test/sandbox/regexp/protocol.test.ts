import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkRegExp, engine } from '../../../lib/sandbox/regexp/engine.js'
import { makeRealm } from './helper.js'

const SAME = [
  // the constructor
  `const r = /x/.constructor; return [typeof RegExp, RegExp.length, RegExp.name]`,
  `return [RegExp('a') instanceof RegExp, new RegExp('a') instanceof RegExp]`,
  `const r = RegExp('a'); return [RegExp(r) === r, new RegExp(r) === r, RegExp(r, 'g') === r, RegExp(r, 'g').flags]`,
  `return [String(new RegExp()), String(new RegExp('')), String(new RegExp(undefined)), String(new RegExp(null))]`,
  `return String(new RegExp(RegExp('a', 'gi'))) + new RegExp(RegExp('a', 'gi'), 'm')`,
  `return new RegExp('a', null)`,
  `return new RegExp('(')`,
  `return new RegExp(Symbol('a'))`,
  `return ['/', '[/]', 'a\\n', '\\\\/', '\\u2028', '\\r', '\\\\\\n', '[\\\\]/]'].map(s => new RegExp(s).source)`,
  `const r = new RegExp('a', 'dgimsuy'); return [r.flags, r.hasIndices, r.global, r.ignoreCase, r.multiline, r.dotAll, r.unicode, r.sticky]`,
  `const p = RegExp.prototype; return [p.source, p.global, p.flags, String(p), Object.prototype.toString.call(new RegExp('a'))]`,
  `return RegExp[Symbol.species] === RegExp`,
  `return Object.getOwnPropertyDescriptor(new RegExp('a'), 'lastIndex')`,
  `return Object.keys(Object.getOwnPropertyDescriptors(new RegExp('a')))`,
  `return Reflect.ownKeys(RegExp.prototype).filter(k => k !== 'compile' && k !== 'unicodeSets' && k !== Symbol.toStringTag).map(String).sort()`,
  `return Reflect.ownKeys(RegExp.prototype).filter(k => k !== 'compile').every(k =>
    !Object.getOwnPropertyDescriptor(RegExp.prototype, k).enumerable)`,
  `return ['exec', 'test', 'toString', Symbol.match, Symbol.matchAll, Symbol.replace, Symbol.search, Symbol.split].map(k =>
    [RegExp.prototype[k].name, RegExp.prototype[k].length])`,
  `return RegExp.prototype.exec.call({}, 'a')`,
  `return Object.getOwnPropertyDescriptor(RegExp.prototype, 'global').get.call({})`,
  `return 'prototype' in RegExp.prototype.exec`,
  // exec and test
  `return new RegExp('(a)(?<n>b)?').exec('xac')`,
  `return new RegExp('(a)(?<n>b)?', 'd').exec('xab')`,
  `return Object.keys(new RegExp('(a)(?<n>b)?', 'd').exec('xab'))`,
  `return Object.getPrototypeOf(new RegExp('(?<n>b)').exec('b').groups)`,
  `const r = new RegExp('a', 'g'); return [r.test('aba'), r.lastIndex, r.test('aba'), r.lastIndex, r.test('aba'), r.lastIndex]`,
  `const r = new RegExp('a', 'y'); return [r.exec('ba'), r.lastIndex, (r.lastIndex = 1, r.exec('ba')), r.lastIndex]`,
  `const r = new RegExp('a'); r.lastIndex = 7; return [r.test('a'), r.lastIndex]`,
  `const r = new RegExp('a', 'g'); r.lastIndex = { valueOf() { return 1 } }; return [r.exec('aa').index, r.lastIndex]`,
  `const r = new RegExp('a', 'g'); r.lastIndex = -1; return r.exec('a').index`,
  `const r = new RegExp('a', 'g'); r.lastIndex = 9; return [r.test('a'), r.lastIndex]`,
  `const r = Object.freeze(new RegExp('a', 'g')); return r.test('a')`,
  `return Object.freeze(new RegExp('a')).test('a')`,
  `const r = new RegExp('', 'gu'); r.lastIndex = 1; return [r.exec('😀').index, r.lastIndex].length`,
  `return new RegExp('undefined').test()`,
  // match and matchAll
  `return ['aXbX'.match(new RegExp('X')), 'aXbX'.match(new RegExp('x', 'gi')), 'a'.match(new RegExp('b', 'g'))]`,
  `return 'ab'.match(new RegExp('', 'g'))`,
  `return '😀b'.match(new RegExp('', 'gu'))`,
  `return '😀b'.match(new RegExp('', 'g'))`,
  `return [...'a1b22'.matchAll(new RegExp('(?<d>\\\\d)+', 'g'))]`,
  `return [...'ab'.matchAll(new RegExp('', 'g'))].map(m => m.index)`,
  `return 'a'.matchAll(new RegExp('a'))`,
  `const i = 'aa'.matchAll(new RegExp('a', 'g')); return [Object.prototype.toString.call(i), i.next().done, i.next().done, i.next().done, i.next().done]`,
  `const r = new RegExp('a', 'g'); r.lastIndex = 1; return [[...'aaa'.matchAll(r)].length, r.lastIndex]`,
  // replace
  `return 'abc'.replace(new RegExp('(b)(x)?'), "[$&|$1|$2|$3|$$|$\`|$'|$0|$01|$10|$<n>|$]")`,
  `return 'abc'.replace(new RegExp('(?<n>b)'), '[$<n>|$<m>|$<n]')`,
  `return 'abcabc'.replace(new RegExp('b', 'g'), 'X')`,
  `return 'abcabc'.replaceAll(new RegExp('b', 'g'), 'X')`,
  `return 'abc'.replaceAll(new RegExp('b'), 'X')`,
  `return 'abc'.replace(new RegExp('', 'g'), '-')`,
  `return '😀b'.replace(new RegExp('', 'gu'), '-')`,
  `return 'abab'.replace(new RegExp('a', 'y'), 'X')`,
  `return 'aab'.replace(new RegExp('a', 'gy'), 'X')`,
  `return '1234567'.replace(new RegExp('\\\\B(?=(\\\\d{3})+(?!\\\\d))', 'g'), ',')`,
  `return 'a-b'.replace(new RegExp('(?<x>\\\\w)-(\\\\w)'), (...args) => JSON.stringify(args))`,
  `return 'aa'.replace(new RegExp('a', 'g'), () => ({ toString() { return 'o' } }))`,
  `return 'abcdefghijkl'.replace(new RegExp('(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)'), '$11-$12-$010')`,
  `return RegExp.prototype[Symbol.replace].call({ flags: '', exec() { return { length: 2, 0: 'b', 1: 'q', index: 1, groups: { z: 9 } } } }, 'abc', '[$1$<z>]')`,
  `return RegExp.prototype[Symbol.replace].call({ flags: '', exec() { return { length: 1, 0: 'b', index: 1e9 } } }, 'abc', 'x')`,
  // search
  `const r = new RegExp('b', 'g'); r.lastIndex = 3; return ['abc'.search(r), r.lastIndex, 'abc'.search(new RegExp('z'))]`,
  // split
  `return 'a1b22c'.split(new RegExp('\\\\d'))`,
  `return 'a1b2c'.split(new RegExp('(\\\\d)(x)?'))`,
  `return ['abc'.split(new RegExp('')), '😀b'.split(new RegExp('', 'u')), '😀'.split(new RegExp(''))]`,
  `return ['a,b,c'.split(new RegExp(','), 2), 'a,b'.split(new RegExp(','), 0), 'a,b'.split(new RegExp(','), -1)]`,
  `return [''.split(new RegExp('')), ''.split(new RegExp('a')), 'a'.split(new RegExp('a')), ',a,'.split(new RegExp(','))]`,
  `return 'A<B>bold</B>and'.split(new RegExp('<(\\\\/)?([^<>]+)>'))`,
  `return ['aXbxc'.split(new RegExp('x', 'i')), 'abc'.split(new RegExp('$')), 'a\\nb'.split(new RegExp('^', 'm'))]`,
  `return 'aabb'.split(new RegExp('a*?'))`,
  `return 'test'.split(new RegExp('(?:)', 'y'))`,
  // subclasses, and objects that bend the protocol
  `class R extends RegExp { exec(s) { const m = super.exec(s); if (m) m[0] = 'Z'; return m } }
    const r = new R('b'); return [r instanceof R, r instanceof RegExp, r.test('abc'), 'abc'.replace(r, '[$&]'), r.flags]`,
  `class R extends RegExp { get flags() { return 'g' } } return 'aa'.replace(new R('a', 'g'), 'b')`,
  `class R extends RegExp { static get [Symbol.species]() { return RegExp } }
    return ['a1b'.split(new R('1')), new R('1').constructor === R]`,
  `class R extends RegExp { exec(s) { calls++; return super.exec(s) } } let calls = 0
    return ['a1b1c'.split(new R('1')), calls]`,
  `const r = new RegExp('a'); r.exec = () => 5; return r.test('a')`,
  `const r = new RegExp('a'); r.exec = () => null; return [r.test('a'), 'a'.replace(r, 'b')]`,
  `const r = new RegExp('a'); r.exec = 5; return r.test('a')`,
  `const r = new RegExp('a'); r.constructor = 5; return 'a'.split(r)`,
  `const r = new RegExp('b'); r.constructor = undefined; return 'abc'.split(r)`,
  `const r = new RegExp('a'); r[Symbol.match] = false; return RegExp(r) === r`,
  `return RegExp({ [Symbol.match]: true, source: 'q', flags: 'g', constructor: 5 }).toString()`,
  `return Reflect.construct(RegExp, ['a'], class {}).exec === undefined`,
  `const r = new RegExp('a'); Object.setPrototypeOf(r, null); return RegExp.prototype.exec.call(r, 'a')`
]

test('does what ECMAScript does, in a realm of its own', () => {
  const theirs = makeRealm(false)
  const own = makeRealm(true)
  for (const script of SAME) assert.equal(own.run(script), theirs.run(script), script)
})

// what is other than in node, all of it
const OTHER: [script: string, result: string][] = [
  [`return new RegExp('(a)\\\\1')`, 'throws SyntaxError'],
  [`return new RegExp('a', 'v')`, 'throws SyntaxError'],
  [`return new RegExp('a'.repeat(1001))`, 'throws SyntaxError'],
  [`return new RegExp('a{9000}')`, 'throws SyntaxError'],
  [
    `new RegExp('(a)').test('a'); return ['$1' in RegExp, 'lastMatch' in RegExp, 'input' in RegExp]`,
    '[false,false,false]'
  ],
  [`return 'compile' in RegExp.prototype`, 'false'],
  // as the standard has it since 2023
  [
    `const r = new RegExp('a', 'g'); Object.defineProperty(r, 'flags', { value: '' }); return 'aa'.replace(r, 'b')`,
    '"ba"'
  ],
  [`return RegExp.prototype[Symbol.toStringTag]`, '"RegExp"'],
  [`return 'a😀a'.search(new RegExp('\\\\B', 'u'))`, '-1']
]

test('does what else is documented', () => {
  const own = makeRealm(true)
  for (const [script, result] of OTHER) assert.equal(own.run(script), result, script)
})

test('hands out nothing of another realm', () => {
  const own = makeRealm(true)
  const script = `const m = new RegExp('(?<n>a)', 'd').exec('a')
    const errors = ['(', '(a)\\\\1'].map(p => { try { new RegExp(p) } catch (error) { return error } })
    return [m instanceof Array, m.indices instanceof Array, m.indices[0] instanceof Array,
      ...errors.map(error => error instanceof SyntaxError), 'a'.split(new RegExp('b')) instanceof Array,
      new RegExp('a').exec.constructor === Function, Object.getPrototypeOf(new RegExp('a').constructor) === Function.prototype]`
  assert.equal(own.run(script), JSON.stringify(Array(8).fill(true)))
})

test('charges for what it does, before or while it is done', () => {
  const own = makeRealm(true)
  const email = String.raw`'^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+[.][a-zA-Z]{2,}$'`
  const address = `'someone.with.a.long.name@example.company.of.some.country.example'`
  const checks = (count: number) =>
    Number(
      own.spend(`const r = new RegExp(${email}); for (let i = 0; i < ${count}; i++) r.test(${address})`, 1e6)
    )
  assert.ok(checks(11) - checks(1) < 10 * 600, 'a check is cheap')
  assert.equal(checks(11) - checks(1), 10 * (checks(2) - checks(1)))

  for (const script of [
    `new RegExp('(x+x+)+y').test('x'.repeat(1e6))`,
    `new RegExp('(?:a?){500}a{500}b').test('a'.repeat(1e5))`,
    `new RegExp('(?=(a+))a*b').test('a'.repeat(1e5))`,
    `'a'.repeat(1e6).replace(new RegExp('', 'g'), 'b')`,
    `'a'.repeat(1e6).split(new RegExp(''))`,
    `'a'.repeat(1e6).match(new RegExp('a', 'g'))`,
    `let s = 'ab'; for (;;) s = s.replace(new RegExp('[]', 'g'), '')`,
    `for (let i = 0; ; i++) { try { new RegExp('(' + i) } catch {} ; if (i > 1e5) break }`
  ]) {
    assert.equal(own.spend(script, 1e6), 'OUT_OF_GAS', script)
  }
  const big = `'a'.repeat(4000).replace(new RegExp('a', 'g'), '$&'.padEnd(5000, 'x'))`
  assert.equal(own.spend(big, 1e9), 'LIMIT')
})

test('uses no regular expression of node', () => {
  const exec = Reflect.get<RegExp, 'exec'>(RegExp.prototype, 'exec')
  let calls = 0
  const spy = function (this: RegExp, text: string) {
    calls++
    return exec.call(this, text)
  }
  checkRegExp('a', '') // loads the parser
  Object.defineProperty(RegExp.prototype, 'exec', { value: spy, writable: true, configurable: true })
  try {
    for (const pattern of ['(a|b)+c', '(?<=a)\\p{L}', '(', '(a)\\1']) {
      const handle = engine.open(pattern, 'iu')
      if (typeof handle === 'object' && handle !== null)
        engine.match(handle, 'abc', 0, false, true, () => true)
    }
    assert.equal(calls, 0)
  } finally {
    Object.defineProperty(RegExp.prototype, 'exec', { value: exec, writable: true, configurable: true })
  }
})
