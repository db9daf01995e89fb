import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkRegExp, engine } from '../../../lib/sandbox/regexp/engine.js'
import * as data from '../../../lib/sandbox/regexp/unicode-data.js'
import { native, ours, random } from './helper.js'
import { makeTables } from './unicode-tables.js'

const SAME: [pattern: string, flags: string, ...inputs: string[]][] = [
  ['a.c', '', 'abc', 'a\nc', 'a\rc', 'a\u2028c', 'a\u2029c', 'a😀c'],
  ['a.c', 's', 'a\nc', 'a\u2028c'],
  ['^.$', '', '😀', '\ud83d', 'é'],
  ['^.$', 'u', '😀', '\ud83d', 'é'],
  ['\\s+', '', ' \t\n\v\f\r', '\u00a0\ufeff', '\u1680\u2003\u202f\u205f\u3000', '\u180e', '\u200b', '\u0085'],
  ['\\S+', '', ' a\u00a0', '\ufeffb'],
  ['\\d+\\D', '', '12a', '١٢', '1'],
  ['\\w+\\W', '', 'a_1-', 'é', 'aé'],
  ['\\bfoo\\b', '', 'a foo b', 'foobar', 'éfooé'],
  ['\\Boo', '', 'foo', 'oo'],
  ['[^]', '', '\n', ''],
  ['[]', '', 'a', ''],
  ['[^abc]+', '', 'xyzabc'],
  ['[\\b]', '', '\b'],
  ['[a-z\\d_-]+', '', 'az09_-'],
  ['[\\w-a]', '', '-', 'b'],
  ['\\cA\\x41\\u0042\\0', '', '\x01AB\0'],
  ['\\c', '', '\\c'],
  ['\\101\\8', '', 'A8'],
  ['a{,2}', '', 'a{,2}'],
  [']', '', ']'],
  ['\\u{3}', '', 'uuu'],
  ['\\u{1F600}', 'u', '😀'],
  ['\\ud83d\\ude00', 'u', '😀'],
  ['\\ud83d', 'u', '😀', '\ud83da'],
  ['\\ud83d', '', '😀'],
  ['[😀a]', '', '😀', '\ude00'],
  ['[😀a]', 'u', '😀', '\ude00'],
  ['^b$', 'm', 'a\nb\nc', 'a\rb', 'a\u2028b\u2029', 'b\r\n'],
  ['^b$', '', 'a\nb\nc', 'b', 'b\n'],
  ['a*?b', '', 'aab'],
  ['(a+?)(a*)', '', 'aaa'],
  ['x{2,3}?', '', 'xxxx'],
  ['(?:ab){2}', '', 'ababab'],
  ['(?<y>\\d{4})-(?<m>\\d\\d)', '', 'on 2024-05'],
  // groups in repetitions are forgotten in each round
  ['(z)((a+)?(b+)?(c))*', '', 'zaacbbbcac'],
  ['(?:(a)|(b))*', '', 'ab', 'ba'],
  ['(?:(a)|b){2}', '', 'ab'],
  // rounds that consume nothing
  ['(a*)*', '', 'b', 'aab'],
  ['(a|b*)*', '', '', 'abb'],
  ['(?:a?b??)*', '', 'ab', 'aab'],
  ['(a?)*?$', '', 'aa'],
  ['(?:){5}a', '', 'a'],
  ['(?:|a)+', '', 'aa'],
  ['(\\b|a)*', '', 'aa'],
  // case
  ['straße', 'i', 'STRASSE', 'STRAßE', 'straẞe'],
  ['straße', 'iu', 'straẞe'],
  ['[^x]', 'i', 'X', 'xXy'],
  ['k', 'i', '\u212a', 'K'],
  ['k', 'iu', '\u212a', 'K'],
  ['\\w', 'i', 'ſ'],
  ['\\w\\b', 'iu', 'ſ', '\u212a'],
  ['σ', 'i', 'ς', 'Σ'],
  ['[à-ö]+', 'i', 'ÀÖ×'],
  ['\\u{10428}', 'iu', '\u{10400}'],
  // what is around
  ['(?=(a+))a*b', '', 'baaabac'],
  ['(?!foo)\\w+', '', 'foobar'],
  ['(?<=\\$)\\d+', '', 'a $42'],
  ['(?<!\\$)\\b\\d+', '', '$42 43'],
  ['(?<=(\\d+)(\\d+))$', '', '1053'],
  ['\\B(?=(\\d{3})+(?!\\d))', '', '1234567'],
  ['(?=a)*b', '', 'ab'],
  ['(?=(?<!x(?=y))y)y', '', 'xy', 'zy'],
  ['(?!(a))b', '', 'b'],
  ['\\p{Lu}\\p{Script=Greek}', 'u', 'Aα', 'aα'],
  ['\\p{scx=Deva}\\P{L}', 'u', '\u09641'],
  ['[^\\p{L}\\p{N}]', 'u', 'é1-'],
  ['\\p{Emoji_Presentation}', 'u', 'x😀'],
  ['\\p{Any}', 'u', '😀']
]

