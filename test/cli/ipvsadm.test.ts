import { describe, expect, test } from 'vitest'
import {
  connectionLine,
  connectionTitle,
  formatListing,
  formatSave,
  formatServices,
  formatTimeouts,
} from '../../src/ipvsadm/format.ts'
import { numbers, type Namer } from '../../src/ipvsadm/names.ts'
import { changeTable, type IpvsTable } from '../../src/balance/ipvs-table.ts'
import type { IpvsCommand, IpvsFailure } from '../../src/model/ipvs.ts'
import { estimate, type Estimate, ratesOf } from '../../src/balance/estimator.ts'
import type { ListedService } from '../../src/model/ipvs-listing.ts'
import { address } from '../bpf/packets.ts'
import { listed, options, parse, refusal } from './ipvsadm-lines.ts'

/** Texts, errors and exit statuses of a real ipvsadm 1.31 on a real kernel. */
const names: Namer = {
  host: (host) => (host === '127.0.0.1' ? 'localhost' : host),
  port: (port) =>
    ({ 80: 'http', 8080: 'http-alt', 443: 'https', 21: 'ftp', 53: 'domain', 25: 'smtp' })[port] ?? String(port),
}
const listing = (services: readonly ListedService[]) => ({
  size: 4096,
  timeouts: { tcp: 900, tcpFin: 120, udp: 300 },
  services,
})
/** The service is told by its first word; the parts of the table are apart, to be read. */
const table = () =>
  listed(
    '-A -t 10.0.0.100:0 -s sh -p 600 -M 255.255.255.0 -b sh-fallback,sh-port',
    '-a -t 10.0.0.100:0 -r 192.168.1.11 -m',
    '-A -t 10.0.0.100:ftp -s none',
    '-A -t 10.0.0.100:80',
    '-a -t 10.0.0.100:80 -r localhost',
    '-a -t 10.0.0.100:80 -r 192.168.1.11',
    '-a -t 10.0.0.100:80 -r 192.168.1.12:8080 -m -w 5',
    '-a -t 10.0.0.100:80 -r 192.168.1.13 -i -w 2',
    '-A -t 10.0.0.100:443 -s wrr -p',
    '-a -t 10.0.0.100:443 -r 192.168.1.11 -m -w 10',
    '-A -t 10.0.0.101:25 -s rr -b flag-1,flag-3',
    '-A -u 10.0.0.100:53 -s rr -o',
    '-a -u 10.0.0.100:53 -r 192.168.1.11 -m',
    '-A --sctp-service 10.0.0.100:3868 -s mh -b mh-port',
    '-a --sctp-service 10.0.0.100:3868 -r 192.168.1.12 -m',
    '-A -t [fd00::100]:80',
    '-a -t [fd00::100]:80 -r 192.168.1.13 -i',
    '-a -t [fd00::100]:80 -r [fd01::11]:80 -m -w 7',
    '-A -f 10 -s lc',
    '-a -f 10 -r 192.168.1.11',
    '-a -f 10 -r 192.168.1.12 -m',
    '-A -f 11 -6 -s rr -p 120 -M 64',
  )

