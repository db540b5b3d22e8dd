import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { KeepalivedHost } from '../support/keepalived.ts'
import { Lab, until } from '../support/lab.ts'

/** RFC 9568 §7.3, of VRID 51. */
const VMAC = '00:00:5e:00:01:33'
const VIP = '10.0.0.100'

const config = (priority: number, more = 'use_vmac') => `vrrp_instance web {
  interface eth0
  virtual_router_id 51
  version 3
  priority ${priority}
  advert_int 0.3
  ${more}
  virtual_ipaddress {
    ${VIP}/24
  }
}
`

function aLab(onTestFinished: (end: () => void) => void): Lab {
  const lab = new Lab()
  onTestFinished(() => lab.destroy())
  lab.addSwitch('lan')
  for (const [i, host] of ['client', 'one', 'two'].entries()) {
    lab.addHost(host, [{ switch: 'lan', address: `10.0.0.${i + 1}/24` }])
  }
  return lab
}

interface ShownLink {
  readonly ifindex: number
  readonly ifname: string
  readonly link?: string
  readonly address: string
  readonly flags: readonly string[]
  readonly linkinfo?: { readonly info_kind: string; readonly info_data: { readonly mode: string } }
}
const links = (lab: Lab, host: string) => JSON.parse(lab.run(host, ['ip', '-json', '-d', 'link'])) as ShownLink[]
const linkOf = (lab: Lab, host: string, name = 'vrrp.51') => links(lab, host).find(({ ifname }) => ifname === name)
const isUp = (lab: Lab, host: string) => linkOf(lab, host)?.flags.includes('UP') === true
/** The MAC addresses that answer for the address, without what is remembered. */
const answers = (lab: Lab) => {
  const text = lab.run('client', ['sh', '-c', `arping -c 3 -w 2 -I eth0 ${VIP} 2>&1 || true`])
  return [...new Set([...text.matchAll(/[\da-f]{2}(?::[\da-f]{2}){5}/gi)].map(([mac]) => mac.toLowerCase()))]
}
const setting = (lab: Lab, host: string, device: string, name: string) =>
  lab.run(host, ['cat', `/proc/sys/net/ipv4/conf/${device}/${name}`]).trim()
const sourcesSeen = (lab: Lab) =>
  lab
    .run('client', ['timeout', '2', 'tcpdump', '-c', '3', '-enni', 'eth0', 'ip proto 112'])
    .split('\n')
    .flatMap((line) => /^\S+ ([\da-f:]{17}) > /.exec(line)?.[1] ?? [])

test('the master has the MAC of the virtual router, the backup has it nowhere, and it moves with the role', async ({
  onTestFinished,
}) => {
  const lab = aLab(onTestFinished)
  const [one, two] = [new DirectorHost(lab, 'one', config(150)), new DirectorHost(lab, 'two', config(100))]
  await Promise.all([one.start(), two.start()])
  await one.untilState('master')
  await two.untilState('backup')
  expect(linkOf(lab, 'one')).toMatchObject({
    address: VMAC,
    link: 'eth0',
    linkinfo: { info_kind: 'macvlan', info_data: { mode: 'bridge' } },
  })
  await until('the master to answer by it alone', () => String(answers(lab)) === VMAC)
  expect([isUp(lab, 'one'), isUp(lab, 'two')]).toEqual([true, false])
  expect(new Set(sourcesSeen(lab))).toEqual(new Set([VMAC]))
  expect(setting(lab, 'one', 'vrrp.51', 'arp_ignore')).toBe('1')
  expect(setting(lab, 'one', 'vrrp.51', 'accept_local')).toBe('1')
  expect(setting(lab, 'one', 'eth0', 'arp_ignore')).toBe('1')
  expect(linkOf(lab, 'two')?.address).toBe(VMAC)
  // The client goes on with what it knows: the MAC is the same at the other one.
  lab.run('client', ['ping', '-c', '1', '-W', '2', VIP])
  lab.run('client', ['ip', 'neigh', 'replace', VIP, 'lladdr', VMAC, 'dev', 'eth0', 'nud', 'permanent'])
  await one.stop()
  await two.untilState('master')
  await until('the client to reach the other one', () => {
    return lab.run('client', ['sh', '-c', `ping -c 1 -W 1 ${VIP} || true`]).includes('1 received')
  })
  expect(linkOf(lab, 'one')).toBeUndefined()
  expect(setting(lab, 'one', 'eth0', 'arp_ignore')).toBe('0')
  await two.stop()
})

