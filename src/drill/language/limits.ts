/** BOUNDED: steps of one drill, with all repetitions. */
export const MOST_STEPS = 10_000
