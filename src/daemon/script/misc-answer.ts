import type { Answer } from '../../check/health.ts'
import type { MiscCheck } from '../../model/checker.ts'
import { millis } from '../../time.ts'
import type { CommandEnd } from './command.ts'

/** keepalived's: an exit status from here on asks for a weight, which is so much less. */
const FIRST_WEIGHT_STATUS = 2

/**
 * What the end of a command says of a server. A command that could not be started says nothing of it: every director that has this
 * configuration would take every server down for it.
 */
export function miscAnswer({ dynamic }: Pick<MiscCheck, 'dynamic'>, ended: CommandEnd): Answer {
  const { end, verdict, started, status, output } = ended
  const duration = millis(ended.ms)
  const reason = output === '' ? end : `${end}: ${output}`
  if (!started) return { up: undefined, reason, duration }
  if (dynamic && verdict === 'bad' && status !== undefined && status >= FIRST_WEIGHT_STATUS) {
    return { up: true, weight: { type: 'is', value: status - FIRST_WEIGHT_STATUS }, reason, duration }
  }
  return { up: verdict === 'good', reason, duration }
}
