// Cutting texts that came from a contract to a size, so that what is left is well-formed.

/** @returns at most `max` UTF-16 units of the text, with U+FFFD in place of lone surrogates */
export function clip(text: string, max: number): string {
  let end = Math.min(text.length, max)
  if (end < text.length && isHigh(text.charCodeAt(end - 1)) && isLow(text.charCodeAt(end))) end--
  let out = ''
  let from = 0
  for (let i = 0; i < end; i++) {
    const unit = text.charCodeAt(i)
    if (isHigh(unit) && i + 1 < end && isLow(text.charCodeAt(i + 1))) i++
    else if (isHigh(unit) || isLow(unit)) {
      out += text.slice(from, i) + '\ufffd'
      from = i + 1
    }
  }
  return out + text.slice(from, end)
}

function isHigh(unit: number) {
  return unit >= 0xd800 && unit <= 0xdbff
}

function isLow(unit: number) {
  return unit >= 0xdc00 && unit <= 0xdfff
}
