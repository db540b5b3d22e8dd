import { describe, expect, test } from 'vitest'
import { InstanceRecords } from '../../../src/daemon/vrrp/instance-records.ts'
import type { VrrpInstance } from '../../../src/model/vrrp.ts'
import type { IpHeader } from '../../../src/net/ip-header.ts'
import type { Advertisement, DropReason } from '../../../src/vrrp/packet.ts'
import { anInstance, ip } from '../../vrrp/instances.ts'
import { Story } from '../../vrrp/story.ts'

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

describe('what is known of a router', () => {
  const renamed = { ...anInstance(), name: 'z' }
  const counted = () => {
    const records = new InstanceRecords()
    for (let i = 0; i < 3; i++) records.sent(anInstance(), 100)
    return records
  }
  const sent = (records: InstanceRecords, instances: readonly VrrpInstance[]) =>
    Object.fromEntries(records.snapshot(new Story(instances).state).map((each) => [each.name, each.advertsSent]))

  test('goes on when a reload calls its instance something else', () => {
    const records = counted()
    records.follow([anInstance()], [renamed])
    expect(sent(records, [renamed])).toEqual({ z: 3 })
  })

  test('goes with it when two instances exchange their names', () => {
    const other = anInstance({ name: 'b', vrid: 52 })
    const records = counted()
    const now = [anInstance({ vrid: 52 }), { ...anInstance(), name: 'b' }]
    records.follow([anInstance(), other], now)
    expect(sent(records, now)).toEqual({ a: 0, b: 3 })
  })

  test('is not that of another router by the same name', () => {
    const records = counted()
    const another = anInstance({ vrid: 99 })
    records.follow([anInstance()], [another])
    expect(sent(records, [another])).toEqual({ a: 0 })
  })

  test('is taken over from another process, whatever the name was there', () => {
    const [before] = counted().snapshot(new Story([anInstance()]).state)
    if (before === undefined) throw new Error('one instance was configured')
    const records = new InstanceRecords()
    const { state } = new Story([renamed])
    records.restore([before], state)
    expect(records.snapshot(state)).toMatchObject([{ name: 'z', advertsSent: 3, since: before.since }])
  })
})

test('what keepalived counts: farewells, and how often an instance was master; a clearing begins anew', () => {
  const records = new InstanceRecords()
  const instance = anInstance()
  const { state } = new Story([instance])
  const advert = { instance, header: { source: ip('10.0.0.2') } as IpHeader }
  for (const priority of [100, 100, 0]) {
    records.sent(instance, priority)
    records.received({ ...advert, advert: { priority } as Advertisement })
  }
  records.received(refused('10.0.0.2', 'ttl'))
  records.moved(instance, 'backup', 'master', 0)
  records.moved(instance, 'master', 'fault', 0)
  records.moved(instance, 'fault', 'backup', 0)
  const counted = {
    advertsSent: 3,
    advertsReceived: 3,
    priorityZeroSent: 1,
    priorityZeroReceived: 1,
    becameMaster: 1,
    releasedMaster: 1,
  }
  expect(records.snapshot(state)).toMatchObject([{ ...counted, dropped: { ttl: 1 } }])
  records.clear()
  const nothing = Object.fromEntries(Object.keys(counted).map((name) => [name, 0]))
  expect(records.snapshot(state)).toMatchObject([{ ...nothing, dropped: {}, peers: [{ address: '10.0.0.2' }] }])
})