test('finds what ECMAScript finds', () => {
  for (const [pattern, flags, ...inputs] of SAME) {
    for (const input of inputs) {
      const what = `/${pattern}/${flags} in ${JSON.stringify(input)}`
      assert.equal(ours(pattern, flags, input), native(pattern, flags, input), what)
    }
  }
})

const REFUSED: [pattern: string, flags: string, why: RegExp][] = [
  ['(a)\\1', '', /back-references \(\\1\) are not there/],
  ['(?<n>a)\\k<n>', '', /back-references \(\\k<n>\) are not there/],
  ['a', 'v', /the flag v is not there/],
  ['a', 'gg', /invalid flags/],
  ['a', 'x', /invalid flags/],
  ['(', '', /Unterminated group/],
  ['a:(', '', /Unterminated group/],
  ['[b-a]', '', /out of order/],
  ['\\p{Foo}', 'u', /Invalid property name/],
  ['(?i:a)', '', /Invalid group/],
  ['a{9000}', '', /too large/],
  ['(?:(?:a{100}){100}){100}', '', /too large/],
  ['(?:(?:(?:(?:){1000}){1000}){1000}){1000}a{8192}', '', /too large/],
  ['()'.repeat(400), '', /too large for so many groups/],
  ['a'.repeat(1001), '', /longer than 1000 characters/]
]

