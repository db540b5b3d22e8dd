import type { VrrpInstance } from '../config/model.ts'
import { type Millis, millis } from '../time.ts'

/** Skew_Time. RFC 9568 §6.1: by the master's interval; RFC 3768 §6.1: by one second. */
export function skewTime(instance: VrrpInstance, masterInterval: Millis): Millis {
  const unit = instance.version === 3 ? masterInterval : 1000
  return millis(((256 - instance.priority) * unit) / 256)
}

/** Active_Down_Interval (version 2: Master_Down_Interval), RFC 9568 §6.1. */
export function masterDownInterval(instance: VrrpInstance, masterInterval: Millis): Millis {
  return millis(3 * masterInterval + skewTime(instance, masterInterval))
}
