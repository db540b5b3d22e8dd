import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { lackingPrograms } from '../../src/host/host-programs.ts'
import { surroundings } from '../support/surroundings.ts'

const instance = (more = '') => `vrrp_instance VI_1 { interface eth0
  virtual_router_id 51
  virtual_ipaddress { 10.9.9.9/32 }
  ${more}
}
`
function lacking(text: string, ...there: string[]): readonly string[] {
  const { config } = loadConfig({ name: 'test.conf', text }, surroundings())
  if (config === undefined) throw new Error('refused')
  return lackingPrograms(config, (program) => there.includes(program))
}

test('setpriv is needed when there is a command to run', () => {
  expect(lacking(instance())).toEqual([])
  expect(lacking(instance('notify /bin/x'))).toEqual([expect.stringMatching(/`setpriv`.*install util-linux/)])
  expect(lacking(instance('notify /bin/x'), 'setpriv')).toEqual([])
})
