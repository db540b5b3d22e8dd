import { expect, test } from 'vitest'
import { InstanceRecords } from '../../../src/daemon/vrrp/instance-records.ts'
import type { IpHeader } from '../../../src/net/ip-header.ts'
import type { DropReason } from '../../../src/vrrp/packet.ts'
import { anInstance, ip } from '../../vrrp/instances.ts'

const refused = (source: string, drop: DropReason) => ({
  drop,
  instance: anInstance(),
  header: { source: ip(source) } as IpHeader,
})

test('that a peer is refused is news once, and a flood of refusals from everywhere is one line', () => {
  const records = new InstanceRecords()
  const told = [
    records.received(refused('10.0.0.2', 'version')),
    records.received(refused('10.0.0.2', 'version')),
    ...Array.from({ length: 200 }, (_, i) => records.received(refused(`10.0.1.${i}`, 'authentication'))),
  ]
  expect(told.filter(Boolean)).toHaveLength(1)
  expect(told[0]).toBe(true)
})