describe('ipvsadm listings', () => {
  test('an empty table', () => {
    expect(formatListing(listing([]), options(), numbers)).toBe(`IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
`)
  })

  test('services in order, with names', () => {
    expect(formatListing(listing(table()), options(), names)).toBe(`IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.0.0.100:0 sh (sh-fallback,sh-port) persistent 600 mask 255.255.255.0
  -> 192.168.1.11:0               Masq    1      0          0         
TCP  10.0.0.100:ftp none
TCP  10.0.0.100:http wlc
  -> localhost:http               Route   1      0          0         
  -> 192.168.1.11:http            Route   1      0          0         
  -> 192.168.1.12:http-alt        Masq    5      0          0         
  -> 192.168.1.13:http            Tunnel  2      0          0         
TCP  10.0.0.100:https wrr persistent 360
  -> 192.168.1.11:https           Masq    10     0          0         
TCP  10.0.0.101:smtp rr (flag-1,flag-3)
UDP  10.0.0.100:domain rr ops
  -> 192.168.1.11:domain          Masq    1      0          0         
SCTP 10.0.0.100:3868 mh (mh-port)
  -> 192.168.1.12:3868            Masq    1      0          0         
TCP  [fd00::100]:http wlc
  -> 192.168.1.13:http            Tunnel  1      0          0         
  -> [fd01::11]:http              Masq    7      0          0         
FWM  10 lc
  -> 192.168.1.11:0               Route   1      0          0         
  -> 192.168.1.12:0               Masq    1      0          0         
FWM  11 IPv6 rr persistent 120 mask 64
`)
  })

  test('one service, without the first line', () => {
    const web = table().filter(({ id }) => id.by === 'address' && id.vip.port === 80 && id.vip.address === '10.0.0.100')
    expect(formatServices(web, options(), numbers)).toBe(`Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.0.0.100:80 wlc
  -> 127.0.0.1:80                 Route   1      0          0         
  -> 192.168.1.11:80              Route   1      0          0         
  -> 192.168.1.12:8080            Masq    5      0          0         
  -> 192.168.1.13:80              Tunnel  2      0          0         
`)
  })

  const traffic = (change: object): ListedService[] =>
    listed('-A -u 10.0.0.100:53 -s rr', '-a -u 10.0.0.100:53 -r 192.168.1.11 -m -x 3 -y 1').map((service) => ({
      ...service,
      ...change,
      servers: service.servers.map((server) => ({ ...server, ...change })),
    }))
  const some = { connections: 50, inPackets: 4000, outPackets: 0, inBytes: 4_112_000, outBytes: 0 }

  test('statistics and rates', () => {
    expect(formatServices(traffic({ totals: some }), options({ show: 'stats' }), numbers))
      .toBe(`Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
UDP  10.0.0.100:53                      50     4000        0  4112000        0
  -> 192.168.1.11:53                    50     4000        0  4112000        0
`)
    const rates = { connections: 5, inPackets: 498, outPackets: 0, inBytes: 511_880, outBytes: 0 }
    expect(formatServices(traffic({ rates }), options({ show: 'rate' }), numbers))
      .toBe(`Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS
  -> RemoteAddress:Port
UDP  10.0.0.100:53                       5      498        0   511880        0
  -> 192.168.1.11:53                     5      498        0   511880        0
`)
  })

  test('great numbers are cut, or exact', () => {
    const totals = { connections: 99_999_999, inPackets: 100_000_000, outPackets: 1e9, inBytes: 1e11, outBytes: 1e14 }
    const line = (exact: boolean) =>
      formatServices(traffic({ totals }), options({ show: 'stats', exact }), numbers).split('\n')[2]
    expect(line(false)).toBe('UDP  10.0.0.100:53                99999999  100000K    1000M     100G     100T')
    expect(line(true)).toBe(
      'UDP  10.0.0.100:53                99999999 100000000 1000000000 100000000000 100000000000000',
    )
  })

  test('thresholds and persistent connections', () => {
    expect(formatServices(traffic({ active: 3 }), options({ show: 'thresholds' }), numbers))
      .toBe(`Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn${' '}
  -> RemoteAddress:Port
UDP  10.0.0.100:53 rr
  -> 192.168.1.11:53              3          1          3          0         
`)
    expect(formatServices(traffic({ persistent: 2, inactive: 2 }), options({ show: 'persistent-conn' }), numbers))
      .toBe(`Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn${' '}
  -> RemoteAddress:Port
UDP  10.0.0.100:53 rr
  -> 192.168.1.11:53              1         2           0          2         
`)
  })

  test('tunnels', () => {
    const services = listed(
      '-A -t 10.0.0.100:8080',
      '-a -t 10.0.0.100:8080 -r 192.168.1.21 -i --tun-type gue --tun-port 6080',
      '-a -t 10.0.0.100:8080 -r 192.168.1.22 -i --tun-type gue --tun-port 6080 --tun-csum',
      '-a -t 10.0.0.100:8080 -r 192.168.1.24 -i --tun-type gre --tun-csum',
      '-a -t 10.0.0.100:8080 -r 192.168.1.25 -i',
      '-a -t 10.0.0.100:8080 -r 192.168.1.26:81 --fullnat', // not ipvsadm's
    )
    expect(formatSave(services, numbers)).toContain('-r 192.168.1.26:81 --fullnat -w 1\n')
    expect(formatServices(services, options({ show: 'tun-info' }), numbers))
      .toBe(`Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn
TCP  10.0.0.100:8080 wlc
  -> 192.168.1.21:8080            Tunnel  gue:6080:-c   1      0          0         
  -> 192.168.1.22:8080            Tunnel  gue:6080:+c   1      0          0         
  -> 192.168.1.24:8080            Tunnel  gre:+c        1      0          0         
  -> 192.168.1.25:8080            Tunnel  ipip          1      0          0         
  -> 192.168.1.26:81              FullNat n/a           1      0          0         
`)
  })

  test('--nosort: as the core has them, the last added server first', () => {
    const order = formatServices(table(), options({ sorted: false }), numbers).split('\n')
    expect(order.filter((line) => line.startsWith('TCP  10.0.0.100:80'))).toHaveLength(1)
    expect(order.slice(order.indexOf('TCP  10.0.0.100:80 wlc') + 1)[0]).toContain('192.168.1.13:80')
  })

  test('connections and time-outs', () => {
    const end = (text: string, port: number) => ({ address: address(text), port })
    const row = (
      protocol: 'TCP' | 'UDP' | 'IP',
      state: 'TIME_WAIT' | 'ASSURED' | 'UDP',
      seconds: number,
      ...ends: ReturnType<typeof end>[]
    ) => {
      const [client = end('0.0.0.0', 0), virtual = client, destination = client] = ends
      return connectionLine({ protocol, state, expiresSeconds: seconds, client, virtual, destination }, numbers)
    }
    expect(
      connectionTitle(false) +
        row('TCP', 'TIME_WAIT', 110, end('10.0.5.1', 5001), end('10.0.0.100', 80), end('192.168.1.11', 8080)) +
        row('IP', 'ASSURED', 119, end('10.0.7.1', 0), end('0.0.0.7', 0), end('192.168.1.14', 0)) +
        row('UDP', 'UDP', 299, end('fd00::2', 43_498), end('fd00::100', 53), end('fd01::11', 53)),
    ).toBe(`IPVS connection entries
pro expire state       source             virtual            destination
TCP 01:50  TIME_WAIT   10.0.5.1:5001      10.0.0.100:80      192.168.1.11:8080
IP  01:59  ASSURED     10.0.7.1:0         0.0.0.7:0          192.168.1.14:0
UDP 04:59  UDP         [fd00::2]:43498    [fd00::100]:53     [fd01::11]:53
`)
    expect(formatTimeouts({ tcp: 900, tcpFin: 120, udp: 300 })).toBe('Timeout (tcp tcpfin udp): 900 120 300\n')
  })

  test('save, and what is saved makes the same table', () => {
    const saved = formatSave(table(), numbers)
    expect(saved).toBe(`-A -t 10.0.0.100:0 -s sh -p 600 -M 255.255.255.0 -b sh-fallback,sh-port
-a -t 10.0.0.100:0 -r 192.168.1.11:0 -m -w 1
-A -t 10.0.0.100:21 -s none
-A -t 10.0.0.100:80 -s wlc
-a -t 10.0.0.100:80 -r 127.0.0.1:80 -g -w 1
-a -t 10.0.0.100:80 -r 192.168.1.11:80 -g -w 1
-a -t 10.0.0.100:80 -r 192.168.1.12:8080 -m -w 5
-a -t 10.0.0.100:80 -r 192.168.1.13:80 -i -w 2 --tun-type ipip
-A -t 10.0.0.100:443 -s wrr -p 360
-a -t 10.0.0.100:443 -r 192.168.1.11:443 -m -w 10
-A -t 10.0.0.101:25 -s rr -b flag-1,flag-3
-A -u 10.0.0.100:53 -s rr -o
-a -u 10.0.0.100:53 -r 192.168.1.11:53 -m -w 1
-A --sctp-service 10.0.0.100:3868 -s mh -b mh-port
-a --sctp-service 10.0.0.100:3868 -r 192.168.1.12:3868 -m -w 1
-A -t [fd00::100]:80 -s wlc
-a -t [fd00::100]:80 -r 192.168.1.13:80 -i -w 1 --tun-type ipip
-a -t [fd00::100]:80 -r [fd01::11]:80 -m -w 7
-A -f 10 -s lc
-a -f 10 -r 192.168.1.11:0 -g -w 1
-a -f 10 -r 192.168.1.12:0 -m -w 1
-A -f 11 -6 -s rr -p 120 -M 64
`)
    const lines = saved.split('\n').filter((line) => line !== '')
    expect(formatSave(listed(...lines), numbers)).toBe(saved)
    expect(formatSave(listed('-A -t 10.0.0.100:80'), names)).toBe('-A -t 10.0.0.100:http -s wlc\n')
  })
})

