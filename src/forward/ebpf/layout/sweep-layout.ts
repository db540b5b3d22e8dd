import { struct } from './struct.ts'

/** What a sweep has seen and freed. */
export const SWEEP_RESULT = struct('sweep_result', 8, { visited: [0, 4], expired: [4, 4] })
