import type { InstanceSnapshot, TrackerSnapshot } from '../control/snapshot.ts'

/** How trackers are told to people. */

/** The effective priority as a sum: `150 − 20 (chk_haproxy) = 130`; ` → 1` behind it when it is limited to that. */
export function priorityText({ priority, effectivePriority, trackers }: InstanceSnapshot): string {
  const counted = trackers.filter(({ contribution }) => contribution !== 0)
  if (counted.length === 0) return String(effectivePriority)
  const terms = counted.map(({ name, contribution }) => {
    return `${contribution < 0 ? '−' : '+'} ${Math.abs(contribution)} (${name})`
  })
  const sum = counted.reduce((total, { contribution }) => total + contribution, priority)
  const limited = sum === effectivePriority ? '' : ` → ${effectivePriority}`
  return `${priority} ${terms.join(' ')} = ${signed(sum)}${limited}`
}

const signed = (number: number) => (number < 0 ? `−${-number}` : String(number))

/** What is so, and what comes of it where that is more than a weight: `BAD`, `BAD: fault`, `7: fault`. */
export function trackerState({ state, consequence }: TrackerSnapshot): string {
  const what = typeof state === 'number' ? signed(state) : state.toUpperCase()
  switch (consequence) {
    case 'weight':
      return what
    case 'fault':
      return `${what}: fault`
    case 'wait':
      return `${what}: waiting`
  }
}

/** `-20`, `5 reverse`; of one without a weight what it decides about. */
export function weightText({ weight, reverse }: TrackerSnapshot): string {
  const what = weight === 0 ? 'fault' : signed(weight)
  return reverse ? `${what} reverse` : what
}
