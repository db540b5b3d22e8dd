import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab, until } from '../support/lab.ts'

/** A server sends when the time of its connection by NAT is over: nobody waits in silence, and nothing leaves with its address. */
const PORT = 9090
const FAMILIES = {
  ipv4: { vip: '10.9.0.100', client: '10.9.0.10', server: '192.168.1.11', socat: '4' },
  ipv6: { vip: '2001:db8:9::100', client: '2001:db8:9::10', server: '2001:db8:1::11', socat: '6' },
} as const
const CONFIG = Object.values(FAMILIES)
  .flatMap(({ vip, server }) =>
    ['TCP', 'UDP'].map(
      (protocol) => `virtual_server ${vip} 80 {
  lvs_sched rr
  lvs_method NAT
  protocol ${protocol}
  establish_timeout 1
  real_server ${server} ${PORT} {
  }
}
`,
    ),
  )
  .join('')

const lab = new Lab()
const director = new DirectorHost(lab, 'director', CONFIG)

beforeAll(async () => {
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('director', [
    { switch: 'outside', address: '10.9.0.1/24' },
    { switch: 'inside', address: '192.168.1.1/24' },
  ])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])
  lab.addHost('client', [{ switch: 'outside', address: '10.9.0.10/24' }], '10.9.0.1')
  lab.addHost('server', [{ switch: 'inside', address: '192.168.1.11/24' }], '192.168.1.1')
  lab.ip('director', [
    'address add 10.9.0.100/32 dev eth0',
    'address add 2001:db8:9::1/64 dev eth0 nodad',
    'address add 2001:db8:9::100/128 dev eth0 nodad',
    'address add 2001:db8:1::1/64 dev eth1 nodad',
  ])
  lab.ip('client', ['address add 2001:db8:9::10/64 dev eth0 nodad', 'route add default via 2001:db8:9::1'])
  lab.ip('server', ['address add 2001:db8:1::11/64 dev eth0 nodad', 'route add default via 2001:db8:1::1'])
  await director.start()
})
afterAll(() => lab.destroy())

/** `socat` between its own input and output and an address; what it says is kept. */
function socat(host: string, peer: string) {
  const child = lab.start(host, ['socat', '-d', '-', peer], { stdio: 'pipe' })
  const said = { out: '', err: '' }
  child.stdout?.on('data', (data: Buffer) => (said.out += data.toString()))
  child.stderr?.on('data', (data: Buffer) => (said.err += data.toString()))
  return { child, said, ended: once(child, 'exit') }
}

const write = (child: ChildProcess, text: string) => child.stdin?.write(text)
const connections = () => director.ipvsadm('ipvsadm -Lnc').stdout

describe.each(Object.entries(FAMILIES))('%s', (_family, { vip, client, server, socat: version }) => {
  const bracketed = version === '6' ? `[${vip}]` : vip

  test.each(['TCP', 'UDP'] as const)('%s', async (protocol) => {
    const watch = lab.start('client', ['tcpdump', '-lnpi', 'eth0', `host ${server}`], { stdio: 'pipe' })
    let [seen, said] = ['', '']
    watch.stdout?.on('data', (data: Buffer) => (seen += data.toString()))
    watch.stderr?.on('data', (data: Buffer) => (said += data.toString()))
    await until('tcpdump to listen', () => said.includes('listening on'))

    const listening = () => lab.run('server', ['ss', '-Hln', protocol === 'TCP' ? '-t' : '-u']).includes(`:${PORT}`)
    const real = socat('server', `${protocol}${version}-LISTEN:${PORT},reuseaddr`)
    await until('the server to listen', listening)
    const asking = socat('client', `${protocol}${version}:${bracketed}:80`)
    write(asking.child, 'question\n')
    await until('the question to arrive', () => real.said.out === 'question\n')
    write(real.child, 'answer\n')
    await until('the answer to arrive', () => asking.said.out === 'answer\n')

    await until('the connection’s time to be over', () => !connections().includes(client))
    write(real.child, 'late\n')
    await real.ended
    expect(real.said.err).toContain(protocol === 'TCP' ? 'Connection reset by peer' : 'Connection refused')
    if (protocol === 'TCP') {
      await asking.ended
      expect(asking.said.err).toContain('Connection reset by peer')
    }
    expect(asking.said.out).toBe('answer\n')
    asking.child.kill()
    watch.kill()
    await once(watch, 'exit')
    expect(seen.trim()).toBe('')
    expect((await director.status()).drops['connection-ended']).toBeGreaterThan(0)
  })
})
