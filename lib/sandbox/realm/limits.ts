// How large things may become in a contract. What gets past one of these ends the call with LIMIT.

/** The longest string, in UTF-16 units. */
export const MAX_STRING = 2 ** 24

/** Strings up to here cost nothing beyond the step that uses them. */
export const SHORT = 256

/** The longest array that a single builtin makes. */
export const MAX_ARRAY = 2 ** 22

/** The largest buffer, in bytes. */
export const MAX_BUFFER = 2 ** 24

/** The most arguments of a call. */
export const MAX_ARGUMENTS = 32_768

/** The longest chain of prototypes: what is not found is looked for in all of them. */
export const MAX_PROTOTYPES = 64
