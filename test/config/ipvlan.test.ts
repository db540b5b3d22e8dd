import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { surroundings } from '../support/surroundings.ts'

test.each(['', 'ipvl51 10.0.0.5/24 bridge'])('`use_ipvlan %s`: the instance runs, on its interface', (said) => {
  const text = `vrrp_instance a {\n interface eth0\n virtual_router_id 51\n use_ipvlan ${said}\n virtual_ipaddress {\n 10.0.0.100/24\n 10.0.1.100/24 dev eth1\n }\n}\n`
  const { config, diagnostics } = loadConfig({ name: 'x', text }, surroundings())
  expect(config?.instances).toMatchObject([
    { interface: 'eth0', source: undefined, virtualLinks: [], addresses: [{ device: 'eth0' }, { device: 'eth1' }] },
  ])
  expect(config?.notRunning).toEqual([])
  expect(diagnostics.map(({ code, message }) => `${code}: ${message}`)).toEqual([
    'no-effect: `use_ipvlan` has no effect: the addresses are on the interface itself, with the MAC address that an ipvlan interface would have, too',
  ])
})
