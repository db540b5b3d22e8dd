import { brokenPromises } from '../../src/simulate/contract.ts'
import type { Millis } from '../../src/time.ts'
import type { Step } from '../../src/vrrp/effect.ts'
import { step } from '../../src/vrrp/engine.ts'
import type { EngineState, Event } from '../../src/vrrp/state.ts'

/** Advances the election by one event, and holds the effects against what the engine promises of them. */
export function checkedStep(before: EngineState, event: Event, now: Millis): Step {
  const result = step(before, event, now)
  const wrong = brokenPromises(before, event, result)
  if (wrong.length === 0) return result
  const told = result.effects.map(({ type }) => type).join(', ')
  throw new Error(`after ${event.type} the effects ${told}: ${wrong.join('; ')}`)
}
