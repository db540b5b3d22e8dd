import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/model/config.ts'
import { surroundings } from '../support/surroundings.ts'

function configOf(text: string): Config {
  const { config, diagnostics } = loadConfig({ name: 'x', text }, surroundings())
  if (config === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  return config
}

const instance = (name: string, vrid: number, more: string, addresses: readonly string[]) =>
  `vrrp_instance ${name} {\n interface eth0\n virtual_router_id ${vrid}\n ${more}\n virtual_ipaddress {\n ${addresses.join('\n ')}\n }\n}\n`

const linksOf = (text: string) =>
  configOf(text).instances.map(({ virtualLinks, transmitBy, addresses, excludedAddresses }) => ({
    links: virtualLinks.map(({ name, base, mac }) => `${name} on ${base} ${mac}`),
    transmitBy,
    addresses: [...addresses, ...excludedAddresses].map(({ address, device }) => `${address} ${device}`),
  }))

// Names and places as keepalived 2.2.7 made them of the same file.
test('names of virtual interfaces do not meet, and each address is where keepalived has it', () => {
  const text =
    instance('a', 51, 'use_vmac', ['10.0.0.100/24', '10.0.0.101/32 dev eth1', '10.0.0.102/32 dev eth1 use_vmac']) +
    instance('b', 52, 'use_vmac vmacb 02:11:22:33:44:55\n use_vmac_addr', ['10.0.0.110/24', '10.0.0.111/32 dev eth1']) +
    instance('c', 53, '', ['10.0.0.120/24'])
  expect(linksOf(text)).toEqual([
    {
      links: ['vrrp.51 on eth0 00:00:5e:00:01:33', 'vrrp1.51 on eth1 00:00:5e:00:01:33'],
      transmitBy: 'vrrp.51',
      addresses: ['10.0.0.100 vrrp.51', '10.0.0.101 eth1', '10.0.0.102 vrrp1.51'],
    },
    {
      links: ['vmacb on eth0 02:11:22:33:44:55', 'vrrp.52 on eth1 02:11:22:33:44:55'],
      transmitBy: 'vmacb',
      addresses: ['10.0.0.110 vmacb', '10.0.0.111 vrrp.52'],
    },
    { links: [], transmitBy: undefined, addresses: ['10.0.0.120 eth0'] },
  ])
})

test('prefixes of names, a MAC of five bytes, and unicast, which is sent by the interface below', () => {
  const text =
    'global_defs {\n vmac_prefix va\n vmac_addr_prefix vb\n}\n' +
    instance('a', 51, 'use_vmac 02:11:22:33:44\n unicast_peer { 10.0.0.2 }', [
      '10.0.0.1/24',
      '10.0.0.3/32 dev eth1 use_vmac',
    ]) +
    instance('b', 52, 'use_vmac\n vmac_xmit_base', ['10.0.0.4/24'])
  expect(linksOf(text)).toEqual([
    {
      links: ['va.51 on eth0 02:11:22:33:44:33', 'vb.51 on eth1 02:11:22:33:44:33'],
      transmitBy: undefined,
      addresses: ['10.0.0.1 va.51', '10.0.0.3 vb.51'],
    },
    { links: ['va.52 on eth0 00:00:5e:00:01:34'], transmitBy: undefined, addresses: ['10.0.0.4 va.52'] },
  ])
})

test('what is forwarded at an interface is forwarded at the virtual ones on it', () => {
  const text = `global_defs {\n forward_interfaces { eth0 }\n}\n${instance('a', 51, 'use_vmac', ['10.0.0.1/24'])}`
  expect(configOf(text).attachment.only).toEqual(['eth0', 'vrrp.51'])
})
