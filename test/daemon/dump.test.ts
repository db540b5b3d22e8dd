import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { configurationText } from '../../src/daemon/director/dump.ts'
import { surroundings } from '../support/surroundings.ts'

const load = (text: string) => {
  const loaded = loadConfig({ name: 'tanist.conf', text }, surroundings())
  if (loaded.config === undefined) throw new Error('it was to be accepted')
  return { file: { loaded }, config: loaded.config }
}
const withPassword = (password: string, priority = 100) => `vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 51
  priority ${priority}
  authentication {
    auth_type PASS
    auth_pass ${password}
  }
  virtual_ipaddress {
    10.0.0.100/24
  }
}
`

test('the dumped configuration has every value but the passwords', () => {
  const { file, config } = load(withPassword('hunter22'))
  const { isInForce, text } = configurationText(file, config)
  expect(isInForce).toBe(true)
  expect(text).toContain('  priority 100')
  expect(text).toContain('    auth_pass ********')
  expect(text.join('\n')).not.toContain('hunter22')
})

test('a file that was changed since the last reload is not in force', () => {
  const { config } = load(withPassword('hunter22'))
  expect(configurationText(load(withPassword('hunter22', 90)).file, config).isInForce).toBe(false)
  expect(configurationText(load(withPassword('another1')).file, config).isInForce).toBe(false)
  expect(configurationText({ unreadable: 'cannot read tanist.conf' }, config)).toEqual({
    isInForce: false,
    text: ['cannot read tanist.conf'],
  })
})

test('a broken file is dumped as its errors, without the password of a broken line', () => {
  const { config } = load(withPassword('hunter22'))
  const text = withPassword('hunter22 "and').replace('auth_pass', 'auth_pas')
  const broken = { loaded: loadConfig({ name: 'tanist.conf', text }, surroundings()) }
  const dumped = configurationText(broken, config)
  expect(dumped.isInForce).toBe(false)
  expect(dumped.text.join('\n')).toContain('tanist.conf:7:')
  expect(dumped.text.join('\n')).not.toContain('hunter22')
})
