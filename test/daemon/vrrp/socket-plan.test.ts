import { expect, test } from 'vitest'
import { socketPlans } from '../../../src/daemon/vrrp/socket-plan.ts'
import type { Link } from '../../../src/linux/rtnetlink.ts'
import { anInstance, aPeer, ip } from '../../vrrp/instances.ts'

const link = (name: string, index: number): Link => ({
  name,
  index,
  up: true,
  mac: new Uint8Array(6),
  mtu: 1500,
  kind: 'ethernet',
  base: undefined,
  vrfTable: undefined,
  alias: undefined,
})
const links = [link('eth0', 2), link('eth1', 3)]

test('a socket for each interface and family, with all who listen there', () => {
  const plans = socketPlans(
    [
      anInstance(),
      anInstance({ name: 'b', vrid: 52, unicastPeers: [aPeer('10.0.0.2')] }),
      anInstance({ name: 'c', multicastGroup: ip('224.0.0.19') }),
      anInstance({ name: 'd', family: 6, multicastGroup: ip('ff02::12') }),
      anInstance({ name: 'e', interface: 'eth1' }),
      anInstance({ name: 'f', interface: 'eth2' }),
    ],
    links,
  )
  expect(plans.map(({ key, device }) => [key, device?.index])).toEqual([
    ['eth0 4', 2],
    ['eth0 6', 2],
    ['eth1 4', 3],
  ])
  const [first, second] = plans
  expect(first?.listeners).toEqual({
    family: 4,
    lead: 0,
    vrids: new Set([51, 52]),
    multicast: true,
    unicast: true,
  })
  expect(first?.groups).toEqual(new Set(['224.0.0.18', '224.0.0.19']))
  expect(second?.listeners).toMatchObject({ family: 6, multicast: true, unicast: false })
})

test('whoever has AH has a socket of that protocol, too', () => {
  const instances = [
    anInstance(),
    anInstance({ name: 'b', vrid: 52, version: 2, authentication: { type: 'ah', password: 'secret' } }),
  ]
  expect(socketPlans(instances, links)).toMatchObject([
    { key: 'eth0 4', protocol: 112, listeners: { lead: 0, vrids: new Set([51, 52]) } },
    { key: 'eth0 4 ah', protocol: 51, listeners: { lead: 24, vrids: new Set([52]) } },
  ])
})

test('an instance without an interface has the socket of its source, by all routes or those of a VRF', () => {
  const routed = { interface: '', source: ip('10.9.0.1'), unicastPeers: [aPeer('10.9.0.2')] }
  const plans = (vrf: string | undefined) => socketPlans([anInstance({ ...routed, vrf })], links)
  expect(plans(undefined)).toMatchObject([{ device: undefined, boundTo: '10.9.0.1', name: 'any interface' }])
  expect(plans('eth1')).toMatchObject([{ device: { name: 'eth1', index: 3 }, boundTo: '10.9.0.1' }])
  expect(plans('red')).toEqual([])
})

test('the buffer has room for what its instances ask for, and for a burst in any case', () => {
  const bytesOf = (...buffers: Parameters<typeof anInstance>[0][]) =>
    socketPlans(
      buffers.map((change, i) => anInstance({ ...change, name: `${i}`, vrid: i + 1 })),
      links,
    )[0]?.receiveBuffer
  expect(bytesOf({}, { receiveBuffer: { of: 'bytes', bytes: 4096 } })).toBe(1 << 20)
  expect(bytesOf({ receiveBuffer: { of: 'bytes', bytes: 2 << 20 } }, {})).toBe(2 << 20)
  const packets = { receiveBuffer: { of: 'packets', packets: 1000 } } as const
  expect(bytesOf(packets, packets)).toBe(2 * 1000 * 1500)
  expect(bytesOf({ receiveBuffer: { of: 'bytes', bytes: 2 ** 31 - 1 } })).toBe(1 << 30)
})
