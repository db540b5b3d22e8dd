import { describe, expect, test, type TestContext } from 'vitest'
import { Capture } from '../support/capture.ts'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

const PEER = '10.0.0.9'

const config = (priority: number, device: string) => `global_defs {
  dynamic_interfaces
}
vrrp_instance four {
  interface ${device}
  virtual_router_id 51
  version 3
  priority ${priority}
  advert_int 0.1
  garp_master_delay 0
  virtual_ipaddress { 10.0.0.100/24 }
}
vrrp_instance six {
  interface ${device}
  virtual_router_id 51
  priority ${priority}
  advert_int 0.1
  garp_master_delay 0
  virtual_ipaddress { fe80::100/64 }
}
`

/** A director without the interface that its file names, beside one that has all that it needs. */
function buildLan({ onTestFinished }: Pick<TestContext, 'onTestFinished'>) {
  const lab = new Lab()
  onTestFinished(() => lab.destroy())
  lab.addSwitch('lan')
  lab.addHost('director', [])
  lab.addHost('peer', [{ switch: 'lan', address: `${PEER}/24` }])
  const plugIn = (address: string) => {
    const peer = `type veth peer name late0 netns ${lab.directorName('director')}`
    lab.ip('switch', [`link add director-0 ${peer}`, 'link set director-0 master lan up'])
    lab.ip('director', ['link set late0 up', `addr add ${address} dev late0`])
  }
  return { lab, plugIn }
}

const fault = async (director: DirectorHost, reason: string) => {
  await until(`a fault: ${reason}`, async () => {
    const { instances } = await director.status()
    return instances.length > 0 && instances.every((each) => each.state === 'fault' && each.reason === reason)
  })
}

describe.concurrent('an interface', () => {
  test('may come late, be renamed, deleted and made anew, and change its addresses', async (context) => {
    const { lab, plugIn } = buildLan(context)
    const director = new DirectorHost(lab, 'director', config(150, 'late0'))
    const peer = new DirectorHost(lab, 'peer', config(100, 'eth0'))
    const capture = await Capture.start(lab, 'lan')
    await Promise.all([director.start(), peer.start()])
    await fault(director, 'late0 does not exist')
    await peer.untilState('master')

    plugIn('10.0.0.1/24')
    await director.untilState('master')
    await peer.untilState('backup')

    lab.ip('director', ['link set late0 down', 'link set late0 name other0', 'link set other0 up'])
    await fault(director, 'late0 does not exist')
    await peer.untilState('master')
    lab.ip('director', ['link set other0 down', 'link set other0 name late0', 'link set late0 up'])
    await director.untilState('master')
    await peer.untilState('backup')

    lab.ip('director', ['link delete late0'])
    await fault(director, 'late0 does not exist')
    await peer.untilState('master')
    plugIn('10.0.0.1/24')
    await director.untilState('master')
    await peer.untilState('backup')

    lab.ip('director', ['addr del 10.0.0.1/24 dev late0', 'addr add 10.0.0.3/24 dev late0'])
    await capture.next('10.0.0.3', 0)
    await director.untilState('master')
    const addresses = () => lab.run('director', ['ip', '-6', 'addr', 'show', 'dev', 'late0'])
    expect(addresses()).toContain('fe80::100/64')
    // With the hardware address its link-local one changes, too.
    const own = /inet6 (fe80::(?!100\/)\S+)\/64/.exec(addresses())?.[1] ?? expect.fail(addresses())
    lab.ip('director', [
      'link set late0 address 02:00:00:00:77:77',
      `addr del ${own}/64 dev late0`,
      'addr add fe80::7777/64 dev late0',
    ])
    await capture.next('fe80::7777', 0)
    await director.untilState('master')
    await peer.untilState('backup')
    await until('the peer to have heard the new one', async () => {
      const { instances } = await peer.status()
      return instances.every(({ peers }) => peers.some(({ address }) => ['10.0.0.3', 'fe80::7777'].includes(address)))
    })
    // It sends from no address that it has not, and from none that another host may have.
    const sources = new Set(capture.adverts().map(({ source }) => source))
    expect([...sources].filter((source) => source.endsWith('100'))).toEqual([])
  })

  test('of which somebody else has the link-local address is no way for IPv6', async (context) => {
    const { lab, plugIn } = buildLan(context)
    lab.ip('peer', ['addr add fe80::1/64 dev eth0 nodad'])
    const director = new DirectorHost(lab, 'director', config(150, 'late0'))
    const capture = await Capture.start(lab, 'lan')
    plugIn('10.0.0.1/24')
    lab.ip('director', [
      'link set late0 addrgenmode none',
      'addr flush dev late0 scope link',
      'addr add fe80::1/64 dev late0',
    ])
    await until('the duplicate to be found', () =>
      lab.run('director', ['ip', '-6', 'addr', 'show', 'dev', 'late0']).includes('dadfailed'),
    )
    await director.start()
    const six = async () => (await director.status()).instances.find(({ name }) => name === 'six')
    await capture.next('10.0.0.1', 0)
    expect(await six()).toMatchObject({ state: 'fault', reason: 'late0 has no link-local IPv6 address' })
    lab.ip('director', ['addr add fe80::2/64 dev late0'])
    await capture.next('fe80::2', 0)
    await director.untilState('master')
    expect(capture.adverts().filter(({ source }) => source === 'fe80::1')).toEqual([])
  })

  test('and all that happens to it while the kernel has more news than there is room for', async (context) => {
    const { lab, plugIn } = buildLan(context)
    plugIn('10.0.0.1/24')
    const director = new DirectorHost(lab, 'director', config(150, 'late0'), [], { env: { TANIST_LOG: 'debug' } })
    const capture = await Capture.start(lab, 'lan')
    await director.start()
    await director.untilState('master')
    const vrrp = await director.pidOf('vrrp')
    const pids = [director.pid ?? expect.fail('no director'), vrrp]
    // The director as well: it would take the other one for dead.
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    const many = Array.from({ length: 6000 }, (_, i) => `10.7.${i >> 8}.${i & 255}/32`)
    lab.ip('director', [...many.map((each) => `addr add ${each} dev lo`), 'addr flush dev lo'])
    lab.ip('director', ['addr del 10.0.0.1/24 dev late0', 'addr add 10.0.0.4/24 dev late0'])
    for (const pid of pids.toReversed()) process.kill(pid, 'SIGCONT')
    await capture.next('10.0.0.4', 0)
    await director.untilState('master')
    expect(director.addresses()).toEqual(expect.arrayContaining(['10.0.0.100', 'fe80::100']))
    expect(await director.pidOf('vrrp')).toBe(vrrp)
    expect(director.logText()).toMatch(/netlink: [^"]*anything/)
  })
})
