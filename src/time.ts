/** Milliseconds, of the monotonic clock where it is a point in time. May have a fraction. */
export type Millis = number & { readonly unit: 'ms' }

/** Marks a plain number as milliseconds. */
export function millis(value: number): Millis {
  return value as Millis
}

/** `value` seconds in milliseconds. */
export function seconds(value: number): Millis {
  return (value * 1000) as Millis
}

/** A point in time `by` after `at`. */
export function after(at: Millis, by: Millis): Millis {
  return (at + by) as Millis
}
