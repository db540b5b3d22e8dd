import { expect, test } from 'vitest'
import { fellowServers, type Pool } from '../../src/balance/fellow-servers.ts'
import type { Forwarding, ServiceId } from '../../src/model/service.ts'
import { parseAddress } from '../../src/net/address.ts'

const address = (text: string) => {
  const parsed = parseAddress(text)
  if (parsed === undefined) throw new Error(`no address: ${text}`)
  return parsed
}
const at = (vip: string, port = 80): ServiceId => ({
  by: 'address',
  vip: { address: address(vip), port },
  protocol: 'TCP',
})
const dr: Forwarding = { method: 'DR' }
const pool = (id: ServiceId, servers: readonly string[], forwarding: Forwarding = dr): Pool => ({
  ids: [id],
  servers: servers.map((server) => ({ endpoint: { address: address(server), port: 80 }, forwarding })),
})
const HERE = '10.0.0.1'
const fellows = (...pools: readonly Pool[]) =>
  fellowServers(pools, (each) => each === HERE).map(({ family, vip, server }) => [family, vip, server])

test('the other servers of what this director serves by DR or TUN, each once for an address', () => {
  const tunnel: Forwarding = { method: 'TUN', tunnel: { type: 'ipip' } }
  expect(
    fellows(
      pool(at('10.0.0.100'), [HERE, '10.0.0.2', '10.0.0.3']),
      pool(at('10.0.0.100', 443), ['10.0.0.2', HERE]),
      pool(at('2001:db8::100'), [HERE, '2001:db8::2'], tunnel),
    ),
  ).toEqual([
    [4, '10.0.0.100', '10.0.0.2'],
    [4, '10.0.0.100', '10.0.0.3'],
    [6, '2001:db8::100', '2001:db8::2'],
  ])
})

test('none of what it does not serve itself, and none that gets its packets translated', () => {
  expect(fellows(pool(at('10.0.0.100'), ['10.0.0.2', '10.0.0.3']))).toEqual([])
  for (const method of ['NAT', 'FNAT'] as const) {
    expect(fellows(pool(at('10.0.0.100'), [HERE, '10.0.0.2'], { method }))).toEqual([])
  }
  const mixed = pool(at('10.0.0.100'), [HERE, '10.0.0.2'])
  const translated = pool(at('10.0.0.100'), ['10.0.0.3'], { method: 'NAT' })
  expect(fellows({ ...mixed, servers: [...mixed.servers, ...translated.servers] })).toEqual([
    [4, '10.0.0.100', '10.0.0.2'],
  ])
})

test('a service by mark is for whatever address', () => {
  expect(fellows(pool({ by: 'fwmark', mark: 1, family: 'inet6' }, [HERE, '10.0.0.2']))).toEqual([
    [6, undefined, '10.0.0.2'],
  ])
})
