import type { MiscCheck } from '../../../model/checker.ts'
import type { RealServerSettings } from '../../keywords/root.ts'
import { commandOf } from '../command.ts'
import { countingOf } from './counting.ts'

/** As for tracking scripts, a user behind the command counts before that of the block. */
export function miscChecks({ MISC_CHECK: blocks }: RealServerSettings): MiscCheck[] {
  return blocks.flatMap((check): MiscCheck[] => {
    if (check.misc_path === undefined) return []
    const command = commandOf(check.misc_path)
    return [
      {
        type: 'MISC_CHECK',
        command: command.user === undefined && check.user !== undefined ? { ...command, ...check.user } : command,
        timeout: check.misc_timeout ?? check.delay_loop,
        dynamic: check.misc_dynamic ?? false,
        delayLoop: check.delay_loop,
        retry: check.retry,
        delayBeforeRetry: check.delay_before_retry,
        warmup: check.warmup,
        ...countingOf(check),
      },
    ]
  })
}
