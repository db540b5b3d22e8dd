import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { surroundings } from '../support/surroundings.ts'

const IPV4 = 'virtual_ipaddress { 10.0.0.100/24 }'
const IPV6 = 'virtual_ipaddress {\n fe80::100/64\n 2001:db8::100/64\n }'

const NO_INTERFACE = `${IPV4}\n vrf red\n unicast_src_ip 10.9.0.1\n unicast_peer { 10.9.0.2 }`

/** What an instance with these lines comes to. */
function running(lines: string, global = '') {
  const device = lines === NO_INTERFACE ? '' : 'interface eth0'
  const text = `global_defs {\n${global}\n}\nvrrp_instance a {\n ${device}\n virtual_router_id 1\n${lines}\n}\n`
  const { diagnostics, config } = loadConfig({ name: 'x', text }, surroundings())
  return config?.instances[0] ?? expect.fail(diagnostics.map(({ message }) => message).join('\n'))
}

describe('how the adverts of an instance travel', () => {
  test.each([
    ['IPv4', IPV4, { family: 4, version: 2, multicastGroup: '224.0.0.18', unicastTtl: 255 }],
    ['IPv6 is of version 3', IPV6, { family: 6, version: 3, multicastGroup: 'ff02::12' }],
    ['also where it says 2', `${IPV6}\n version 2\n advert_int 0.5`, { family: 6, version: 3, advertInt: 500 }],
    ['no addresses: of its peers', 'no_virtual_ipaddress\n unicast_peer { 2001:db8::2 }', { family: 6 }],
    ['no addresses: of its source', 'no_virtual_ipaddress\n mcast_src_ip fe80::1', { family: 6 }],
    ['no addresses at all', 'no_virtual_ipaddress\n native_ipv6', { family: 6, multicastGroup: 'ff02::12' }],
    ['a group of its own', `${IPV4}\n mcast_dst_ip 224.0.0.99`, { multicastGroup: '224.0.0.99' }],
    ['one of its own in IPv6', `${IPV6}\n mcast_dst_ip ff05::99`, { multicastGroup: 'ff05::99' }],
    ['one of the other family', `${IPV6}\n mcast_dst_ip 224.0.0.99`, { multicastGroup: 'ff02::12' }],
    ['a TTL', `${IPV4}\n unicast_peer { 10.0.0.2 }\n unicast_ttl 3`, { unicastTtl: 3 }],
    ['a peer that must be', `${IPV4}\n unicast_fault_no_peer`, { lacksPeers: true }],
    ['and is', `${IPV4}\n unicast_fault_no_peer\n unicast_peer { 10.0.0.2 }`, { lacksPeers: false }],
    ['room for adverts', `${IPV4}\n kernel_rx_buf_size 5000`, { receiveBuffer: { of: 'bytes', bytes: 5000 } }],
    ['no interface', NO_INTERFACE, { interface: '', vrf: 'red', addresses: [{ device: 'eth0' }] }],
    ['an interface, and no VRF', `${IPV4}\n vrf red`, { interface: 'eth0', vrf: undefined }],
  ])('%s', (_name, lines, expected) => expect(running(lines)).toMatchObject(expected))

  test.each([
    ['groups', 'vrrp_mcast_group4 224.0.0.77\n vrrp_mcast_group6 ff02::77', IPV4, { multicastGroup: '224.0.0.77' }],
    ['groups of IPv6', 'vrrp_mcast_group6 ff02::77', IPV6, { multicastGroup: 'ff02::77' }],
    [
      'its own one first',
      'vrrp_mcast_group4 224.0.0.77',
      `${IPV4}\n mcast_dst_ip 224.0.0.99`,
      { multicastGroup: '224.0.0.99' },
    ],
    ['bytes', 'vrrp_rx_bufs_policy 9000', IPV4, { receiveBuffer: { of: 'bytes', bytes: 9000 } }],
    ['packets', 'vrrp_rx_bufs_policy MTU', IPV4, { receiveBuffer: { of: 'packets', packets: 3 } }],
    [
      'adverts',
      'vrrp_rx_bufs_policy ADVERT\n vrrp_rx_bufs_multiplier 10',
      IPV4,
      { receiveBuffer: { of: 'bytes', bytes: 400 } },
    ],
    ['of IPv6', 'vrrp_rx_bufs_policy ADVERT', IPV6, { receiveBuffer: { of: 'bytes', bytes: 3 * 80 } }],
    [
      'its own bytes first',
      'vrrp_rx_bufs_policy MTU',
      `${IPV4}\n kernel_rx_buf_size 1`,
      { receiveBuffer: { bytes: 1 } },
    ],
    ['no buffer', 'vrrp_rx_bufs_multiplier 10', IPV4, { receiveBuffer: undefined }],
    ['a place for addresses', 'default_interface eth7', NO_INTERFACE, { addresses: [{ device: 'eth7' }] }],
  ])('from global_defs: %s', (_name, global, lines, expected) => expect(running(lines, global)).toMatchObject(expected))
})
