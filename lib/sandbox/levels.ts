/** The methods of a contract's console. */
export const LEVELS = ['log', 'info', 'warn', 'error', 'debug'] as const
export type Level = (typeof LEVELS)[number]
