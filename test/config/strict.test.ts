import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { strictRules } from '../../src/config/rules/strict.ts'
import { surroundings } from '../support/surroundings.ts'

/** Strict mode and `no_accept`: what keepalived 2.2.7 says to each with `-t`, and what is different here. */
const vip = 'virtual_ipaddress { 10.0.0.1/24\n fe80::1/64 }'
const instance = (more: string, name = 'a', vrid = 9) =>
  `vrrp_instance ${name} {\n interface eth0\n virtual_router_id ${vrid}\n ${more}\n}\n`
const load = (text: string) => loadConfig({ name: 'x', text }, surroundings())
const saidOf = (text: string) => load(text).diagnostics.map(({ code, message }) => `${code}: ${message}`)

const cases: Record<string, readonly (readonly [text: string, code: string, message: string])[]> = {
  strictModeIsObeyed: [
    [instance(`${vip}\n strict_mode\n unicast_peer { 10.0.0.2 }`), 'ignored-value', 'no unicast'],
    [instance('strict_mode'), 'strict-mode', 'needs a virtual_ipaddress'],
    [instance(`${vip}\n strict_mode\n state MASTER\n priority 9`), 'ignored-value', 'only the owner'],
    [instance('strict_mode\n version 2\n virtual_ipaddress { fe80::1 }'), 'strict-mode', 'IPv6 in version 3 only'],
  ],
  strictModeHasItsOwnAnswers: [
    [instance(`${vip}\n strict_mode\n down_timer_adverts 4`), 'ignored-value', 'after 3 adverts'],
    [instance(`${vip}\n strict_mode\n lower_prio_no_advert off`), 'ignored-value', 'does not answer adverts'],
    [instance(`${vip}\n strict_mode\n higher_prio_send_advert`), 'ignored-value', 'before yielding'],
    [
      instance(`${vip}\n strict_mode\n state MASTER\n priority 255\n owner_ignore_adverts off`),
      'ignored-value',
      'the owner of the addresses ignores adverts',
    ],
    [
      instance(`${vip}\n strict_mode\n use_vmac vrrp.9 02:11:22:33:44:55`),
      'ignored-value',
      'that of the virtual router',
    ],
    [instance(`${vip}\n strict_mode\n use_vmac\n vmac_xmit_base`), 'ignored-value', 'adverts have the MAC address'],
  ],
  strictModeAccepts: [
    [`global_defs { vrrp_strict }\n${instance(vip)}`, 'strict-accepts', 'so that ping and local services work'],
    [instance(`${vip}\n strict_mode`), 'strict-accepts', 'keepalived drops all packets'],
  ],
  closedAddressesAreWhereTheCoreIs: [
    [
      `global_defs { forward_interfaces { eth1 } }\n${instance(`${vip}\n no_accept`)}`,
      'ignored-value',
      '`no_accept` has no effect on eth0',
    ],
  ],
  closedAddressesHaveNoMarks: [
    [
      `${instance(`${vip}\n no_accept`)}virtual_server fwmark 5 {\n protocol TCP\n real_server 10.0.0.3 80 { TCP_CHECK { } }\n}\n`,
      'ignored-value',
      'any IPv4 packet may get the mark',
    ],
  ],
}

describe.each(Object.entries(cases))('rule %s', (_rule, files) => {
  test.each(files.map(([text, code, message]) => ({ text, code, message })))('$message', ({ text, code, message }) => {
    const found = saidOf(text).filter((said) => said.startsWith(`${code}: `) && said.includes(message))
    expect(found, saidOf(text).join('\n')).toHaveLength(1)
  })
})

test('every rule has a case', () => expect(Object.keys(cases)).toHaveLength(strictRules.length))

describe('strict mode that has nothing to be told', () => {
  test.each([
    ['no_accept', 'strict_mode\n no_accept'],
    ['accept', 'strict_mode\n version 3\n accept'],
    ['the owner', 'strict_mode\n state MASTER\n priority 255'],
    ['strict mode switched off', 'strict_mode off'],
  ])('%s', (_name, more) => {
    const ipv4 = vip.replace('\n fe80::1/64', '')
    expect(saidOf(`global_defs { vrrp_strict }\n${instance(`${ipv4}\n ${more}`)}`)).toEqual([])
  })
})

test('no mark of the other family matters', () => {
  const mark = `virtual_server fwmark 5 {\n protocol TCP\n ip_family inet6\n real_server fd00::3 80 { TCP_CHECK { } }\n}\n`
  const said = saidOf(`${instance('virtual_ipaddress { 10.0.0.1/24 }\n no_accept')}${mark}`)
  expect(said.filter((each) => each.includes('no_accept'))).toEqual([])
})

describe('closed addresses', () => {
  const closed = (text: string) => load(text).config?.closed

  test('are those of `no_accept`, also those that are in no adverts, and none of an owner', () => {
    expect(closed(instance(`${vip}\n no_accept\n virtual_ipaddress_excluded { 10.0.0.2/24 }`))).toEqual([
      '10.0.0.1',
      'fe80::1',
      '10.0.0.2',
    ])
    expect(closed(instance(`${vip}\n no_accept\n state MASTER\n priority 255`))).toEqual([])
    expect(closed(instance(`${vip}\n accept`))).toEqual([])
  })

  test('are not made by strict mode alone', () => {
    const text = `global_defs { vrrp_strict }\n${instance(vip)}${instance('virtual_ipaddress { 10.0.0.7/24 }\n no_accept', 'b', 10)}`
    expect(closed(text)).toEqual(['10.0.0.7'])
  })
})

test('in strict mode a virtual router has its own MAC address, and adverts have it, too', () => {
  const more = 'virtual_ipaddress { 10.0.0.1/24 }\n use_vmac vrrp.9 02:11:22:33:44:55\n vmac_xmit_base'
  const linksOf = (text: string) =>
    load(text).config?.instances.map(({ virtualLinks: [link], transmitBy }) => [link?.mac, transmitBy])
  expect(linksOf(instance(more))).toEqual([['02:11:22:33:44:55', undefined]])
  expect(linksOf(instance(`${more}\n strict_mode`))).toEqual([['00:00:5e:00:01:09', 'vrrp.9']])
})
