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

test('ping is needed where no socket for echoes may be opened', () => {
  const text = `virtual_server 10.0.0.1 80 {\n protocol TCP\n real_server 10.1.0.1 80 { PING_CHECK { } }\n}\n`
  const { config } = loadConfig({ name: 'test.conf', text }, surroundings())
  if (config === undefined) throw new Error('refused')
  const lack = (has: boolean, may: boolean) =>
    lackingPrograms(
      config,
      () => has,
      () => may,
    )
  expect([lack(true, false), lack(false, true), lack(true, true)]).toEqual([[], [], []])
  expect(lack(false, false)).toEqual([
    expect.stringMatching(/no socket here and starts the program `ping`.*iputils-ping/),
  ])
  // Root may, as these tests are.
  expect(lackingPrograms(config, () => false)).toEqual([])
})
