import type { VrrpInstance } from '../../src/model/vrrp.ts'
import type { Ipv4 } from '../../src/net/ipv4.ts'
import { millis } from '../../src/time.ts'

/** An address literal of a test. */
export const ip = (text: string) => text as Ipv4

/** An instance with the defaults of a file that says only what is needed. */
export function anInstance(change: Partial<VrrpInstance> = {}): VrrpInstance {
  return {
    name: 'a',
    interface: 'eth0',
    vrid: 51,
    version: 3,
    priority: 100,
    advertInt: millis(1000),
    preempt: true,
    preemptDelay: millis(0),
    addresses: [{ address: ip('10.0.0.100'), prefix: 32, device: 'eth0' }],
    excludedAddresses: [],
    source: undefined,
    unicastPeers: [],
    password: undefined,
    tracks: [],
    trackPrimary: true,
    trackSource: false,
    garp: { delay: millis(5000), repeat: 5 },
    ...change,
  }
}