describe('an ipvsadm line that is refused before the daemon is asked', () => {
  const ADD = '-A -t 10.0.0.1:80'
  const SERVER = '-a -t 10.0.0.1:80 -r 10.1.0.1'
  test.each<[string, string, number]>([
    ['-A -t 10.0.0.1:0', 'Zero port specified for non-persistent service', 2],
    ['-A -t 10.0.0.1', 'Zero port specified for non-persistent service', 2],
    [`${ADD} -o`, 'One-Packet Scheduling is only for UDP virtual services', 2],
    ['-A -t nowhere:80', 'illegal virtual server address[:port] specified', 2],
    ['-A -t [fd00::1]', 'illegal virtual server address[:port] specified', 2],
    ['-a -t 10.0.0.1:80 -r 10.1.0.1:99999', 'illegal real server address[:port] specified', 2],
    ['-A -f abc', "invalid fwmark value `abc' specified", 2],
    ['-A -f 0x10', "invalid fwmark value `0x10' specified", 2],
    ['-A -6 -f 1', '-6 used before -f\n', 2],
    [`${SERVER} -w x`, 'illegal weight specified', 2],
    [`${SERVER} -x -1`, 'illegal u_threshold specified', 2],
    [`${ADD} -p 0`, "invalid timeout value `0' specified", 2],
    [`${ADD} -p 60 -M 255.0.255.0`, 'illegal virtual server persistent mask specified', 2],
    ['-A -t [fd00::1]:80 -p 60 -M 129', 'illegal ipv6 netmask specified', 2],
    [`${ADD} -s sh -b nope`, "invalid scheduler flag `nope'", 2],
    [`${ADD} -s rr -b sh-port`, "incompatible scheduler flag `sh-port'", 2],
    ['-a -t 10.0.0.1:80 -r fd00::1 -m', 'Different address family is allowed only for tunneling servers', 2],
    [`${SERVER} -m --tun-type gre`, 'Tunnel options conflict with forward method', 2],
    [`${SERVER} -i --tun-type x`, 'illegal tunnel type specified', 2],
    [`${SERVER} -i --tun-type gue`, "You need to supply the 'tun-port' option for the 'gue' tunnel type", 2],
    [`${SERVER} -i --tun-type gue --tun-port 0`, 'illegal tunnel port specified', 2],
    [`${SERVER} -i --tun-type gre --tun-port 1`, "Illegal 'tun-port' option with the 'gre' tunnel type", 2],
    [
      `${SERVER} -i --tun-type gue --tun-port 1 --tun-nocsum --tun-csum`,
      "The option 'tun-csum' conflicts with the 'tun-nocsum' option in the 'gue' tunnel type",
      2,
    ],
    [`${SERVER} -m -g`, "multiple 'forwarding-method' options specified", 2],
    [`${ADD} -u 10.0.0.1:53`, "multiple 'service-address' options specified", 2],
    [`${ADD} -D`, "invalid option `-D'", 2],
    [`${ADD} extra`, 'unexpected argument extra', 2],
    ['--set 1 2', '--set option requires 3 timeout values', 2],
    ['--set 1 2 x', "invalid timeout value `x' specified", 2],
    ['-L -c --stats', 'options conflicts in the list command', 2],
    ['-L -c --timeout', "The option 'timeout' conflicts with the 'connection' option in the 'list' command", 2],
    ['-A -s rr', "You need to supply the 'service-address' option for the 'add-service' command", 2],
    ['-a -t 10.0.0.1:80', "You need to supply the 'real-server' option for the 'add-server' command", 2],
    [`${ADD} -w 1`, "Illegal 'weight' option with the 'add-service' command", 2],
    ['-C -n', "Illegal 'numeric' option with the 'flush' command", 2],
    [`${ADD} --nosuch`, '--nosuch: unknown option', 255],
    ['--nosuch', "Try `ipvsadm -h' or 'ipvsadm --help' for more information.", 255],
    ['-n', "Try `ipvsadm -h' or 'ipvsadm --help' for more information.", 255],
    ['-A -t', '-t: missing argument', 255],
    ['--stop-daemon both', 'illegal start_daemon specified', 2],
    ['--stop-daemon master', 'No daemon is running', 255],
    ['-A -t 1234', 'illegal virtual server address[:port] specified', 2],
    ['-A -t 10.0.0.1:', 'illegal virtual server address[:port] specified', 2],
    ['-A -u -- 10.0.0.1:53', 'illegal virtual server address[:port] specified', 2],
    ['-A -f 4294967296', "invalid fwmark value `4294967296' specified", 2],
    [`${SERVER} -x 2147483648`, 'illegal u_threshold specified', 2],
    [`${SERVER} -y 2147483648`, 'illegal l_threshold specified', 2],
    [`${SERVER} -w 2147483648`, 'illegal weight specified', 2],
    ['-L --timeout --persistent-conn', 'options conflicts in the list command', 2],
    ['-L --daemon --rate', 'options conflicts in the list command', 2],
    ['-A -t 10.0.0.2:0 -o', 'Zero port specified for non-persistent service', 2],
    ['--list -h -n', "invalid option `-h'", 2],
    ['-dC -r 10.1.0.1', "invalid option `-dC'", 2],
    [`${ADD} --nosuch=1`, '--nosuch=1: unknown option', 255],
    [`${SERVER} -gq`, '-gq: unknown option', 255],
    ['--set=1 60 300', "Try `ipvsadm -h' or 'ipvsadm --help' for more information.", 255],
    ['--start-daemon x --nosuch', 'illegal start-daemon parameter specified', 2],
    ['--start-daemon backup --mcast-port 65536', 'illegal mcast-port specified', 2],
    ['--start-daemon backup --mcast-ttl 0', 'illegal mcast-ttl specified', 2],
    ['--start-daemon backup --sync-maxlen 65508', 'illegal sync-maxlen specified', 2],
    ['--start-daemon master --mcast-group 10.0.0.1', "invalid IPv4 mcast-group `10.0.0.1'", 2],
    ['--start-daemon master --mcast-group fd00::1', "invalid IPv6 mcast-group `fd00::1'", 2],
    ['--stop-daemon master --syncid 256', 'illegal syncid specified', 2],
  ])('%s', (line, message, status) => {
    expect(refusal(line)).toEqual([message, status])
  })
})

