// What contracts, callers and hosts say may hold control characters: a terminal would obey them, and a line break would
// make one line look like two. Here they are made visible.

/** C0, DEL and C1, line and paragraph separators, and what changes the direction of text. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

const SHORT = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t']
])

/**
 * Writes control characters as JSON does: within a JSON string they stay what they are.
 * @param kept the control characters to leave as they are
 */
export function escapeControls(text: string, kept = ''): string {
  return text.replace(CONTROL, one => (kept.includes(one) ? one : (SHORT.get(one) ?? toEscape(one))))
}

/** The same for a text of many lines. */
export function escapeText(text: string): string {
  return escapeControls(text, '\n\t')
}

function toEscape(one: string): string {
  return '\\u' + one.charCodeAt(0).toString(16).padStart(4, '0')
}
