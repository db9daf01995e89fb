// Strings as the UTF-8 that they are stored and sorted as.

/** Orders strings by their UTF-8 bytes; JavaScript's own order differs beyond the BMP. */
export function compareUTF8(a: string, b: string): number {
  const end = Math.min(a.length, b.length)
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return inByteOrder(x) - inByteOrder(y)
  }
  return a.length - b.length
}

// surrogates (D800..DFFF) stand for code points above all of E000..FFFF
function inByteOrder(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit
}

/** Whether a string has no lone surrogate, and so survives being stored as UTF-8. */
export function isWellFormed(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0xd800 || unit > 0xdfff) continue
    if (unit > 0xdbff) return false
    const next = text.charCodeAt(++i)
    if (!(next >= 0xdc00 && next <= 0xdfff)) return false
  }
  return true
}
