import { setTimeout as sleep } from 'node:timers/promises'
import { probe } from '../../src/check/probes/probe.ts'
import type { Check } from '../../src/model/check.ts'

/** Asks once, for a check as JSON in its first argument, and prints the answer as JSON. */

// Node's timers count from the beginning of a turn, and the first one is as long as it takes to load the code.
await sleep(1)
console.log(JSON.stringify(await probe(JSON.parse(process.argv[2] ?? '') as Check)))
