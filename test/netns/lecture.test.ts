import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DirectorHost } from '../support/director.ts'
import { Lab } from '../support/lab.ts'
import { WebServer } from '../support/web.ts'

/**
 * The examples of the lecture that the project began with, command by command, on a daemon with an empty configuration: a
 * plain LVS director. 172.18.100.6 is the address for NAT, 172.18.100.7 the one for direct routing.
 */
const CONF = join(import.meta.dirname, '../../conf')
const lab = new Lab()
const NAT = '172.18.100.6'
const DR = '172.18.100.7'

let director: DirectorHost
beforeAll(async () => {
  lab.addSwitch('outside')
  lab.addSwitch('inside')
  lab.addHost('director', [
    { switch: 'outside', address: '172.18.100.1/16' },
    { switch: 'inside', address: '192.168.10.1/24' },
  ])
  lab.run('director', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  for (const vip of [NAT, DR]) lab.run('director', ['ip', 'address', 'add', `${vip}/32`, 'dev', 'eth0'])
  for (const host of [10, 20]) lab.addHost(`client${host}`, [{ switch: 'outside', address: `172.18.0.${host}/16` }])
  for (const host of [11, 12]) {
    lab.addHost(`nat${host}`, [{ switch: 'inside', address: `192.168.10.${host}/24` }], '192.168.10.1')
    lab.addHost(`dr${host}`, [{ switch: 'outside', address: `172.18.100.${host}/16` }])
    lab.run(`dr${host}`, [join(CONF, 'real-server-dr.sh'), 'start', DR])
    for (const name of [`nat${host}`, `dr${host}`]) await new WebServer(lab, name, 'listen 443; listen 23;').start()
  }
  director = new DirectorHost(lab, 'director', '')
  await director.start()
})
afterAll(() => lab.destroy())

/** Runs commands that must succeed, and say nothing. */
function run(...lines: readonly string[]): void {
  for (const line of lines)
    expect({ line, ...director.ipvsadm(line) }).toEqual({ line, status: 0, stdout: '', stderr: '' })
}
const shows = (line: string): string => {
  const { status, stdout, stderr } = director.ipvsadm(line)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout
}
const curl = (vip: string, port = 80, client = 'client10') =>
  lab.run(client, ['curl', '-s', '-m', '5', `http://${vip}:${port}/`]).trim()
const times = (count: number, ask: () => string) => Array.from({ length: count }, ask)
const iptables = (...line: readonly string[]) => lab.run('director', ['iptables', '-t', 'mangle', ...line])
const HEAD = `IP Virtual Server version 1.2.1 (size=262144)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
`

test('an empty configuration is a plain director with an empty table', () => {
  expect(shows('ipvsadm -Ln')).toBe(HEAD)
})

describe('LVS-NAT', () => {
  test('rr, then wrr with the connections where they are', () => {
    run(
      'ipvsadm -C',
      `ipvsadm -A -t ${NAT}:80 -s rr`,
      `ipvsadm -a -t ${NAT}:80 -r 192.168.10.11:80 -m -w 1`,
      `ipvsadm -a -t ${NAT}:80 -r 192.168.10.12:80 -m -w 2`,
    )
    expect(times(4, () => curl(NAT))).toEqual(['nat12', 'nat11', 'nat12', 'nat11'])
    run(`ipvsadm -E -t ${NAT}:80 -s wrr`)
    expect(times(6, () => curl(NAT)).filter((name) => name === 'nat12').length).toBe(4)
    expect(shows('ipvsadm -Ln')).toBe(`${HEAD}TCP  ${NAT}:80 wrr
  -> 192.168.10.11:80             Masq    1      0          4         
  -> 192.168.10.12:80             Masq    2      0          6         
`)
  })

  test('statistics, rates, and zero', () => {
    const stats = shows('ipvsadm -Ln --stats').split('\n')
    expect(stats[1]).toBe('Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes')
    expect(stats[3]).toMatch(/^TCP {2}172\.18\.100\.6:80 {20}10 {2,8}\d+/)
    expect(shows('ipvsadm -Ln --rate').split('\n')[1]).toBe(
      'Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS',
    )
    run('ipvsadm -Z')
    expect(shows('ipvsadm -Ln --stats').split('\n')[3]).toBe(
      'TCP  172.18.100.6:80                     0        0        0        0        0',
    )
  })

  test('another weight, save, clear, restore', () => {
    run(`ipvsadm -e -t ${NAT}:80 -r 192.168.10.11 -m -w 10`)
    const saved = shows('ipvsadm -S -n')
    expect(saved).toBe(`-A -t ${NAT}:80 -s wrr
-a -t ${NAT}:80 -r 192.168.10.11:80 -m -w 10
-a -t ${NAT}:80 -r 192.168.10.12:80 -m -w 2
`)
    expect(shows('ipvsadm-save -n')).toBe(saved)
    run('ipvsadm -C')
    expect(shows('ipvsadm -Ln')).toBe(HEAD)
    for (const restore of ['ipvsadm -R', 'ipvsadm-restore']) {
      run('ipvsadm -C')
      expect(director.ipvsadm(restore, restore === 'ipvsadm -R' ? saved : `# of today\n${saved}`)).toEqual({
        status: 0,
        stdout: '',
        stderr: '',
      })
      expect(shows('ipvsadm -S -n')).toBe(saved)
    }
    expect(curl(NAT)).toMatch(/^nat1[12]$/)
  })
})

describe('LVS-DR', () => {
  test('rr, then sh: a client has one server', () => {
    run(
      'ipvsadm -C',
      `ipvsadm -A -t ${DR}:80 -s rr`,
      `ipvsadm -a -t ${DR}:80 -r 172.18.100.11 -g -w 1`,
      `ipvsadm -a -t ${DR}:80 -r 172.18.100.12 -g -w 2`,
    )
    expect(new Set(times(4, () => curl(DR)))).toEqual(new Set(['dr11', 'dr12']))
    run(`ipvsadm -E -t ${DR}:80 -s sh`)
    expect(new Set(times(4, () => curl(DR))).size).toBe(1)
    expect(shows('ipvsadm -Ln')).toContain(`TCP  ${DR}:80 sh\n  -> 172.18.100.11:80             Route   1 `)
  })
})

describe('persistence', () => {
  test('by port (PPC): each port of a client has its own server', () => {
    run('ipvsadm -C')
    for (const port of [80, 23]) {
      run(
        `ipvsadm -A -t ${DR}:${port} -s rr -p 300`,
        `ipvsadm -a -t ${DR}:${port} -r 172.18.100.11 -g -w 1`,
        `ipvsadm -a -t ${DR}:${port} -r 172.18.100.12 -g -w 1`,
      )
    }
    for (const port of [80, 23]) expect(new Set(times(3, () => curl(DR, port))).size).toBe(1)
    expect(shows('ipvsadm -Ln')).toContain(`TCP  ${DR}:23 rr persistent 300\n`)
    const templates = shows('ipvsadm -Lnc')
      .split('\n')
      .filter((line) => line.includes('172.18.0.10:0'))
    expect(templates.map((line) => line.replace(/ 0\d:\d\d /, ' 04:59 ')).toSorted()).toEqual([
      expect.stringMatching(
        /^TCP 04:59 {2}ASSURED {5}172\.18\.0\.10:0 {6}172\.18\.100\.7:23 {4}172\.18\.100\.1[12]:23$/,
      ),
      expect.stringMatching(
        /^TCP 04:59 {2}ASSURED {5}172\.18\.0\.10:0 {6}172\.18\.100\.7:80 {4}172\.18\.100\.1[12]:80$/,
      ),
    ])
  })

  test('by client (PCC): every port of a client has the same server', () => {
    run(
      'ipvsadm -C',
      `ipvsadm -A -t ${DR}:0 -s rr -p`,
      `ipvsadm -a -t ${DR}:0 -r 172.18.100.11 -g -w 1`,
      `ipvsadm -a -t ${DR}:0 -r 172.18.100.12 -g -w 1`,
    )
    expect(new Set([curl(DR, 80), curl(DR, 23), curl(DR, 443), curl(DR, 80)]).size).toBe(1)
    expect(shows('ipvsadm -Ln')).toContain(`TCP  ${DR}:0 rr persistent 360\n`)
    expect(shows('ipvsadm -Ln --persistent-conn')).toMatch(/-> 172\.18\.100\.1[12]:0 {14}1 {9}1 {11}/)
  })

  test('by firewall mark (PFWMC): 80 and 443 under mark 10 are one server’s', () => {
    iptables('-F')
    run('ipvsadm -C')
    const rule = `-A PREROUTING -d ${DR} -p tcp -m multiport --dports 80,443 -j MARK --set-mark 10`
    iptables(...rule.split(' '))
    run(
      'ipvsadm -A -f 10 -s rr -p 300',
      'ipvsadm -a -f 10 -r 172.18.100.11 -g -w 1',
      'ipvsadm -a -f 10 -r 172.18.100.12 -g -w 2',
    )
    const first = curl(DR, 80)
    expect([curl(DR, 443), curl(DR, 80)]).toEqual([first, first])
    expect(curl(DR, 443, 'client20')).not.toBe(first)
    const listing = shows('ipvsadm -Ln').replaceAll(/(Route {3}[12] {6})\d {10}\d {9}$/gm, '$1…')
    expect(listing).toBe(`${HEAD}FWM  10 rr persistent 300
  -> 172.18.100.11:0              Route   1      …
  -> 172.18.100.12:0              Route   2      …
`)
    expect(shows('ipvsadm -Lnc')).toMatch(
      /^IP {2}0[45]:\d\d {2}ASSURED {5}172\.18\.0\.10:0 {6}0\.0\.0\.10:0 {9}172\.18\.100\.1/m,
    )
  })

  test('by mark without: 80 alone, in turn', () => {
    iptables('-F')
    run('ipvsadm -C')
    iptables(...`-A PREROUTING -d ${DR} -p tcp --dport 80 -j MARK --set-mark 1`.split(' '))
    run('ipvsadm -A -f 1 -s rr', 'ipvsadm -a -f 1 -r 172.18.100.11 -g -w 1', 'ipvsadm -a -f 1 -r 172.18.100.12 -g -w 2')
    expect(new Set(times(4, () => curl(DR)))).toEqual(new Set(['dr11', 'dr12']))
    run('ipvsadm -E -f 1 -s rr -p 300')
    expect(new Set(times(3, () => curl(DR))).size).toBe(1)
    iptables('-F')
    run('ipvsadm -C')
  })
})

describe('a service that the configuration has', () => {
  test('is listed, is not changed by hand, and does not hinder others', async () => {
    run(`ipvsadm -A -t ${NAT}:8080 -s rr`, `ipvsadm -a -t ${NAT}:8080 -r 192.168.10.11:80 -m`)
    director.configure(`virtual_server ${NAT} 80 {
  lvs_sched wrr
  protocol TCP
  real_server 192.168.10.12 80 { weight 3 }
}
`)
    expect(await director.reload()).toEqual([])
    expect(shows('ipvsadm -Ln')).toContain(`TCP  ${NAT}:80 wrr\n  -> 192.168.10.12:80             Masq    3 `)
    expect([curl(NAT, 80), curl(NAT, 8080)]).toEqual(['nat12', 'nat11'])
    const refused = {
      status: 255,
      stdout: '',
      stderr: 'Operation not permitted: the service is in the configuration of tanistd\n',
    }
    expect(director.ipvsadm(`ipvsadm -D -t ${NAT}:80`)).toEqual(refused)
    expect(director.ipvsadm(`ipvsadm -e -t ${NAT}:80 -r 192.168.10.12 -m -w 0`)).toEqual(refused)
    run('ipvsadm -C')
    expect(shows('ipvsadm -Ln')).toContain(`TCP  ${NAT}:80 wrr`)
    expect(shows('ipvsadm -S -n')).toBe('')
  })

  test('connections are listed and taken away by what they are', () => {
    run(`ipvsadm -A -t ${NAT}:8081 -s rr`, `ipvsadm -a -t ${NAT}:8081 -r 192.168.10.11:80 -m`)
    for (const client of ['client10', 'client20']) curl(NAT, 8081, client)
    const count = (...filter: readonly string[]) =>
      director
        .tanist('connections', '--json', ...filter)
        .stdout.split('\n')
        .filter((line) => line !== '').length
    const at8081 = ['--virtual', `${NAT}:8081`]
    expect(count(...at8081)).toBe(2)
    expect(count(...at8081, '--client', '172.18.0.10')).toBe(1)
    expect(count(...at8081, '--client', '172.18.0.0/24', '--server', '192.168.10.11')).toBe(2)
    expect(count(...at8081, '--server', '192.168.10.11:81')).toBe(0)
    expect(director.tanist('connections', ...at8081, '--client', '172.18.0.10', '--delete').stdout).toBe('1 deleted\n')
    expect(director.tanist('connections', ...at8081).stdout).toMatch(
      /^IPVS connection entries\npro .*\nTCP \d\d:\d\d {2}TIME_WAIT {3}172\.18\.0\.20:\d+ +172\.18\.100\.6:8081 {2}192\.168\.10\.11:80\n$/,
    )
    expect(director.tanist('connections', '--client', 'x').stderr).toContain('no address')
    expect(director.tanist('trace', '172.18.0.10', `${NAT}:8081`).stdout).toMatch(
      /^packet .*\noutcome {4}forwarded\n(.*\n)*chosen by {2}scheduler\nleaves as {2}TCP \[172\.18\.0\.10\]:40000 to \[192\.168\.10\.11\]:80, TTL 63\n$/,
    )
    run('ipvsadm -C')
  })

  test('what was made by hand outlives a crash of the daemon', async () => {
    run(`ipvsadm -A -t ${NAT}:8080 -s wrr -p 60`, `ipvsadm -a -t ${NAT}:8080 -r 192.168.10.11:80 -m -w 7`)
    const saved = shows('ipvsadm -S -n')
    await director.killAll()
    expect(curl(NAT, 8080)).toBe('nat11')
    await director.start()
    expect(shows('ipvsadm -S -n')).toBe(saved)
  })
})
