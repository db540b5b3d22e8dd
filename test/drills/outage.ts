/** Outages as the demo measures them: by a probe through the virtual IP, beside one that no director has a part in. */
import { once } from 'node:events'
import type { Pair } from '../support/pair.ts'
import { longestGap, type ProbeReport, type Reporter, startProbe } from '../support/reporter.ts'

/** A host on the client's own network, which it reaches by the switch alone. */
const BESIDE = '172.18.0.20'
/** A machine that does nothing else is below this. */
const NOISE_WORTH_SAYING_MS = 10

/** What the two probes have seen in the same time: one through the virtual IP, one past the directors. */
export interface Seen {
  readonly sent: number
  readonly lost: number
  /** The longest outage, in ms. */
  readonly gap: number
  /** The machine's own noise: what the other probe has lost, and its longest gap, or the delay of a sender. */
  readonly noise: { readonly lost: number; readonly ms: number }
}

export interface Probes {
  readonly served: Reporter<ProbeReport>
  readonly past: Reporter<ProbeReport>
}

/** Starts both, and the server of the second. */
export async function startProbes({ lab, vip }: Pair): Promise<Probes> {
  lab.addHost('beside', [{ switch: 'outside', address: `${BESIDE}/16` }])
  await once(lab.fork('beside', 'udp-echo.ts', ['7']), 'message')
  return {
    served: await startProbe(lab, 'client', vip, 7),
    past: await startProbe(lab, 'client', BESIDE, 7),
  }
}

/** What was seen since the last report. */
export async function see({ served, past }: Probes): Promise<Seen> {
  const [through, beside] = await Promise.all([served.report(), past.report()])
  const ms = Math.max(longestGap(beside), through.lateness, beside.lateness)
  return { sent: through.sent, lost: through.lost, gap: longestGap(through), noise: { lost: beside.lost, ms } }
}

/** For people. */
export const lossOf = ({ sent, lost, gap, noise }: Seen) =>
  `${lost} of ${sent} probes lost, longest gap ${gap.toFixed(0)} ms${
    noise.lost > 0 || noise.ms >= NOISE_WORTH_SAYING_MS
      ? ` (this machine's own noise: ${noise.lost} lost, ${noise.ms.toFixed(0)} ms)`
      : ''
  }`

/** An outage is judged against what is promised and the machine's own noise in the same time. */
export const isWithin = (limitMs: number, { gap, noise }: Seen) => gap < limitMs + noise.ms

/** A packet that a busy machine drops is lost to either probe. */
export const lostNothing = ({ lost, noise }: Seen): boolean => lost <= noise.lost
