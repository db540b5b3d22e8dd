import { expect, test, type TestContext } from 'vitest'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab } from '../support/lab.ts'

const config = (own: number, more = '') => `global_defs {
  default_interface eth1
}
vrrp_instance a {
  virtual_router_id 51
  version 3
  priority ${own === 1 ? 150 : 100}
  advert_int 0.2
  garp_master_delay 0
  ${more}
  unicast_src_ip 10.9.0.${own}
  unicast_peer { 10.9.0.${3 - own} }
  virtual_ipaddress { 10.2.0.100/24 }
}
`

/** Two directors that reach each other by either of two networks, from addresses that are on no interface of these. */
async function build({ onTestFinished }: Pick<TestContext, 'onTestFinished'>) {
  const lab = new Lab()
  onTestFinished(() => lab.destroy())
  const switches = ['first', 'second'] as const
  for (const name of switches) lab.addSwitch(name)
  for (const own of [1, 2]) {
    const ports = switches.map((name, i) => ({ switch: name, address: `10.${i + 1}.0.${own}/24` }))
    lab.addHost(`director${own}`, ports)
    lab.ip(`director${own}`, [`addr add 10.9.0.${own}/32 dev lo`])
  }
  const route = (network: 1 | 2) => {
    for (const own of [1, 2]) {
      lab.ip(`director${own}`, [`route replace 10.9.0.${3 - own}/32 via 10.${network}.0.${3 - own} src 10.9.0.${own}`])
    }
  }
  const [first, second] = await Promise.all(switches.map((name) => Capture.start(lab, name)))
  if (first === undefined || second === undefined) throw new Error('two were started')
  return { lab, route, first, second }
}

test('an instance without an interface goes by the routes, whichever they are', async (context) => {
  const { lab, route, first, second } = await build(context)
  const [one, two] = [1, 2].map((own) => new DirectorHost(lab, `director${own}`, config(own)))
  if (one === undefined || two === undefined) throw new Error('two were made')
  route(1)
  await Promise.all([one.start(), two.start()])
  await one.untilState('master')
  await two.untilState('backup')
  await first.next('10.9.0.1', 0)
  // On the default interface.
  expect(lab.run('director1', ['ip', 'addr', 'show', 'dev', 'eth1'])).toContain('10.2.0.100/24')
  const since = (await two.status()).instances[0]?.since
  route(2)
  const at = Date.now()
  await second.next('10.9.0.1', at + 1000)
  await two.untilState('backup')
  expect((await two.status()).instances[0]?.since).toBe(since)
  lab.ip('director1', ['addr del 10.9.0.1/32 dev lo'])
  await one.untilState('fault')
  expect((await one.status()).instances[0]?.reason).toBe('10.9.0.1 is not on this host')
  await two.untilState('master')
  // On whichever interface it comes back.
  lab.ip('director1', ['addr add 10.9.0.1/32 dev eth0'])
  route(2)
  await one.untilState('master')
  await two.untilState('backup')
})

test('one with a VRF goes by this device', async (context) => {
  const { lab, route, first, second } = await build(context)
  const [one, two] = [1, 2].map((own) => new DirectorHost(lab, `director${own}`, config(own, 'vrf eth0')))
  if (one === undefined || two === undefined) throw new Error('two were made')
  route(2)
  await Promise.all([one.start(), two.start()])
  await one.untilState('master')
  await two.untilState('backup')
  await first.next('10.9.0.1', 0)
  expect(second.adverts()).toEqual([])
})