test('a killed vrrp process finds its interface again, and --release --now removes it', async ({ onTestFinished }) => {
  const lab = aLab(onTestFinished)
  const one = new DirectorHost(lab, 'one', config(150))
  await one.start()
  await one.untilState('master')
  const index = linkOf(lab, 'one')?.ifindex
  process.kill(await one.pidOf('vrrp'), 'SIGKILL')
  await sleep(100)
  await one.untilState('master')
  expect([linkOf(lab, 'one')?.ifindex, index]).toEqual([index, expect.any(Number)])
  expect(isUp(lab, 'one')).toBe(true)
  await one.killAll()
  one.release('--now')
  expect(linkOf(lab, 'one')).toBeUndefined()
})

test('--release removes it when its addresses are gone, which stay until a peer has them', async ({
  onTestFinished,
}) => {
  const lab = aLab(onTestFinished)
  const one = new DirectorHost(lab, 'one', config(150))
  await one.start()
  await one.untilState('master')
  await one.killAll()
  one.release()
  expect(one.addresses()).toContain(VIP)
  expect(isUp(lab, 'one')).toBe(true)
  await until('it to go', () => linkOf(lab, 'one') === undefined, 20_000)
  expect(one.addresses()).not.toContain(VIP)
})

test('a reload brings and removes it, also by another name and MAC; one of somebody else is left alone', async ({
  onTestFinished,
}) => {
  const lab = aLab(onTestFinished)
  const one = new DirectorHost(lab, 'one', config(150, ''))
  await one.start()
  await one.untilState('master')
  expect(linkOf(lab, 'one')).toBeUndefined()
  const reload = async (more: string) => {
    one.configure(config(150, more))
    expect(await one.reload()).toEqual([])
  }
  await reload('use_vmac')
  await until('the address to be on it', () =>
    lab.run('one', ['ip', '-o', 'address']).includes(`vrrp.51    inet ${VIP}`),
  )
  await reload('use_vmac vmacx 02:11:22:33:44')
  await until('the other one', () => linkOf(lab, 'one', 'vmacx')?.address === '02:11:22:33:44:33')
  await until('the address to be on that', () =>
    lab.run('one', ['ip', '-o', 'address']).includes(`vmacx    inet ${VIP}`),
  )
  expect(linkOf(lab, 'one')).toBeUndefined()
  lab.run('one', ['ip', 'link', 'add', 'mine', 'link', 'eth0', 'type', 'macvlan', 'mode', 'bridge'])
  const before = linkOf(lab, 'one', 'mine')?.address
  await reload('use_vmac mine')
  await until('it to be told', () => one.logText().includes('cannot make mine: there is an interface of that name'))
  await reload('')
  await until('the address to be on eth0', () =>
    lab.run('one', ['ip', '-o', 'address']).includes(`eth0    inet ${VIP}`),
  )
  expect(linkOf(lab, 'one', 'mine')?.address).toBe(before)
  expect(linkOf(lab, 'one', 'vmacx')).toBeUndefined()
})

test.each(['', 'vmac_xmit_base'])('with keepalived as the peer one of them is master: use_vmac %s', async (more) => {
  const lab = new Lab()
  try {
    lab.addSwitch('lan')
    for (const [i, host] of ['client', 'one', 'two'].entries()) {
      lab.addHost(host, [{ switch: 'lan', address: `10.0.0.${i + 1}/24` }])
    }
    const one = new DirectorHost(lab, 'one', config(150, `use_vmac\n  ${more}`))
    const two = new KeepalivedHost(lab, 'two', config(100, `use_vmac\n  ${more}`))
    two.start()
    await until('keepalived to be master', () => two.has(VIP))
    await one.start()
    await one.untilState('master')
    await until('keepalived to have given it up', () => !two.has(VIP))
    const seen = new Set(sourcesSeen(lab))
    expect(seen.size).toBe(1)
    expect(seen.has(VMAC)).toBe(more === '')
    await until('one MAC to answer', () => String(answers(lab)) === VMAC)
    await one.stop()
    await until('keepalived to be master again', () => two.has(VIP))
  } finally {
    lab.destroy()
  }
})

