// What a pattern is translated to: instructions for the machine, which follows all ways through them at once.

/** Consumes this character. */
export const CHAR = 0
/** Consumes a character of the set with this number. */
export const SET = 1
/** Consumes any character. */
export const ANY = 2
/** The end of the pattern. */
export const MATCH = 3
/** Goes on elsewhere. */
export const JUMP = 4
/** Goes on at two places; the first is preferred. */
export const SPLIT = 5
/** Notes the position in a slot. */
export const SAVE = 6
/** Forgets the slots from here to there. */
export const CLEAR = 7
/** Goes on if the position is as asked: one of the edges below. */
export const EDGE = 8
/** Goes on if what is around matches, or does not. */
export const LOOK = 9
/** A round of a loop begins that must consume something. */
export const BEGIN = 10
/** Goes on if the round has consumed something. */
export const END = 11

export const START = 0
export const FINISH = 1
export const LINE_START = 2
export const LINE_FINISH = 3
export const WORD_EDGE = 4
export const NO_WORD_EDGE = 5

/** The longest pattern, in UTF-16 units. */
export const MAX_PATTERN = 1000
/** The most instructions: it bounds what one character of the input costs. */
export const MAX_SIZE = 8192
/** The most instructions times slots: it bounds the memory of the machine. */
export const MAX_STATE = 2 ** 19

export interface CharTest {
  /** For the characters below 256. */
  table: Uint8Array
  /** For all, as bounds. */
  set: Int32Array
}

export interface Program {
  op: Int32Array
  x: Int32Array
  y: Int32Array
  sets: CharTest[]
  looks: Look[]
  /** The number of slots: two for the match and for each group. */
  slots: number
  /** Whether characters are code points, not units. */
  unicode: boolean
  /** Whether it goes from a position to the left. */
  backward: boolean
  /** The characters that \b takes for parts of words. */
  word: CharTest
  /** Which characters a match can begin with, the last stands for 256 and above; null if it can be empty. */
  first: Uint8Array | null
  /** Whether a match can be at the start of the input only. */
  anchored: boolean
}

export interface Look {
  program: Program
  negate: boolean
  /** The slots that are in it. */
  from: number
  to: number
}

/** A pattern as it is kept. */
export interface Pattern {
  program: Program
  /** The name of each group, or ''. The first is the whole match. */
  names: string[]
  /** All instructions, those of assertions too. */
  size: number
  /** About what it takes of memory. */
  bytes: number
}
