import { expect, test } from 'vitest'
import { suspendedServers } from '../../src/balance/suspension.ts'
import { loadConfig } from '../../src/config/load.ts'
import { surroundings } from '../support/surroundings.ts'
import { ip } from '../vrrp/instances.ts'

const REAL = 'real_server 10.1.0.1 80 { TCP_CHECK { } }'
const text = `
virtual_server_group g {
  10.0.0.1-3 80
  fwmark 3
}
virtual_server_group marks {
  fwmark 4
}
virtual_server group g { protocol TCP\n ha_suspend\n ${REAL}\n}
virtual_server group marks { ha_suspend\n ${REAL}\n}
virtual_server 10.0.0.9 80 { protocol TCP\n ha_suspend\n ${REAL}\n}
virtual_server 10.0.0.8 80 { protocol TCP\n ${REAL}\n}
`
const servers = loadConfig({ name: 'x', text }, surroundings()).config?.virtualServers ?? []

test.each([
  ['with none of the addresses those rest that ask for it', [], ['[g]:0 TCP', '[10.0.0.9]:tcp:80']],
  ['one address of a group is enough', ['10.0.0.3'], ['[10.0.0.9]:tcp:80']],
  ['another one is not', ['10.0.0.9', '10.0.0.4'], ['[g]:0 TCP']],
])('%s', (_what, own, names) => {
  expect(servers).toHaveLength(4)
  expect([...suspendedServers(servers, new Set(own.map(ip)))]).toEqual(names)
})