test('refuses what is wrong or not there, and says why', () => {
  for (const [pattern, flags, why] of REFUSED) {
    assert.match(checkRegExp(pattern, flags) ?? '', why)
    assert.match(checkRegExp(pattern, flags) ?? '', /^Invalid regular expression: \//)
  }
  assert.equal(checkRegExp('^[a-z]+$', 'dgimsuy'), null)
})

// the only patterns for which an answer is another than that of node; the standard is on our side
test('does not look for a match between the halves of a pair', () => {
  assert.equal(native('\\B', 'u', 'a😀a'), '[2,""]')
  assert.equal(ours('\\B', 'u', 'a😀a'), 'null')
  assert.equal(ours('\\u{1f600}', 'u', 'a😀', 2), '[1,"😀"]') // the whole pair
})

const ATOMS = [
  ...[
    'a',
    'b',
    'ab',
    '.',
    '\\d',
    '\\w',
    '\\W',
    '\\s',
    '\\S',
    '[ab]',
    '[^a]',
    '[^]',
    '[a-c_]',
    '\\b',
    '\\B',
    '^',
    '$'
  ],
  ...['[\\w-]', '\\n', 'K', 'ſ', 'É', 'ß', '[^\\W]', 'σ', '\u212a', '[^b-z]', '\\0', 'İ', 'ŉ', 'Ⅷ', 'ϐ', 'ᾳ']
]
const UNICODE_ATOMS = ['\\p{L}', '\\P{Lu}', '[^\\P{Lu}]', '[\\p{Script=Greek}a]', '\\p{Emoji}']
const LETTERS = [
  ...[
    'a',
    'b',
    'c',
    'a',
    'b',
    'c',
    'a',
    'b',
    'c',
    'A',
    'K',
    'ſ',
    's',
    'k',
    '\u212a',
    '1',
    '_',
    '-',
    ' ',
    '\n',
    '\r'
  ],
  ...['\u2028', 'é', 'É', 'ß', 'ẞ', 'σ', 'ς', 'Σ', '\ufeff', 'İ', 'i', 'ı', 'ŉ', 'ⅷ', 'β', 'ϐ', '\0']
]
const REPEATS = ['*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{0,2}?', '{2,}', '{0}']

function makePattern(below: (bound: number) => number, depth: number, flags: string): string {
  const pick = (list: string[]) => list[below(list.length)]
  const part = () => makePattern(below, depth - 1, flags)
  const kind = below(12)
  if (depth <= 0 || kind < 4) {
    if (below(6) > 0) return pick(ATOMS)
    // halves of pairs only where a character is a unit: see above
    return flags.includes('u') ? pick(UNICODE_ATOMS) : pick(['😀', '[😀a]', '\\ud83d'])
  }
  if (kind < 6) return part() + part()
  if (kind === 6) return `(?:${part()}|${part()})`
  if (kind === 7) return `(${part()})`
  if (kind === 8) return `(${part()}|${part()})`
  if (kind === 9) return `${pick(['(?=', '(?!', '(?<=', '(?<!'])}${part()})`
  return `(?:${part()})${pick(REPEATS)}`
}

test('finds what ECMAScript finds, with patterns and inputs at random', () => {
  const below = random(20240501)
  for (let i = 0; i < 4000; i++) {
    const flags = ['i', 'm', 's', 'u', 'y'].filter(() => below(3) === 0).join('')
    const pattern = makePattern(below, 4, flags)
    for (let k = 0; k < 4; k++) {
      let input = ''
      for (let n = below(8); n > 0; n--) {
        const pair = !flags.includes('u') && below(12) === 0
        input += pair ? '😀' : LETTERS[below(LETTERS.length)]
      }
      const from = below(3) > 0 ? 0 : below(input.length + 1)
      const what = `/${pattern}/${flags} in ${JSON.stringify(input)} from ${from}`
      assert.equal(ours(pattern, flags, input, from), native(pattern, flags, input, from), what)
    }
  }
})

function stepsOf(pattern: string, input: string): { steps: number; size: number } {
  const handle = engine.open(pattern, '')
  if (handle === null || typeof handle === 'string') throw new Error(String(handle))
  let steps = 0
  engine.match(handle, input, 0, false, true, paid => {
    steps += paid
    return true
  })
  return { steps: steps + engine.unpaid(), size: engine.size(handle) }
}

const HOSTILE: [pattern: string, input: string][] = [
  ['(a|a)*[bc]', 'a'],
  ['(a*)*[bc]', 'a'],
  ['(x+x+)+y', 'x'],
  ['.*.*=.*', 'a'],
  ['(?:a?){300}a{300}b', 'a'],
  ['a{1000}b', 'a'],
  ['[ab]*a[ab]{200}[cd]', 'ab'],
  [`(?:${'a|b|'.repeat(150)}c)*d`, 'ab'],
  ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a']
]

test('takes time in proportion to the input, whatever the pattern is', () => {
  for (const [pattern, input] of HOSTILE) {
    const short = stepsOf(pattern, input.repeat(2000 / input.length))
    const long = stepsOf(pattern, input.repeat(8000 / input.length))
    assert.ok(long.steps <= 8001 * (3 * long.size + 1), `${pattern}: ${long.steps} steps, size ${long.size}`)
    // patterns of counted repetitions need a while to fill up
    assert.ok(long.steps <= short.steps * 6, `${pattern}: ${short.steps} and ${long.steps} steps`)
  }
})

test('takes the same steps whatever ran before', () => {
  const inputs = ['aab', 'a'.repeat(100), '', 'zzz']
  const first = inputs.map(input => stepsOf('(a|b)*?c|z', input).steps)
  for (let i = 0; i < 3000; i++) checkRegExp(`(?:\\p{L}|a){3}${i}`, 'iu')
  assert.deepEqual(inputs.map(input => stepsOf('(a|b)*?c|z', input).steps).reverse(), first.reverse())
})

test('stops when it is not paid', () => {
  const handle = engine.open('(?=(?:a|b)*c)(a|b)*c', '') as object
  let asked = 0
  const answer = engine.match(handle, 'ab'.repeat(10_000), 0, false, true, () => ++asked < 3)
  assert.deepEqual([answer, asked], [-1, 3])
})

// takes a few seconds
const full = process.env.VMS_TEST_FULL !== undefined && process.versions.unicode === data.UNICODE

if (full)
  test('has the tables of its version of Unicode', () => {
    const { PROPERTIES, SCRIPTS, EXTENSIONS, UNICODE_CASES, PLAIN_CASES } = data
    assert.deepEqual(makeTables(), {
      properties: PROPERTIES,
      scripts: SCRIPTS,
      extensions: EXTENSIONS,
      unicodeCases: UNICODE_CASES,
      plainCases: PLAIN_CASES
    })
  })
