/** `1 s`, `250 ms`. */
export const inWords = (ms: number): string => (ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`)