/** RFC 9568 §7.3, of VRID 51 over IPv6; the addresses of an instance, its link-local one first (§5.2.9). */
const VMAC6 = '00:00:5e:00:02:33'
const VIP6 = '2001:db8:51::100'
const config6 = (priority: number) => config(priority, 'use_vmac').replace(`${VIP}/24`, `fe80::51\n    ${VIP6}/64`)
/** The MAC that the client finds for it. */
const neighbour6 = (lab: Lab) => {
  lab.run('client', ['ip', '-6', 'neigh', 'flush', 'all'])
  lab.run('client', ['sh', '-c', `ping -c 1 -W 1 ${VIP6} >/dev/null || true`])
  return /lladdr (\S+)/.exec(lab.run('client', ['ip', '-6', 'neigh', 'show', VIP6]))?.[1]
}
const linkLocal = (lab: Lab, host: string) =>
  /inet6 (fe80:\S+)\/64/.exec(lab.run(host, ['ip', '-6', 'address', 'show', 'dev', 'eth0', 'scope', 'link']))?.[1]
const adverts6 = (lab: Lab) =>
  lab
    .run('client', ['timeout', '3', 'tcpdump', '-c', '3', '-enni', 'eth0', 'ip6 proto 112'])
    .split('\n')
    .flatMap(
      (line) => /^\S+ ([\da-f:]{17}) > ([\da-f:]{17}),.* (fe80:\S+) > ff02::12: VRRPv3/.exec(line)?.slice(1, 4) ?? [],
    )

test.each(['tanist', 'keepalived'])('over IPv6, with %s as the peer', async (peer) => {
  const lab = new Lab()
  try {
    lab.addSwitch('lan')
    for (const [i, host] of ['client', 'one', 'two'].entries()) {
      lab.addHost(host, [{ switch: 'lan', address: `10.0.0.${i + 1}/24` }])
      lab.run(host, ['ip', 'address', 'add', `2001:db8:51::${i + 1}/64`, 'dev', 'eth0', 'nodad'])
    }
    const one = new DirectorHost(lab, 'one', config6(150))
    const director = new DirectorHost(lab, 'two', config6(100))
    const keepalived = new KeepalivedHost(lab, 'two', config6(100))
    if (peer === 'keepalived') keepalived.start()
    else await director.start()
    await until('the peer to be master', () => neighbour6(lab) === VMAC6)
    await one.start()
    await one.untilState('master')
    await until('its addresses to be on the virtual interface', () => {
      const shown = lab.run('one', ['ip', '-6', '-o', 'address', 'show', 'dev', 'vrrp.51'])
      return shown.includes(`${VIP6}/64`) && shown.includes('fe80::51/')
    })
    expect(linkOf(lab, 'one')?.address).toBe(VMAC6)
    if (peer === 'tanist') {
      await director.untilState('backup')
      expect(isUp(lab, 'two')).toBe(false)
    }
    await until('one of them to send adverts, with the MAC and its own link-local address', () => {
      const seen = adverts6(lab)
      const own = [VMAC6, '33:33:00:00:00:12', linkLocal(lab, 'one')]
      return seen.length >= 3 && seen.every((each, i) => each === own[i % 3])
    })
    await until('the client to find it by that MAC', () => neighbour6(lab) === VMAC6)
    // Before the peer can speak up, all of the link points to it by the same MAC.
    await one.stop()
    await until('the peer to serve', () => neighbour6(lab) === VMAC6)
    expect(linkOf(lab, 'one')).toBeUndefined()
    if (peer === 'tanist') await director.stop()
  } finally {
    lab.destroy()
  }
})
