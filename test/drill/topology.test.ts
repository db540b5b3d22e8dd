import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { type Topology, topologyOf } from '../../src/drill/topology.ts'
import { surroundings } from '../support/surroundings.ts'
import { FURTHER_PAIRS, PAIR_SURROUNDINGS, type PairOfTexts, RUNNING_PAIRS } from './corpus-pairs.ts'
import { topologyText } from './topology-words.ts'

function configOf(source: { name: string; text: string }) {
  const { config, diagnostics } = loadConfig(source, PAIR_SURROUNDINGS)
  if (config === undefined) throw new Error(JSON.stringify(diagnostics.map(({ message }) => message)))
  return config
}

const planned = ({ director1, director2 }: PairOfTexts): Topology =>
  topologyOf({ director1: configOf(director1), director2: configOf(director2) })

/** A lab of two texts. */
function labOf(first: string, second = first): Topology {
  const load = (text: string) => {
    const { config, diagnostics } = loadConfig({ name: 'x.conf', text }, surroundings())
    if (config === undefined) throw new Error(JSON.stringify(diagnostics.map(({ message }) => message)))
    return config
  }
  return topologyOf({ director1: load(first), director2: load(second) })
}

const instance = (inside: string, more = '') =>
  `vrrp_instance a {\n virtual_router_id 7\n priority 100\n ${more}\n virtual_ipaddress {\n ${inside}\n }\n}\n`

const all = [...Object.values(RUNNING_PAIRS), ...FURTHER_PAIRS]

describe('the lab of a pair is made as it was', () => {
  test.each(all.map((pair) => [pair.name, pair] as const))('%s', (_, pair) => {
    expect(topologyText(planned(pair)).join('\n')).toMatchSnapshot()
  })
})

describe('in the lab of each pair', () => {
  test.each(all.map((pair) => [pair.name, pair] as const))('of %s no address is there twice', (_, pair) => {
    const { directors, servers, client, router, beside, stranger, virtualAddresses } = planned(pair)
    const machines = [directors.director1, directors.director2, ...servers, client, router, beside, stranger]
    const given = machines.flatMap((machine) =>
      (machine?.ports ?? []).flatMap(({ addresses }) => addresses.map((each) => each.replace(/\/.*/, ''))),
    )
    expect(new Set(given).size).toBe(given.length)
    for (const vip of virtualAddresses) expect(given).not.toContain(vip)
  })

  test.each(all.map((pair) => [pair.name, pair] as const))('of %s names fit into those of interfaces', (_, pair) => {
    const { servers, directors } = planned(pair)
    for (const { name, ports } of [...servers, ...Object.values(directors)]) {
      expect(`${name}-${ports.length}`.length).toBeLessThanOrEqual(15)
      for (const port of ports) expect(port.name.length).toBeLessThanOrEqual(15)
    }
  })
})

test('interfaces of one virtual router are on one network, whatever their names', () => {
  const { directors } = labOf(instance('10.0.0.1/24', 'interface ens3'), instance('10.0.0.1/24', 'interface bond0.10'))
  expect(directors.director1.ports.map(({ name, lan }) => [name, lan])).toEqual([['ens3', 'lan1']])
  expect(directors.director2.ports.map(({ name, lan }) => [name, lan])).toEqual([['bond0.10', 'lan1']])
})

test('each director has the address that the other one calls it', () => {
  const { directors } = labOf(
    instance('10.0.0.1/24', 'interface eth0\n unicast_src_ip 10.0.0.11\n unicast_peer {\n 10.0.0.12\n }'),
    instance('10.0.0.1/24', 'interface eth0\n unicast_peer {\n 10.0.0.11\n }'),
  )
  expect(directors.director1.ports[0]?.addresses).toEqual(['10.0.0.11/24'])
  expect(directors.director2.ports[0]?.addresses).toEqual(['10.0.0.12/24'])
})

test('a MAC device of an instance is no interface of the lab', () => {
  const { directors } = labOf(instance('10.0.0.1/24', 'interface eth0\n use_vmac'))
  expect(directors.director1.ports.map(({ name }) => name)).toEqual(['eth0'])
})

test('a real server that is a director is said, and not there', () => {
  const { servers, cannotPlay } = labOf(
    `${instance('10.0.0.1/24', 'interface eth0\n mcast_src_ip 10.0.0.11')}virtual_server 10.0.0.1 80 {\n protocol TCP\n real_server 10.0.0.11 80 {\n TCP_CHECK {\n }\n }\n}\n`,
    instance('10.0.0.1/24', 'interface eth0\n mcast_src_ip 10.0.0.12'),
  )
  expect(servers).toEqual([])
  expect(cannotPlay).toContain(
    'real_server 10.0.0.11 is director1 itself: the lab plays no server there, so that nobody answers.',
  )
})

test('the 65th real server is said, and not there', () => {
  const reals = Array.from({ length: 70 }, (_, i) => ` real_server 10.0.0.${i + 10} 80 {\n }\n`).join('')
  const { servers, cannotPlay } = labOf(
    `${instance('10.0.0.1/24', 'interface eth0')}virtual_server 10.0.0.1 80 {\n lb_kind DR\n protocol TCP\n${reals}}\n`,
  )
  expect(servers).toHaveLength(64)
  expect(cannotPlay).toContain('real_server: of 70 the lab plays 64, so that the last 6 are down.')
})

test('a client that an access list keeps out asks nobody, and that is said', () => {
  const { targets, cannotPlay } = labOf(
    `${instance('10.0.0.1/24', 'interface eth0')}virtual_server 10.0.0.1 80 {\n lb_kind DR\n protocol TCP\n allow {\n 192.0.2.0/24\n }\n real_server 10.0.0.9 80 {\n }\n}\n`,
  )
  expect(targets.tcp).toEqual([])
  expect(cannotPlay.join()).toContain('its access list keeps out')
})