describe('the table of services refuses', () => {
  const base = ['-A -t 10.0.0.1:80', '-a -t 10.0.0.1:80 -r 10.1.0.1:8080 -m']
  const change = (table: IpvsTable, command: IpvsCommand) =>
    changeTable(table, command, new Set(['FWM 9']), (of) => of === '10.1.255.255')
  const after = (line: string): IpvsFailure | 'done' => {
    let table: IpvsTable = []
    let last: IpvsFailure | 'done' = 'done'
    for (const each of [...base, line]) {
      const request = parse(each)
      const outcome = request.type === 'change' ? change(table, request.command) : 'invalid'
      last = typeof outcome === 'string' ? outcome : 'done'
      table = typeof outcome === 'string' ? table : outcome
    }
    return last
  }
  test.each<[string, IpvsFailure | 'done']>([
    ['-A -t 10.0.0.1:80', 'service-exists'],
    ['-E -t 10.0.0.1:81', 'no-such-service'],
    ['-D -t 10.0.0.1:81', 'no-such-service'],
    ['-a -t 10.0.0.1:81 -r 10.1.0.1', 'service-not-defined'],
    ['-d -t 10.0.0.1:81 -r 10.1.0.1', 'service-not-defined'],
    ['-a -t 10.0.0.1:80 -r 10.1.0.1:8080 -m', 'server-exists'],
    ['-e -t 10.0.0.1:80 -r 10.1.0.2 -m', 'no-such-server'],
    ['-d -t 10.0.0.1:80 -r 10.1.0.2', 'no-such-server'],
    // Direct routing keeps the service's port: this names 10.1.0.1:80.
    ['-e -t 10.0.0.1:80 -r 10.1.0.1:8080 -g', 'no-such-server'],
    ['-a -t 10.0.0.1:80 -r 224.0.0.1 -m', 'invalid'],
    ['-a -t 10.0.0.1:80 -r 0.0.0.0 -m', 'invalid'],
    ['-a -t 10.0.0.1:80 -r [fe80::1]:80 -i', 'invalid'],
    ['-a -t 10.0.0.1:80 -r [::ffff:10.0.0.1]:80 -i', 'invalid'],
    ['-a -t 10.0.0.1:80 -r 255.255.255.255 -m', 'invalid'],
    ['-a -t 10.0.0.1:80 -r 10.1.255.255 -m', 'invalid'],
    ['-a -t 10.0.0.1:80 -r 10.1.255.254 -m', 'done'],
    ['-a -t 10.0.0.1:80 -r 0.0.0.1 -m', 'done'],
    ['-a -t 10.0.0.1:80 -r 240.0.0.1 -m', 'done'],
    ['-a -t 10.0.0.1:80 -r 10.1.0.2 -m -x 1 -y 2', 'out-of-range'],
    ['-A -f 9', 'service-exists'],
    ['-D -f 9', 'configured'],
    ['-a -f 9 -r 10.1.0.1', 'configured'],
    ['-d -t 10.0.0.1:80 -r 10.1.0.1:8080', 'done'],
    ['-C', 'done'],
  ])('%s: %s', (line, outcome) => {
    expect(after(line)).toBe(outcome)
  })

  test('an edit replaces everything, and keeps the place and the servers', () => {
    const services = listed(
      '-A -t 10.0.0.1:80 -s rr -p 60',
      '-a -t 10.0.0.1:80 -r 10.1.0.1 -m -w 5 -x 9',
      '-a -t 10.0.0.1:80 -r 10.1.0.2 -m',
      '-E -t 10.0.0.1:80',
      '-e -t 10.0.0.1:80 -r 10.1.0.1 -m',
    )
    expect(services).toMatchObject([{ scheduler: 'wlc', persistence: undefined }])
    expect(services[0]?.servers).toMatchObject([
      { endpoint: { address: '10.1.0.2' } },
      { endpoint: { address: '10.1.0.1' }, weight: 1, thresholds: { upper: 0, lower: 0 } },
    ])
  })
})

describe('the estimator of rates', () => {
  const traffic = (packets: number) => ({
    connections: BigInt(packets / 100),
    inPackets: BigInt(packets),
    outPackets: 0n,
    inBytes: BigInt(packets * 1000),
    outBytes: 0n,
  })

  test('4000 packets before the first tick are 500 a second', () => {
    expect(ratesOf(estimate(undefined, traffic(4000)))).toMatchObject({
      connections: 5,
      inPackets: 500,
      inBytes: 500_000,
    })
  })

  test('a steady load is reached by three quarters of the way left each tick, and falls the same way', () => {
    let estimated: Estimate | undefined
    for (let tick = 1; tick <= 20; tick++) {
      estimated = estimate(estimated, traffic(tick * 2000))
      expect(ratesOf(estimated).inPackets).toBeCloseTo(1000 * (1 - 0.75 ** tick), -1)
    }
    expect(ratesOf(estimate(estimated, traffic(40_000))).inPackets).toBeLessThan(760)
  })
})
