import { struct } from './struct.ts'

/** What only the program knows of the way to a server. */
export const WAY = struct('way', 56, { path: [0, 16], macs: [16, 32], local_cursor: [48, 8] })
