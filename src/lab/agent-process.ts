/** The agent of a place, on its standard input and output: what `connect.ts` starts there. */
import { serveAgent } from './serve-agent.ts'

serveAgent()
