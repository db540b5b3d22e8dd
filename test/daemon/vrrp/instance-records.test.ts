import { describe, expect, test } from 'vitest'
import { InstanceRecords } from '../../../src/daemon/vrrp/instance-records.ts'
import type { VrrpInstance } from '../../../src/model/vrrp.ts'
import type { Received } from '../../../src/vrrp/receive.ts'
import type { DropReason } from '../../../src/vrrp/drop-reason.ts'
import { anAdvert, anArrival } from '../../vrrp/adverts.ts'
import { anInstance, ip } from '../../vrrp/instances.ts'
import { Story } from '../../vrrp/story.ts'

type OfInstance = Received & { readonly instance: VrrpInstance }

const refused = (source: string, drop: DropReason): OfInstance => ({
  drop,
  instance: anInstance(),
  vrid: 51,
  arrival: anArrival(anAdvert(), { source }),
})

const accepted = (source: string, priority: number): OfInstance => ({
  instance: anInstance(),
  arrival: anArrival(anAdvert(), { source }),
  advert: anAdvert({ priority }),
  checksum: 'pseudo-header',
  difference: undefined,
  tolerated: undefined,
})

const NOBODY = { priorityOf: () => undefined, macOf: () => undefined }

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
  for (const priority of [100, 100, 0]) {
    records.sent(instance, priority)
    records.received(accepted('10.0.0.2', priority), 0, NOBODY)
  }
  records.received(refused('10.0.0.2', 'ttl'), 0, NOBODY)
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

test('a peer is shown with what counted, what did not, and why; one that is configured and silent, too', () => {
  const records = new InstanceRecords()
  const unicast = [2, 3].map((last) => ({ address: ip(`10.0.0.${last}`), minTtl: 0, maxTtl: 255 }))
  const instance = anInstance({ unicastPeers: unicast })
  records.received({ ...accepted('10.0.0.2', 150), instance }, 1000, NOBODY)
  records.received({ ...refused('10.0.0.2', 'interval'), instance, detail: '2 s, here 1 s' }, 2000, NOBODY)
  const { state } = new Story([instance])
  const [shown] = records.snapshot(state)
  expect(shown?.peers).toEqual([
    {
      address: '10.0.0.3',
      priority: undefined,
      lastHeard: undefined,
      rejected: undefined,
      notes: ['nothing was heard from it'],
    },
    {
      address: '10.0.0.2',
      priority: 150,
      version: 3,
      checksum: 'pseudo-header',
      lastHeard: '1970-01-01T00:00:02.000Z',
      accepted: 1,
      refused: 1,
      rejected: 'interval',
      notes: ['version 2, and its interval is not advert_int (2 s, here 1 s); 1 refused'],
    },
  ])
  const next = new InstanceRecords()
  next.restore(shown === undefined ? [] : [shown], state)
  expect(next.snapshot(state)[0]?.peers).toMatchObject([
    { address: '10.0.0.3', lastHeard: undefined },
    { address: '10.0.0.2', priority: 150, accepted: 1, refused: 1, rejected: 'interval' },
  ])
})
